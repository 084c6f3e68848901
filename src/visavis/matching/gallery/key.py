"""What opens an encrypted gallery: a passphrase, or random bytes in a file.

It seals nobody's data itself. It wraps the gallery's data key, which was drawn by chance, so that
a guessed passphrase is of use only together with the gallery.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import unicodedata
from pathlib import Path

from visavis.errors import DataError
from visavis.matching.gallery.cipher import NONCE_BYTES, Aes256Gcm, Cipher, Locked, Plain
from visavis.matching.gallery.rows import GalleryFacts, WrappedKey

KEY_BYTES = 32
SCRYPT_COST = 17
"""Binary logarithm of scrypt's n: 128 MiB and about half a second for each guess."""
COSTS = range(1, 23)
"""What a row may ask for: a damaged one must not take all of the memory."""
SHORTEST = 8
"""Characters of a new passphrase."""


class GalleryKey:
    """A passphrase, or the 32 random bytes of a key file.

    >>> key = visavis.GalleryKey.from_file("people.key")
    >>> gallery = visavis.Gallery("people.db", key=key)

    Attributes:
        origin: what messages call it.
    """

    def __init__(self, secret: bytes, origin: str, *, is_passphrase: bool) -> None:
        """Take what was read; see ``from_file`` and ``from_passphrase``."""
        self._secret = secret
        self._is_passphrase = is_passphrase
        self.origin = origin

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> GalleryKey:
        """The key in a file that ``new_key_file`` made.

        Raises:
            DataError: it cannot be read, or holds no key.
        """
        try:
            with Path(path).open("rb") as file:
                secret = base64.b64decode(file.read(1024).strip(), validate=True)
        except OSError as error:
            raise DataError(f"cannot read the key file {path}: {error.strerror or error}") from None
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise DataError(
                f"{path} is no key file, which holds {KEY_BYTES} bytes in base64; make one with "
                "`visavis gallery new-key FILE`"
            )
        return cls(secret, str(path), is_passphrase=False)

    @classmethod
    def from_passphrase(cls, passphrase: str) -> GalleryKey:
        """A passphrase; however Unicode writes its letters, it is the same.

        Raises:
            DataError: it is empty.
        """
        if not passphrase:
            raise DataError("a passphrase cannot be empty")
        text = unicodedata.normalize("NFC", passphrase)
        return cls(text.encode("utf-8", "surrogateescape"), "that passphrase", is_passphrase=True)

    def wrap(self, data_key: bytes, gallery: int) -> WrappedKey:
        """A data key as its gallery keeps it.

        Raises:
            DataError: the passphrase is too short.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, cost = None, None
        if self._is_passphrase:
            if len(self._secret.decode("utf-8", "surrogateescape")) < SHORTEST:
                raise DataError(
                    f"a passphrase of fewer than {SHORTEST} characters is guessed at once; take a "
                    "longer one"
                )
            salt, cost = secrets.token_bytes(16), SCRYPT_COST
        nonce = secrets.token_bytes(NONCE_BYTES)
        aead = AESGCM(self._stretched(salt, cost))
        return WrappedKey(nonce + aead.encrypt(nonce, data_key, _place(gallery)), salt, cost)

    def unwrap(self, wrapped: WrappedKey, gallery: int, name: str) -> bytes:
        """The data key of a gallery.

        Args:
            wrapped: what the gallery keeps.
            gallery: its number.
            name: its name, for messages.

        Raises:
            DataError: it is another gallery's key, or the row is damaged.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if self._is_passphrase != wrapped.by_passphrase:
            kinds = ("a key file", "a passphrase")
            wanted, given = kinds[wrapped.by_passphrase], kinds[self._is_passphrase]
            raise DataError(f"{name} is opened by {wanted}, not by {given}")
        if wrapped.cost is not None and wrapped.cost not in COSTS:
            raise DataError(
                f"{name} is damaged: its passphrase cannot have a cost of {wrapped.cost}; bring a "
                "backup back with `visavis gallery restore`"
            )
        aead = AESGCM(self._stretched(wrapped.salt, wrapped.cost))
        nonce, sealed = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
        try:
            return aead.decrypt(nonce, sealed, _place(gallery))
        except (InvalidTag, ValueError):
            raise DataError(
                f"{self.origin} does not open {name}: it is another gallery's, or an older one"
            ) from None

    def _stretched(self, salt: bytes | None, cost: int | None) -> bytes:
        """32 bytes; from a passphrase by scrypt (Percival, 2009; RFC 7914)."""
        if salt is None or cost is None:
            return self._secret
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        return Scrypt(salt=salt, length=KEY_BYTES, n=2**cost, r=8, p=1).derive(self._secret)


def cipher_of(facts: GalleryFacts, key: GalleryKey | None, name: str) -> Cipher:
    """What a gallery's values are sealed by.

    Args:
        facts: of the gallery.
        key: opens it.
        name: of the gallery, for messages.

    Raises:
        DataError: it is encrypted, and the key is missing or another one; or it is not, and its
            owner, who gives a key, believes that it is.
    """
    if facts.key is None:
        if key is None:
            return Plain()
        raise DataError(
            f"{name} is not encrypted, and a key is given; leave it away, or say "
            "`visavis gallery encrypt`"
        )
    if key is None:
        Locked(name).refuse()
    return Aes256Gcm(key.unwrap(facts.key, facts.number, name), name)


def key_columns(key: WrappedKey | None) -> dict[str, object]:
    """The columns of ``gallery`` that say how its values are sealed."""
    return {
        "cipher": Aes256Gcm.kind if key else Plain.kind,
        "wrapped_key": key and key.sealed,
        "key_salt": key and key.salt,
        "key_cost": key and key.cost,
    }


def new_key_file(path: Path) -> None:
    """Write a new key to a new file that only its owner may read.

    Raises:
        DataError: the file exists, or cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DataError(f"{path} exists; name a new file for the key") from None
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _place(gallery: int) -> bytes:
    """What a wrapped key belongs to."""
    return f"{gallery}/key".encode()
