"""The user's cache folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from visavis.errors import ModelError
from visavis.files import write_atomically


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
    """Keep ``content`` where that is possible; a full or read-only disk is no reason to stop."""
    with contextlib.suppress(OSError):
        write_atomically(cache_folder() / name, content)
