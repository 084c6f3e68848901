"""The user's cache folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from visavis.errors import ModelError
from visavis.files import write_atomically

MOST = 2 * 2**30
"""Bytes that one kind of cached files may take: a network is compiled for each size of batch and
number of threads, and each of these holds all its weights."""


def cache_folder() -> Path:
    """Where visavis keeps what it can make again: ``$VISAVIS_CACHE`` or the platform's cache."""
    if chosen := os.environ.get("VISAVIS_CACHE"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("visavis", appauthor=False))


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
    """Keep ``content`` where that is possible; a full or read-only disk is no reason to stop.

    Its folder is kept ``bounded``.
    """
    with contextlib.suppress(OSError):
        write_atomically(cache_folder() / name, content)
        bounded((cache_folder() / name).parent)


def used(*paths: Path) -> None:
    """Note that cached files were of use just now, so that ``bounded`` leaves them longest."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(path)


def bounded(folder: Path, most: int = MOST) -> None:
    """Delete the files of a cache folder that were of use longest ago, beyond ``most`` bytes.

    The last one stays, however large it is. One that another process has open stays until it is
    closed there.
    """
    total = 0
    for _, size, path in sorted(_files(folder), reverse=True):
        total += size
        if total > max(most, size):
            with contextlib.suppress(OSError):
                path.unlink()


def _files(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """When each was of use last, its bytes and where it is."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process has just deleted it
            status = path.stat()
            yield status.st_mtime_ns, status.st_size, path
