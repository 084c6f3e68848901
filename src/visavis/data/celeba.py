"""CelebFaces Attributes (CelebA): 202,599 photos of 10,177 people, with 40 attributes each.

Liu et al., "Deep learning face attributes in the wild", 2015.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, Source
from visavis.data.known import known_sets
from visavis.data.sampling import sample_pairs
from visavis.data.splits import TEST, TRAIN, VALIDATION
from visavis.errors import DataError

IDENTITIES = "identity_CelebA.txt"
PARTITION = "list_eval_partition.txt"
ATTRIBUTES = "list_attr_celeba.txt"
BOXES = "list_bbox_celeba.txt"

IN_THE_WILD = "img_celeba"
_SPLITS = (TRAIN, VALIDATION, TEST)  # by the numbers of the partition
_PLACES = (".", "..", "Anno", "Eval", "../Anno", "../Eval", "../../Anno", "../../Eval")

Rows = Mapping[str, NDArray[np.int64]]


def open_celeba(path: Path, view: int | None = None, seed: int = 0) -> Source:  # noqa: ARG001
    """CelebA, reported on its test people and fitted on its validation people.

    Each attribute becomes a tag, ``yes`` or ``no``. The published boxes belong to the photos as
    they were found, ``img_celeba``; they fit no pixel of ``img_align_celeba``, whose photos were
    turned, scaled and cut to 178x218, so there faces are detected. Where both folders are there,
    ``img_celeba`` is opened; name the other itself to open that one.

    Args:
        path: the folder that holds ``img_celeba`` or ``img_align_celeba``, or one of these two.
            The lists lie beside it, or in ``Anno`` and ``Eval`` as they are published.
        view: not used; CelebA has one protocol.
        seed: draws the pairs, at most 100,000 of each kind.

    Raises:
        DataError: missing photos or lists, lists that are malformed or disagree, or a person in
            two splits.
    """
    root = _photos_folder(path)
    in_the_wild = root.name == IN_THE_WILD
    identity = _numbers(path, IDENTITIES, 1)
    photos = sorted(identity)
    partition = _column(_numbers(path, PARTITION, 1), photos, PARTITION)[:, 0]
    if not np.isin(partition, range(len(_SPLITS))).all():
        raise DataError(f"{PARTITION} has another number than 0, 1 and 2; replace it by a copy")
    _require_photos(root, photos)
    names, attributes = _attributes(path)
    values = _column(attributes, photos, ATTRIBUTES)
    present, people = np.unique([identity[photo][0] for photo in photos], return_inverse=True)
    faces = FaceSet(
        name="celeba",
        photos=tuple(root / photo for photo in photos),
        people=people.astype(np.int64),
        names=tuple(map(str, present.tolist())),
        split=np.array(_SPLITS)[partition],
        tags={name: _yes_or_no(column) for name, column in zip(names, values.T, strict=True)},
        # Aligned photos have their subject in the middle, whoever stands beside.
        choose="largest" if in_the_wild else "central",
        boxes=_boxes(path, photos) if in_the_wild else np.empty((0, 4), dtype=np.float32),
    )
    faces.assert_identity_disjoint()
    fitting, reported = (
        sample_pairs(faces.select(faces.split == split), f"CelebA {split}", seed)
        for split in (VALIDATION, TEST)
    )
    protocol = (
        f"CelebA {root.name}: fitted on its validation people, reported on its test people, "
        f"pairs drawn with seed {seed}"
    )
    return Source("celeba", protocol, faces, reported, fitting)


def looks_like_celeba(path: Path) -> bool:
    """Whether a folder has CelebA's list of identities in it or beside it."""
    return _find(path, IDENTITIES) is not None


def _photos_folder(path: Path) -> Path:
    folders = known_sets()["celeba"].folders
    if path.resolve().name in folders:
        return path.resolve()
    places = [path / parent / folder for folder in folders for parent in (".", "Img")]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise DataError(
            f"{path} holds neither {' nor '.join(folders)}; get CelebA "
            f"{known_sets()['celeba'].where}"
        )
    return found


def _find(path: Path, name: str) -> Path | None:
    return next((path / p / name for p in _PLACES if (path / p / name).is_file()), None)


def _lines(path: Path, name: str) -> list[str]:
    """The lines of a list, without the count that some begin with."""
    found = _find(path, name)
    if found is None:
        raise DataError(f"{path}: {name} is missing; get CelebA {known_sets()['celeba'].where}")
    try:
        lines = found.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{found} cannot be read as text: {error}") from error
    lines = [line for line in lines if line.strip()]
    return lines[1:] if lines and lines[0].strip().isdecimal() else lines


def _numbers(path: Path, name: str, columns: int) -> Rows:
    """Photo to numbers, of a list with or without a header line."""
    lines = _lines(path, name)
    if lines and not _is_number(lines[0].split()[-1]):
        lines = lines[1:]
    return _table(lines, name, columns)


def _attributes(path: Path) -> tuple[list[str], Rows]:
    header, *lines = _lines(path, ATTRIBUTES) or [""]
    names = header.split()
    if not names or _is_number(names[-1]):
        raise DataError(f"{ATTRIBUTES} lacks its line of attributes' names; replace it by a copy")
    return names, _table(lines, ATTRIBUTES, len(names))


def _table(lines: list[str], name: str, columns: int) -> Rows:
    split = [line.split(None, 1) for line in lines]
    try:
        values = np.loadtxt([row[1] for row in split], dtype=np.int64, ndmin=2, comments=None)
    except (ValueError, IndexError) as error:
        raise DataError(f"{name} is malformed ({error}); replace it by a copy") from None
    if values.shape[1] != columns:
        raise DataError(f"{name} has {values.shape[1]} numbers a line, not {columns}")
    rows = {row[0]: value for row, value in zip(split, values, strict=True)}
    if len(rows) < len(split):
        raise DataError(f"{name} names a photo twice; replace it by a copy")
    return rows


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _column(rows: Rows, photos: list[str], name: str) -> NDArray[np.int64]:
    """(n, k) int64 numbers of each photo."""
    missing = [photo for photo in photos if photo not in rows]
    if missing:
        raise DataError(f"{name} lacks {len(missing)} photos that {IDENTITIES} has: {missing[0]}")
    return np.stack([rows[photo] for photo in photos])


def _yes_or_no(column: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.where(column > 0, "yes", np.where(column < 0, "no", ""))


def _boxes(path: Path, photos: list[str]) -> NDArray[np.float32]:
    """(n, 4) float32; NaN where the list has an empty box, as it has for some photos."""
    boxes = _column(_numbers(path, BOXES, 4), photos, BOXES).astype(np.float32)
    boxes[(boxes[:, 2:] <= 0).any(axis=1)] = np.nan
    return boxes


def _require_photos(root: Path, photos: list[str]) -> None:
    there = {entry.name for entry in os.scandir(root)}  # 200,000 questions would take longer
    missing = [photo for photo in photos if photo not in there]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataError(
            f"{root}: {len(missing)} photos that {IDENTITIES} names are missing ({shown}); get "
            f"CelebA {known_sets()['celeba'].where}"
        )
