"""A folder of the user's own people."""

from __future__ import annotations

import re
from pathlib import Path

from visavis.data.faceset import FaceSet, Source
from visavis.data.sampling import sample_pairs
from visavis.errors import DataError
from visavis.photos.photo import SUFFIXES

_NUMBERED = re.compile(r"(.+)_\d+", re.DOTALL)


def open_folder(path: Path, view: int | None = None, seed: int = 0) -> Source:  # noqa: ARG001
    """A folder of people: all genuine pairs, and as many impostor pairs drawn by the seed.

    Above 100,000 genuine pairs, so many of each kind are drawn by the seed.

    Args:
        path: the folder, see ``read_folder``.
        view: not used; a folder has one protocol.
        seed: draws the pairs.

    Raises:
        DataError: see ``read_folder``.
    """
    faces = read_folder(path)
    pairs = sample_pairs(faces, path.resolve().name, seed)
    n_genuine = int(pairs.same.sum())
    protocol = (
        f"folder {path}: {n_genuine} genuine and {len(pairs) - n_genuine} impostor pairs "
        f"of {len(faces.names)} people, drawn with seed {seed}"
    )
    return Source("folder", protocol, faces, pairs)


def read_folder(path: Path) -> FaceSet:
    """The photos of a folder of people, in alphabetical order.

    Two layouts: one folder a person (``ada/anything.jpg``), or flat files whose name ends in an
    underscore and a number (``ada_0001.jpg``; without the number, the whole name is the person).
    Hidden files, files that are not photos by their suffix, and deeper folders are passed over.

    Args:
        path: the folder.

    Raises:
        DataError: no such folder, no photos in either layout, or both layouts at once.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder; give a folder with one folder for each person")
    loose = _photos(path)
    by_person = {folder.name: _photos(folder) for folder in _folders(path)}
    in_folders = [(photo, person) for person, photos in by_person.items() for photo in photos]
    if loose and in_folders:
        raise DataError(
            f"{path} mixes folders of people with loose photos such as {loose[0].name}; "
            "move each loose photo into its person's folder"
        )
    table = in_folders or [(photo, _person(photo)) for photo in loose]
    if not table:
        raise DataError(
            f"{path} holds no photos; lay them out as person/photo.jpg, or flat as person_0001.jpg"
        )
    return FaceSet.from_names(
        "folder", [photo for photo, _ in table], [person for _, person in table]
    )


def _person(photo: Path) -> str:
    numbered = _NUMBERED.fullmatch(photo.stem)
    return numbered[1] if numbered else photo.stem


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}") from error
    return [entry for entry in entries if not entry.name.startswith(".")]


def _photos(folder: Path) -> list[Path]:
    return [
        entry for entry in _visible(folder) if entry.suffix.lower() in SUFFIXES and entry.is_file()
    ]


def _folders(path: Path) -> list[Path]:
    """The folders in ``path``, without links back to it or above, whose photos are its own."""
    here = path.resolve()
    return [
        entry
        for entry in _visible(path)
        if entry.is_dir() and not (entry.is_symlink() and here.is_relative_to(entry.resolve()))
    ]
