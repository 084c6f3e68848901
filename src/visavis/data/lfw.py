"""Labeled Faces in the Wild (Huang et al., 2007), Views 1 and 2, from its unpacked folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.data.known import known_sets
from visavis.data.lfw_lists import LfwPair, LfwPhoto, parse_pairs, parse_people
from visavis.errors import DataError

# Huang and Learned-Miller, "Labeled Faces in the Wild: updates and new reporting procedures",
# 2014: what a result is called when the model was trained on photos from outside LFW.
OUTSIDE_DATA = "Unrestricted, Labeled Outside Data"

_HALVES = {"devTrain": "DevTrain", "devTest": "DevTest"}  # of View 1, and in its file names


def open_lfw(path: Path, view: int | None = None, seed: int = 0) -> Source:  # noqa: ARG001
    """LFW's View 1 (development) or View 2 (reporting).

    The lists are looked for in the folder, its parent, and the folder ``lists`` in either. Where
    a list of people is missing, the people are those named in the pairs, and the protocol says so.

    Args:
        path: the folder of photos (``lfw-deepfunneled``) or the folder that holds it.
        view: 1 reports on devTest and fits on devTrain; 2 reports ten folds. Default 1.
        seed: not used; LFW's pairs are fixed.

    Raises:
        DataError: an archive instead of a folder, a missing or malformed list, missing photos.
    """
    if view not in (None, 1, 2):
        raise DataError(f"LFW has View 1 and View 2, not {view}")
    if path.is_file():
        raise DataError(
            f"{path} is still packed: run 'visavis data prepare lfw --archive {path}' first"
        )
    root = photos_folder(path)
    return _view2(path, root) if view == 2 else _view1(path, root)


def photos_folder(path: Path) -> Path:
    """The folder with one folder a person: ``path`` itself, or LFW's folder inside it."""
    return next((path / f for f in known_sets()["lfw"].folders if (path / f).is_dir()), path)


def find_list(path: Path, name: str) -> Path | None:
    """LFW's list of that name near ``path``, or ``None``."""
    parent = path.resolve().parent if path.name in ("", "..") else path.parent
    nearby = [
        place for base in (photos_folder(path), path, parent) for place in (base, base / "lists")
    ]
    return next((folder / name for folder in nearby if (folder / name).is_file()), None)


def looks_like_lfw(path: Path) -> bool:
    """Whether a folder is called like LFW's, or has LFW's pairs beside the photos they name."""
    folders = known_sets()["lfw"].folders
    if path.name in folders or photos_folder(path) != path:
        return True
    for name in ("pairs.txt", "pairsDevTest.txt"):
        found = find_list(path, name)
        if found and _photo(path, parse_pairs(_text(found), str(found))[0].first).is_file():
            return True
    return False


def _view1(path: Path, root: Path) -> Source:
    pairs = {half: _listed_pairs(path, f"pairs{name}.txt") for half, name in _HALVES.items()}
    people = {half: find_list(path, f"people{name}.txt") for half, name in _HALVES.items()}
    photos = {half: _photos_of(people[half], root, pairs[half]) for half in _HALVES}
    faces = _face_set(
        root, {half: [p for fold in folds for p in fold] for half, folds in photos.items()}
    )
    fitting, reported = (
        _pair_set(f"LFW View 1 {half}", faces.select(faces.split == half), pairs[half], root)
        for half in _HALVES
    )
    protocol = "LFW View 1: fitted on devTrain, reported on devTest"
    protocol += _note([half for half in _HALVES if people[half] is None])
    return Source("lfw", protocol, faces, reported, fitting, OUTSIDE_DATA)


def _view2(path: Path, root: Path) -> Source:
    pairs = _listed_pairs(path, "pairs.txt")
    people = find_list(path, "people.txt")
    folds = _photos_of(people, root, pairs)
    faces = _face_set(root, {f"fold {i}": photos for i, photos in enumerate(folds, start=1)})
    reported = _pair_set("LFW View 2", faces, pairs, root)
    expected = [f"fold {fold + 1}" for fold in reported.fold]
    sides = faces.split[np.stack([reported.first, reported.second])]
    if not (sides == expected).all():
        raise DataError(f"{path}: pairs.txt has a pair outside its people's fold; replace the list")
    protocol = f"LFW View 2: {len(folds)} folds, for each everything fitted on the others"
    protocol += _note([] if people else ["View 2"])
    return Source("lfw", protocol, faces, reported, None, OUTSIDE_DATA)


def _note(derived: Sequence[str]) -> str:
    if not derived:
        return ""
    return f" (people of {' and '.join(derived)} are those named in its pairs: no list of people)"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}") from error


def _listed_pairs(path: Path, name: str) -> list[LfwPair]:
    found = find_list(path, name)
    if found is None:
        raise DataError(
            f"{path}: {name} is neither in this folder, its parent nor a folder 'lists'; "
            f"get it {known_sets()['lfw'].where}"
        )
    return parse_pairs(_text(found), str(found))


def _photos_of(people: Path | None, root: Path, pairs: list[LfwPair]) -> list[list[LfwPhoto]]:
    """All photos of the people of each fold, from the list of people or else from the pairs."""
    if people is not None:
        listed = parse_people(_text(people), str(people))
        numbers = {person.name: list(range(1, person.photos + 1)) for person in listed}
        fold_of = {person.name: person.fold for person in listed}
    else:
        fold_of = {side.person: pair.fold for pair in pairs for side in (pair.first, pair.second)}
        numbers = {person: _numbers(root / person) for person in fold_of}
    folds: list[list[LfwPhoto]] = [[] for _ in range(max(fold_of.values()) + 1)]
    for person, fold in fold_of.items():
        folds[fold].extend(LfwPhoto(person, number) for number in numbers[person])
    return folds


def _numbers(folder: Path) -> list[int]:
    """The numbers of a person's photos on disk."""
    pattern = re.compile(re.escape(folder.name) + r"_(\d{4,})\.jpg")
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return [int(found[1]) for name in names if (found := pattern.fullmatch(name))]


def _photo(root: Path, photo: LfwPhoto) -> Path:
    return root / photo.person / f"{photo.person}_{photo.number:04d}.jpg"


def _face_set(root: Path, splits: dict[str, list[LfwPhoto]]) -> FaceSet:
    photos = [photo for split in splits.values() for photo in split]
    paths = [_photo(root, photo) for photo in photos]
    _require([path for path in paths if not path.is_file()], root)
    faces = FaceSet.from_names(
        "lfw",
        paths,
        [photo.person for photo in photos],
        [split for split, members in splits.items() for _ in members],
        choose="central",
    )
    faces.assert_identity_disjoint()
    return faces


def _pair_set(name: str, faces: FaceSet, pairs: list[LfwPair], root: Path) -> PairSet:
    rows = {photo: row for row, photo in enumerate(faces.photos)}
    sides = [(_photo(root, pair.first), _photo(root, pair.second)) for pair in pairs]
    _require([photo for side in sides for photo in side if photo not in rows], root)
    return PairSet(
        name,
        faces,
        first=np.array([rows[first] for first, _ in sides], dtype=np.int64),
        second=np.array([rows[second] for _, second in sides], dtype=np.int64),
        same=np.array([pair.same for pair in pairs]),
        fold=np.array([pair.fold for pair in pairs], dtype=np.int64),
    )


def _require(missing: list[Path], root: Path) -> None:
    if missing:
        shown = ", ".join(str(path.relative_to(root)) for path in missing[:3])
        raise DataError(
            f"{root}: {len(missing)} photos that the lists name are missing ({shown}"
            f"{', ...' if len(missing) > 3 else ''}); get LFW {known_sets()['lfw'].where}"
        )
