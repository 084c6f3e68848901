"""The faces of many photos, kept small: an embedding each, and a picture to show."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.errors import VisavisError
from visavis.models.embed import embed_photos
from visavis.models.model import Model
from visavis.photos.choose import Box, Choice
from visavis.photos.face import Face

Progress = Callable[[str, int, int], None]  # stage, photos done, photos in all

AROUND = 0.2
"""Of a face's box, so much more is cut out: enough to find it again, and hardly ever another."""
TILE = 112
"""Pixels a side of a face's picture: about 4 kB."""


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face without its photo's pixels.

    Attributes:
        photo: where it is.
        box: left, top, width, height in pixels of the upright photo.
        in_photo: how many faces the photo shows.
        tile: the face as a JPEG of ``TILE`` pixels a side.
    """

    photo: Path
    box: tuple[float, float, float, float]
    in_photo: int
    tile: bytes

    @property
    def picture(self) -> str:
        """``tile`` as a ``data:`` URI."""
        return data_uri(self.tile)

    @property
    def place(self) -> str:
        """``box`` as a row of a table holds it."""
        return ",".join(f"{value:.1f}" for value in self.box)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"photo": str(self.photo), "box": [round(float(value), 1) for value in self.box]}


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """What was found in some photos.

    Attributes:
        faces: n of them, in the order of the photos.
        embeddings: (n, d) float32.
        photos: how many photos were opened.
        skipped: photos that gave no face, and why in a sentence.
    """

    faces: list[FoundFace]
    embeddings: NDArray[np.float32]
    photos: int
    skipped: list[tuple[Path, str]]


def find_all(
    model: Model,
    photos: Sequence[Path],
    choose: Choice,
    stage: str,
    progress: Progress | None = None,
) -> FoundFaces:
    """Find and embed the chosen faces of photos; a bad photo is skipped.

    Args:
        model: embeds them.
        photos: at least one.
        choose: which faces of each photo.
        stage: what progress calls it.
        progress: called after each photo.

    Raises:
        VisavisError: no photo gave a face: the error of the only photo, or of the first one's
            kind for all of them.
    """
    faces: list[FoundFace] = []
    rows: list[NDArray[np.float32]] = []
    errors: list[tuple[Path, VisavisError]] = []
    for done, embedded in enumerate(embed_photos(model, photos, choose), start=1):
        if embedded.error:
            errors.append((photos[done - 1], embedded.error))
        faces += [
            FoundFace(photos[done - 1], face.box, embedded.found, tile(face))
            for face in embedded.faces
        ]
        rows.append(embedded.embeddings)
        if progress:
            progress(stage, done, len(photos))
    if not faces:
        first = errors[0][1]
        if len(errors) == 1:
            raise first
        raise type(first)(
            f"none of the {len(photos)} photos has a face that can be used; the first: {first}"
        )
    skipped = [(photo, str(error)) for photo, error in errors]
    return FoundFaces(faces, np.concatenate(rows), len(photos), skipped)


def around(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a photo that show a face and what is close around it."""
    left, top, width, height = box
    margin = AROUND * max(width, height)
    rows = slice(max(0, int(top - margin)), int(top + height + margin))
    return rows, slice(max(0, int(left - margin)), int(left + width + margin))


def data_uri(jpeg: bytes) -> str:
    """A JPEG as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def tile(face: Face) -> bytes:
    """A face's surroundings as a JPEG of ``TILE`` pixels a side."""
    pixels = face.crop("box", TILE, TILE)
    _, jpeg = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return jpeg.tobytes()
