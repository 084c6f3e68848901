"""Tags from a CSV, such as gender or pose, joined to photos to compare groups by."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.data.table import Row, read_table
from visavis.errors import DataError


def with_tags(faces: FaceSet, path: Path) -> FaceSet:
    """The face set with every further column of a tags CSV as a tag.

    The CSV has a column ``photo`` (a file name, or as many of its folders as tell it apart) or a
    column ``person``. Photos that the CSV leaves out have empty tags.

    Args:
        faces: the photos.
        path: the CSV.

    Raises:
        DataError: no such column or no further one, a photo or person that the source does not
            have, one that fits several photos or is there twice, or a tag that the source has.
    """
    header, rows = read_table(path)
    key = next((column for column in ("photo", "person") if column in header), None)
    if key is None:
        raise DataError(f"{path} lacks a column 'photo' or 'person'")
    tags = [column for column in header if column not in ("photo", "person")]
    if not tags:
        raise DataError(f"{path} has no tags: add a column such as 'gender' beside {key!r}")
    taken = next((tag for tag in tags if tag in faces.tags), None)
    if taken:
        raise DataError(f"{path}: {faces.name} already has a tag {taken!r}; rename the column")
    row_of = _rows_of_photos(faces, path, key, rows)
    columns = {
        tag: np.array([rows[i].cells[tag].strip() if i >= 0 else "" for i in row_of], dtype=np.str_)
        for tag in tags
    }
    return replace(faces, tags={**faces.tags, **columns})


def source_with_tags(source: Source, path: Path) -> Source:
    """The source with the tags of a CSV on its photos, and on those of its pairs.

    Raises:
        DataError: see ``with_tags``.
    """
    faces = with_tags(source.faces, path)
    row = {photo: i for i, photo in enumerate(faces.photos)}

    def tagged(pairs: PairSet) -> PairSet:
        rows = [row[photo] for photo in pairs.faces.photos]
        tags = {tag: column[rows] for tag, column in faces.tags.items()}
        return replace(pairs, faces=replace(pairs.faces, tags=tags))

    fitting = tagged(source.fitting) if source.fitting is not None else None
    return replace(source, faces=faces, pairs=tagged(source.pairs), fitting=fitting)


def _rows_of_photos(faces: FaceSet, path: Path, key: str, rows: list[Row]) -> list[int]:
    """The tags row of each photo, or -1."""
    matches = _match_photos(faces, rows) if key == "photo" else _match_people(faces, rows)
    if not any(matches):
        example = faces.photos[0].name if key == "photo" else faces.names[0]
        raise DataError(
            f"{path}: none of its {len(rows)} rows names a {key} of {faces.name}; "
            f"write them as {example}"
        )
    row_of = [-1] * len(faces)
    for i, (row, photos) in enumerate(zip(rows, matches, strict=True)):
        if not photos:
            raise DataError(f"{row.where}: {faces.name} has no {key} {row.cells[key]!r}")
        for photo in photos:
            if row_of[photo] >= 0:
                raise DataError(f"{row.where}: {row.cells[key]!r} is there twice; keep one row")
            row_of[photo] = i
    return row_of


def _match_people(faces: FaceSet, rows: list[Row]) -> list[list[int]]:
    photos: dict[str, list[int]] = defaultdict(list)
    for i, person in enumerate(faces.people):
        photos[_composed(faces.names[person])].append(i)
    return [photos.get(_composed(row.cells["person"].strip()), []) for row in rows]


def _match_photos(faces: FaceSet, rows: list[Row]) -> list[list[int]]:
    """The photo of each row, found by the end of its path: as much of it as the row gives."""
    wanted = [PurePath(_composed(row.cells["photo"])).parts for row in rows]
    endings: dict[tuple[str, ...], list[int]] = {parts: [] for parts in wanted}
    lengths = {len(parts) for parts in wanted if parts}
    for i, photo in enumerate(faces.photos):
        parts = PurePath(_composed(str(photo))).parts
        for length in lengths:
            if length <= len(parts) and parts[-length:] in endings:
                endings[parts[-length:]].append(i)
    for row, parts in zip(rows, wanted, strict=True):
        if len(endings[parts]) > 1:
            raise DataError(
                f"{row.where}: {row.cells['photo']!r} fits {len(endings[parts])} photos; "
                "write the folder too"
            )
    return [endings[parts] for parts in wanted]


def _composed(name: str) -> str:
    # macOS takes names apart (e + accent), spreadsheets write them in one.
    return unicodedata.normalize("NFC", name)
