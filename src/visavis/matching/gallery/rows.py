"""What a gallery's rows mean once they are opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.matching.gallery.crop import KeptCrop


@dataclass(frozen=True)
class WrappedKey:
    """The key of an encrypted gallery's values, sealed by the operator's key.

    Attributes:
        sealed: nonce, ciphertext and tag.
        salt, cost: of scrypt, where the operator's key is a passphrase; the cost is the binary
            logarithm of its n. Else ``None``.
    """

    sealed: bytes
    salt: bytes | None
    cost: int | None

    @property
    def by_passphrase(self) -> bool:
        """Whether a passphrase opens it; else a key file does."""
        return self.salt is not None


@dataclass(frozen=True)
class GalleryFacts:
    """What a gallery knows about itself.

    Attributes:
        number: its own, chosen by chance.
        model, fingerprint, embedding_size: of the model that made all of its embeddings.
        cipher: how its rows are sealed.
        created: when.
        key: what its values are sealed by, itself sealed; ``None`` where they are not.
    """

    number: int
    model: str
    fingerprint: str
    embedding_size: int
    cipher: str
    created: datetime
    key: WrappedKey | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "number": self.number,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "embedding_size": self.embedding_size,
            "created": self.created.isoformat(),
        }


@dataclass(frozen=True)
class Person:
    """Somebody who is known.

    Attributes:
        number: stands for the person in the audit log, also after they are forgotten.
        name: as it was first given.
        consent: the operator's note about it.
        expires: when the person is no longer to be known.
        created: when they were first enrolled.
        photos: how many are enrolled.
    """

    number: int
    name: str
    consent: str | None
    expires: datetime | None
    created: datetime
    photos: int

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "name": self.name,
            "number": self.number,
            "photos": self.photos,
            "created": self.created.isoformat(),
            "consent": self.consent,
            "expires": self.expires and self.expires.isoformat(),
        }


@dataclass(frozen=True, eq=False)
class SeenFace:
    """One face of a photo, ready to be enrolled, or read back.

    Attributes:
        embedding: (d,) float32.
        photo: sha256 of the photo's pixels, upright: equal for every file of the same picture.
        file: the photo's file name, without its folders.
        box: left, top, width, height in pixels of the photo.
        score, eye_distance, turn, sharpness: see ``Face``.
        crop: the face's surroundings, where the operator chose to keep them.
        created: when it was enrolled; ``None`` before.
    """

    embedding: NDArray[np.float32]
    photo: bytes
    file: str
    box: tuple[float, float, float, float]
    score: float
    eye_distance: float
    turn: float
    sharpness: float
    crop: KeptCrop | None = None
    created: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the embedding."""
        return {
            "file": self.file,
            "sha256": self.photo.hex(),
            "box": [round(value, 1) for value in self.box],
            "score": round(self.score, 4),
            "eye_distance": round(self.eye_distance, 1),
            "turn": round(self.turn, 3),
            "sharpness": round(self.sharpness, 1),
            "crop": self.crop is not None,
            "created": self.created and self.created.isoformat(),
        }


@dataclass(frozen=True, eq=False)
class WrongAnswer:
    """A photo that is known not to show a person.

    Attributes:
        person: the person's number.
        photo: sha256 of the photo's pixels.
        embedding: (d,) float32 of the face in it; zeros where it was recorded with another model.
    """

    person: int
    photo: bytes
    embedding: NDArray[np.float32]


@dataclass(frozen=True)
class Event:
    """One line of the audit log.

    Attributes:
        at: when.
        what: ``enrolled``, ``identified``, ``forgotten`` …
        person: the number of the person, who may be forgotten by now; ``None`` for nobody.
        photos: how many.
    """

    at: datetime
    what: str
    person: int | None
    photos: int
