"""How a gallery keeps what names or shows somebody."""

from __future__ import annotations

import hmac
import secrets
from typing import NoReturn, Protocol

from visavis.errors import DataError

NONCE_BYTES = 12


class Cipher(Protocol):
    """Seals bytes before they reach a store, and makes the keys that they are looked up by.

    Attributes:
        kind: what the gallery remembers of it.
    """

    kind: str

    def seal(self, content: bytes, associated: bytes) -> bytes:
        """``content`` as it is stored; only ``open`` with the same ``associated`` undoes it."""

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """What was sealed.

        Raises:
            DataError: it is not what ``seal`` made with this key and ``associated``.
        """

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


class Aes256Gcm:
    """Authenticated encryption (NIST SP 800-38D) with a nonce by chance for each value.

    Rows are found by HMAC-SHA256. Both keys are derived from the gallery's data key by HKDF
    (RFC 5869), so neither says anything about the other. By chance two of 2^32 values share a nonce
    with a probability of 2^-33: room for a thousand million photos before a new data key.
    """

    kind = "aes-256-gcm"

    def __init__(self, data_key: bytes, name: str) -> None:
        """Take the keys.

        Args:
            data_key: 32 random bytes.
            name: of the gallery, for messages.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._damage = InvalidTag, ValueError  # the latter of a nonce cut short
        self._name = name
        self._aead = AESGCM(_derived(data_key, b"visavis gallery values"))
        self._lookup = _derived(data_key, b"visavis gallery lookup")

    def seal(self, content: bytes, associated: bytes) -> bytes:
        """The nonce, the ciphertext and its tag: 28 bytes longer than ``content``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, content, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """What was sealed; it is whole, and belongs where it lies."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except self._damage:
            raise DataError(
                f"{self._name} is damaged: a sealed value was changed, or comes from another "
                "place; bring a backup back with `visavis gallery restore`"
            ) from None

    def key_of(self, content: bytes) -> bytes:
        """32 bytes that only the key's owner can tell the content of."""
        return hmac.digest(self._lookup, content, "sha256")


class Locked:
    """An encrypted gallery without its key: what is sealed stays so."""

    kind = Aes256Gcm.kind

    def __init__(self, name: str) -> None:
        self._name = name

    def seal(self, content: bytes, associated: bytes) -> bytes:  # noqa: ARG002
        """Refused."""
        self.refuse()

    def open(self, sealed: bytes, associated: bytes) -> bytes:  # noqa: ARG002
        """Refused."""
        self.refuse()

    def key_of(self, content: bytes) -> bytes:  # noqa: ARG002
        """Refused."""
        self.refuse()

    def refuse(self) -> NoReturn:
        """Say which key it takes.

        Raises:
            DataError: always.
        """
        raise DataError(
            f"{self._name} is encrypted: give its key with --key-file, VISAVIS_GALLERY_KEY_FILE or "
            "VISAVIS_GALLERY_PASSPHRASE, or key= in Python"
        )


def _derived(data_key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(data_key)
