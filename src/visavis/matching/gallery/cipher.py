"""How a gallery keeps what names or shows somebody."""

from __future__ import annotations

from typing import Protocol


class Cipher(Protocol):
    """Seals bytes before they reach a store, and makes the keys that they are looked up by.

    Attributes:
        kind: what the gallery remembers of it.
    """

    kind: str

    def seal(self, content: bytes, associated: bytes) -> bytes:
        """``content`` as it is stored; only ``open`` with the same ``associated`` undoes it."""

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """What was sealed."""

    def key_of(self, content: bytes) -> bytes:
        """The same for the same content: rows are found by it."""


class Plain:
    """No secret: rows hold what they are given."""

    kind = "plain"

    def seal(self, content: bytes, associated: bytes) -> bytes:  # noqa: ARG002
        """As it is."""
        return content

    def open(self, sealed: bytes, associated: bytes) -> bytes:  # noqa: ARG002
        """As it is."""
        return sealed

    def key_of(self, content: bytes) -> bytes:
        """As it is."""
        return content
