"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from visavis.errors import DataError


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write ``content`` so that other processes see the whole file or none of it.

    Args:
        path: the file; its folder is made.
        content: all of it.
        mode: who may read it.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(mode)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def write_output(path: Path, content: bytes) -> None:
    """``write_atomically`` for a file that the user named, in a folder that exists.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full; ``path`` is then as
            it was.
    """
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no folder")
        write_atomically(path, content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {_reason(path, error)}") from None


def _reason(path: Path, error: OSError) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; create it or name another"
    if path.is_dir():
        return "it is a folder; name a file in it"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space or name another place"
    return f"{error.strerror or error}; name a place that you may write to"
