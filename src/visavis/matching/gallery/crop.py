"""The part of a photo around a face, kept for embedding it again with another model."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visavis.photos.face import Face
from visavis.photos.photo import Photo

REACH = 2.0
"""Side of the square that is kept, in units of the box's longer side: room for every template."""
MAX_SIDE = 448
"""Pixels; more than any known model's crops hold."""
_PLACES = 15  # landmarks, box and score


@dataclass(frozen=True, eq=False)
class KeptCrop:
    """A face's surroundings and where in them it lies.

    Attributes:
        picture: a JPEG file's bytes.
        places: (15,) float32: five landmarks (x, y), the box, the detection score.
    """

    picture: bytes
    places: NDArray[np.float32]

    @classmethod
    def of(cls, face: Face) -> Self:
        """Cut it out of the photo, scaled down where it is larger than ``MAX_SIDE``."""
        left, top, width, height = face.box
        reach = REACH * max(width, height) / 2
        x, y = left + width / 2, top + height / 2
        photo = Image.fromarray(face.photo.pixels)
        edges = (
            max(0, int(x - reach)),
            max(0, int(y - reach)),
            min(photo.width, int(x + reach) + 1),
            min(photo.height, int(y + reach) + 1),
        )
        cut = photo.crop(edges)
        scale = min(1.0, MAX_SIDE / max(cut.size))
        if scale < 1:
            cut = cut.resize((round(cut.width * scale), round(cut.height * scale)))
        places = np.concatenate([face.landmarks.ravel(), face.box, [face.score]]).astype(np.float32)
        places[:12] -= np.tile(np.array(edges[:2], dtype=np.float32), 6)
        places[:14] *= scale
        content = io.BytesIO()
        cut.save(content, "JPEG", quality=95, subsampling=0)
        return cls(content.getvalue(), places)

    def face(self, origin: str) -> Face:
        """The face in what was kept of its photo."""
        left, top, width, height = (float(value) for value in self.places[10:14])
        photo = Photo(Photo.open(self.picture).pixels, origin)
        landmarks = self.places[:10].reshape(5, 2).copy()
        return Face(photo, (left, top, width, height), landmarks, float(self.places[14]))

    def to_bytes(self) -> bytes:
        """The places, then the picture."""
        return self.places.astype("<f4").tobytes() + self.picture

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What ``to_bytes`` made."""
        places = np.frombuffer(content[: 4 * _PLACES], "<f4").astype(np.float32)
        return cls(content[4 * _PLACES :], places)
