"""Files appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from visavis.errors import DataError


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to a new file beside ``path``, then put it in ``path``'s place.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full; ``path`` is then as
            it was.
    """
    unfinished = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        with unfinished.open("wb") as file:
            file.write(content)
        unfinished.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {_reason(path, error)}") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def _reason(path: Path, error: OSError) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; create it or name another"
    if path.is_dir():
        return "it is a folder; name a file in it"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space or name another place"
    return f"{error.strerror or error}; name a place that you may write to"
