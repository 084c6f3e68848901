"""Sealing one gallery's values, and the numbers that they are sealed by."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from visavis.matching.gallery.cipher import Cipher


def new_numbers(count: int) -> range:
    """Numbers for new rows, known before they are written because rows are sealed by them.

    They begin with the time, so that a table grows at its end, and end by chance, so that two
    processes do not choose the same.
    """
    first = (time.time_ns() // 1000) << 12 | secrets.randbits(12)
    return range(first, first + count)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Sealing:
    """A cipher at work in one gallery.

    Attributes:
        gallery: the gallery's number.
        cipher: seals and opens.
    """

    gallery: int
    cipher: Cipher

    def seal(self, content: bytes, column: str, row: int) -> bytes:
        """A value as its column keeps it."""
        return self.cipher.seal(content, self._place(column, row))

    def open(self, sealed: bytes, column: str, row: int) -> bytes:
        """The value that a column keeps."""
        return self.cipher.open(bytes(sealed), self._place(column, row))

    def seal_embedding(self, embedding: NDArray[np.float32], table: str, row: int) -> bytes:
        """An embedding as its table keeps it: little-endian float32."""
        return self.seal(embedding.astype("<f4").tobytes(), f"{table}.embedding", row)

    def open_embedding(self, sealed: bytes, table: str, row: int) -> NDArray[np.float32]:
        """The (d,) embedding that a table keeps."""
        content = self.open(sealed, f"{table}.embedding", row)
        return np.frombuffer(content, "<f4").astype(np.float32, copy=False)

    def key_of(self, content: bytes) -> bytes:
        """What a value is looked up by."""
        return self.cipher.key_of(content)

    def _place(self, column: str, row: int) -> bytes:
        """What a sealed value belongs to: moved elsewhere, it does not open."""
        return f"{self.gallery}/{column}/{row}".encode()
