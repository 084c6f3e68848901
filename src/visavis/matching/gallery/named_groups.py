"""Groups of faces that somebody has named, on their page or in a table, to be enrolled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from visavis.data.table import Row, read_table
from visavis.errors import DataError
from visavis.matching.found import around
from visavis.matching.gallery.names import clean_name, lookup_key
from visavis.models.embed import find_faces
from visavis.models.model import Model
from visavis.photos.choose import Box, overlap
from visavis.photos.face import Face
from visavis.photos.photo import Photo

COLUMNS = ("person", "photo", "left", "top", "width", "height")
"""Of a table of groups, as ``visavis group`` writes it and its page saves it."""
SAME_PLACE = 0.5
"""A face that was found again covers so much of the place where it was found, and that of it."""


@dataclass(frozen=True)
class FaceAt:
    """A face of a photo, by its place.

    Attributes:
        photo: the file.
        box: left, top, width, height in pixels of the upright photo.
    """

    photo: Path
    box: Box


def read_groups(path: Path, folder: Path) -> list[tuple[str, FaceAt]]:
    """Names and faces, those of one person in a row.

    Args:
        path: a CSV with the columns of ``COLUMNS``; rows without a person are passed over.
        folder: where photos lie that are named relative to it.

    Raises:
        DataError: not such a table, no name in it, a name that is none, or none of its photos is
            there.
    """
    header, rows = read_table(path)
    if lacking := [column for column in COLUMNS if column not in header]:
        raise DataError(
            f"{path} lacks the column {lacking[0]}; it is to be what the page of `visavis group` "
            "saves, or its --csv"
        )
    people: dict[bytes, tuple[str, list[FaceAt]]] = {}
    for row in rows:
        if row.cells["person"].strip():
            name = clean_name(row.cells["person"])
            _, faces = people.setdefault(lookup_key(name), (name, []))
            faces.append(FaceAt(folder / row.cells["photo"], _box(row)))
    if not people:
        raise DataError(f"{path} names nobody; fill in the column person")
    named = [(name, face) for name, faces in people.values() for face in faces]
    if not any(face.photo.exists() for _, face in named):
        raise DataError(
            f"none of the photos in {path} is there, such as {named[0][1].photo}; say in which "
            "folder they are with --photos"
        )
    return named


def _box(row: Row) -> Box:
    try:
        left, top, width, height = (float(row.cells[column]) for column in COLUMNS[2:])
    except ValueError:
        raise DataError(f"{row.where}: left, top, width and height are numbers of pixels") from None
    if not (
        all(map(math.isfinite, (left, top))) and 0 < width < math.inf and 0 < height < math.inf
    ):
        raise DataError(f"{row.where}: a face is wider and higher than 0 pixels")
    return left, top, width, height


def find_at(model: Model, at: FaceAt) -> Face:
    """The face at its place: of a photo that shows others, cut out of it.

    A photo counts as one person's, and is known by its pixels; the others' are not to be enrolled.

    Raises:
        PhotoError, NoFaceError: of the photo.
        DataError: no face is there any more.
    """
    face = face_in(model, at.photo, at.box)
    if face is None:
        raise DataError(
            f"{at.photo} shows no face where it did when it was grouped; group its folder again"
        )
    return face


def face_in(model: Model, photo: Photo | Path, box: Box) -> Face | None:
    """``find_at`` of any photo; ``None`` where no face is in that place.

    Raises:
        PhotoError, NoFaceError: of the photo.
    """
    faces, _ = find_faces(model, photo, "all")
    face = max(faces, key=lambda one: overlap(one.box, box))
    if overlap(face.box, box) < SAME_PLACE:
        return None
    return face if len(faces) == 1 else _cut_out(face)


def _cut_out(face: Face) -> Face:
    rows, columns = around(face.box)
    pixels = np.ascontiguousarray(face.photo.pixels[rows, columns])
    left, top, width, height = face.box
    return replace(
        face,
        photo=Photo(pixels, face.photo.origin),
        box=(left - columns.start, top - rows.start, width, height),
        landmarks=face.landmarks - np.array([columns.start, rows.start], dtype=np.float32),
    )
