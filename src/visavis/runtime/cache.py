"""The user's cache folder, and files that appear in it whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from visavis.errors import ModelError


def cache_folder() -> Path:
    """Where visavis keeps what it can make again: ``$VISAVIS_CACHE`` or the platform's cache."""
    if chosen := os.environ.get("VISAVIS_CACHE"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("visavis", appauthor=False))


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` so that other processes see the whole file or none of it.

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
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def cached(name: str, make: Callable[[], bytes]) -> Path:
    """The file ``name`` in the cache folder, made once.

    Args:
        name: path inside the cache folder; it must name the content, for it is never made again.
        make: called where the file is not there yet.

    Raises:
        ModelError: the cache folder cannot be written.
    """
    path = cache_folder() / name
    if not path.is_file():
        content = make()
        try:
            write_atomically(path, content)
        except OSError as error:
            raise ModelError(
                f"cannot write to the cache folder {path.parent} ({error.strerror}); "
                "free some space or set VISAVIS_CACHE to a folder that can be written"
            ) from None
    return path


def try_to_cache(name: str, content: bytes) -> None:
    """Keep ``content`` where that is possible; a full or read-only disk is no reason to stop."""
    with contextlib.suppress(OSError):
        write_atomically(cache_folder() / name, content)
