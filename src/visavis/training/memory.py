"""Memory that is freed in one training step and needed again in the next."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from pytorch_lightning.callbacks import Callback

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of ``mallopt``, from glibc's ``malloc.h``."""
_NEVER, _TRIM_BYTES, _MMAPS = -1, 128 * 1024, 65536
"""What to give back memory at; and glibc's own two."""


class KeptMemory(Callback):
    """Keeps memory from step to step, and gives it back when an epoch's last is done.

    Validation and checkpoints ask for other sizes, which would not fit between a step's: a network
    of a quarter of a billion weights, kept throughout, grew from 8 to 17 GB in two epochs.
    """

    def __init__(self) -> None:
        self._kept = ExitStack()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Begin to keep."""
        self._kept.enter_context(kept_memory())

    def on_train_epoch_end(self, *_: Any) -> None:
        """Give back; validation and checkpoints come after."""
        self._kept.close()

    def on_exception(self, *_: Any) -> None:
        """Give back what an epoch that was cut off has kept."""
        self._kept.close()


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed for the next step, instead of giving it back to the system each time.

    glibc maps each tensor of a step anew and unmaps it after, and the system fills every page
    with zeros first: a sixth to a third of a step's time (BENCHMARKS.md). Kept, the memory stays
    at a step's peak, and is given back at the end. On other systems, and on GPUs, whose memory
    torch keeps itself, nothing changes.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, _MMAPS)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
