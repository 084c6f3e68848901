"""The crop store's files: an array of crops, and what is known of each row.

``crops.u8`` holds the crops, row by row. ``rows.bin`` holds for each row the stamp of the photo
that it was made from and its state. A row's crop is on the disk before its state says so, so a
process may be killed, or the power fail, at any moment: rows without a state are made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.files import write_atomically

UNDONE, FOUND, MISSED, UNREADABLE = range(4)

# The state last: half a record, all that a kill can leave, then never claims more than is there.
_ROW = np.dtype([("stamp", "<u8"), ("state", "u1")])


class CropFiles:
    """The files of one store.

    Attributes:
        folder: where they are.
        shape: (n, height, width, channels).
        rows: (n,) structured, fields ``stamp`` and ``state``.
        reasons: why a row is unreadable, by row.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int, int]) -> None:
        self.folder = folder
        self.shape = shape
        self._crops, self._rows = folder / "crops.u8", folder / "rows.bin"
        self._reasons = folder / "unreadable.json"
        self.load()

    def load(self) -> None:
        """Read what is on the disk; files that are missing or cut short hold no row.

        Raises:
            OSError: a file cannot be read.
        """
        self.rows = np.zeros(self.shape[0], dtype=_ROW)
        self.reasons: dict[int, str] = {}
        if _size(self._crops) == self._length and _size(self._rows) == self.rows.nbytes:
            self.rows = np.fromfile(self._rows, dtype=_ROW)
            if self._reasons.is_file():
                reasons = json.loads(self._reasons.read_text("utf-8"))
                self.reasons = {int(row): reason for row, reason in reasons.items()}

    def outdated(self, stamps: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The rows that are undone, or were made from a photo of another stamp."""
        return np.flatnonzero((self.rows["state"] == UNDONE) | (self.rows["stamp"] != stamps))

    def create(self) -> None:
        """Make the files in their full length where they are not; the crops take space as written.

        Raises:
            OSError: a file cannot be made.
        """
        if _size(self._crops) != self._length or _size(self._rows) != self.rows.nbytes:
            self.rows.tofile(self._rows)  # before the crops: nothing that was there holds any more
            with self._crops.open("wb") as file:
                file.truncate(self._length)

    def write(
        self,
        rows: NDArray[np.int64],
        crops: Mapping[int, NDArray[np.uint8]],
        stamps: NDArray[np.uint64],
        states: NDArray[np.uint8],
        reasons: Mapping[int, str],
    ) -> None:
        """Write some rows; they are on the disk, or hold what they held, when this ends or fails.

        Args:
            rows: (k,) which.
            crops: (height, width, channels) uint8 of those that have one; others become black.
            stamps, states: (k,) of each.
            reasons: why, for those that are unreadable.

        Raises:
            OSError: the disk is full, or failing.
        """
        black = bytes(self._length // self.shape[0])
        with self._crops.open("r+b", buffering=0) as file:
            for row in rows.tolist():
                file.seek(row * len(black))
                _write_all(file.fileno(), crops[row].tobytes() if row in crops else black)
            os.fsync(file.fileno())
        if reasons:
            self.reasons |= reasons
            write_atomically(self._reasons, json.dumps(self.reasons).encode())
        done = np.zeros(len(rows), dtype=_ROW)
        done["stamp"], done["state"] = stamps, states
        with self._rows.open("r+b", buffering=0) as file:
            for row, record in zip(rows.tolist(), done, strict=True):
                file.seek(row * _ROW.itemsize)
                _write_all(file.fileno(), record.tobytes())
        self.rows[rows] = done

    def crops(self) -> NDArray[np.uint8]:
        """(n, height, width, channels) uint8, mapped into memory, read-only."""
        return np.memmap(self._crops, dtype=np.uint8, mode="r", shape=self.shape)

    @property
    def _length(self) -> int:
        return int(np.prod(self.shape))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _write_all(handle: int, content: bytes) -> None:
    written = 0
    while written < len(content):  # a disk that fills up takes a part first
        written += os.write(handle, content[written:])
