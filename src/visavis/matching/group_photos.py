"""A folder of photos without names, sorted into the people on them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from visavis.errors import DataError
from visavis.files import write_output
from visavis.matching.found import FoundFace, Progress, around, find_all
from visavis.matching.group import group_faces
from visavis.matching.verify import Rule
from visavis.models.model import Model
from visavis.models.scores import Threshold
from visavis.photos.photo import Photo

DEFAULT_FMR = 1e-4
"""Of a thousand faces each meets a thousand others: lower than for two photos. Of the rates that
a card states, it gives the best B-cubed F1 on LFW's devTrain people (``benchmarks/group.py``)."""

TYPICAL = 200  # faces of a group that the others are compared with to put them in order


@dataclass(frozen=True, eq=False)
class People:
    """The people found in some photos.

    Attributes:
        groups: each the faces of one person, the most typical first; the largest group first,
            those seen once last.
        photos: how many photos were opened.
        skipped: photos that gave no face, and why in a sentence.
        threshold: the mean similarity at or above which two groups are one person.
        model: the model's name.
    """

    groups: list[list[FoundFace]]
    photos: int
    skipped: list[tuple[Path, str]]
    threshold: Threshold
    model: str

    @property
    def several(self) -> list[list[FoundFace]]:
        """The groups of two faces and more."""
        return [group for group in self.groups if len(group) > 1]

    @property
    def singles(self) -> list[FoundFace]:
        """The faces of those seen once."""
        return [group[0] for group in self.groups if len(group) == 1]

    def name(self, group: int) -> str:
        """What a group is called until somebody names it: ``person_001`` for the first."""
        return f"person_{group + 1:0{max(3, len(str(len(self.groups))))}d}"

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "model": self.model,
            "threshold": self.threshold.value,
            "threshold_fmr": self.threshold.fmr,
            "photos": self.photos,
            "groups": [
                {"name": self.name(number), "faces": [face.as_dict() for face in group]}
                for number, group in enumerate(self.groups)
            ],
            "skipped": [reason for _, reason in self.skipped],
        }


def group_photos(
    model: Model,
    photos: Sequence[Path],
    *,
    fmr: float = DEFAULT_FMR,
    threshold: float | None = None,
    progress: Progress | None = None,
) -> People:
    """Sort all faces of photos into people.

    Args:
        model: finds, embeds and compares them.
        photos: at least one; a bad one is skipped.
        fmr: the false-match rate whose threshold decides.
        threshold: decide at this mean similarity instead.
        progress: called after each photo.

    Raises:
        ModelError, UnsupportedRateError: see ``Model.threshold``.
        VisavisError: no photo gave a face.
    """
    cut_off = Rule(fmr, threshold).cut_off(model)
    found = find_all(model, photos, "all", "finding faces", progress)
    labels = group_faces(model, found.embeddings, cut_off.value)
    order = np.argsort(labels, kind="stable")
    groups = []
    for rows in np.split(order, np.cumsum(np.bincount(labels))[:-1]):
        members = found.embeddings[rows]
        some = members[np.linspace(0, len(rows) - 1, min(len(rows), TYPICAL)).astype(np.int64)]
        typical = model.similarity_matrix(members, some).mean(axis=1)
        groups.append([found.faces[rows[i]] for i in np.argsort(-typical, kind="stable")])
    return People(groups, found.photos, found.skipped, cut_off, model.name)


def check_empty(folder: Path) -> None:
    """Refuse a folder to write to that holds anything.

    Raises:
        DataError: it is a file, or not empty, or where it would stand there is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty; name a new folder, so that nothing is mixed up")
    if not folder.absolute().parent.is_dir():
        raise DataError(f"there is no folder {folder.parent}; create it or name another")


def write_people(people: People, folder: Path) -> int:
    """Write a folder for each person seen twice and more, to be named and enrolled.

    A photo of one face is copied as it is. Of a photo of several the face is cut out with what is
    around it, so that it is plain who is meant. Nothing is moved.

    Args:
        people: whose photos still lie where they were.
        folder: new or empty, see ``check_empty``.

    Returns:
        How many folders were written.

    Raises:
        DataError: ``folder`` holds something, or cannot be written.
        PhotoError: a photo has vanished or changed since.
    """
    check_empty(folder)
    for number, group in enumerate(people.several):
        place = folder / people.name(number)
        try:
            place.mkdir(parents=True)
        except OSError as error:
            raise DataError(f"cannot make {place}: {error.strerror}; name another place") from None
        for face in group:
            _copy(face, place)
    return len(people.several)


def _copy(face: FoundFace, place: Path) -> None:
    if face.in_photo == 1:
        target = _free(place / face.photo.name)
        try:
            shutil.copyfile(face.photo, target)
        except OSError as error:
            raise DataError(f"cannot copy {face.photo} to {target}: {error.strerror}") from None
        return
    pixels = Photo.open(face.photo).pixels
    rows, columns = around(face.box)
    cut = np.ascontiguousarray(pixels[rows, columns, ::-1])
    _, jpeg = cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, 95])
    write_output(_free(place / f"{face.photo.stem}_face.jpg"), jpeg.tobytes())


def _free(path: Path) -> Path:
    """The path itself, or with a number where a photo of that name is there already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free
