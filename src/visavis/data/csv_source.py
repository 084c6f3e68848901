"""A CSV of pairs as a source to evaluate on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.data.pairs_csv import ListedPair, read_pairs
from visavis.errors import DataError


def open_csv(path: Path, view: int | None = None, seed: int = 0) -> Source:  # noqa: ARG001
    """The pairs of a CSV, see ``visavis.data.pairs_csv.read_pairs`` for its columns.

    Without ``person_first`` and ``person_second``, people are worked out: photos joined by
    genuine pairs are one person, all others are taken for different people. The protocol says
    so, for comparisons that the CSV does not list may then hold one person twice.

    Args:
        path: the CSV; column ``same`` is needed.
        view: not used; a CSV has one protocol.
        seed: not used; the pairs are listed.

    Raises:
        DataError: what ``read_pairs`` raises, a missing photo, a row that does not say whether it
            is the same person, rows that contradict one another, or a person in two folds.
    """
    listed = read_pairs(path)
    for pair in listed:
        _check(pair)
    photos = list(dict.fromkeys(side for pair in listed for side in (pair.first, pair.second)))
    row = {photo: i for i, photo in enumerate(photos)}
    first = np.array([row[pair.first] for pair in listed], dtype=np.int64)
    second = np.array([row[pair.second] for pair in listed], dtype=np.int64)
    same = np.array([pair.same for pair in listed], dtype=np.bool_)
    named = any(pair.person_first for pair in listed)
    persons = _named(listed, row) if named else _inferred(path, photos, first, second, same)
    for pair, a, b in zip(listed, first, second, strict=True):
        if pair.same != (persons[a] == persons[b]):
            raise DataError(
                f"{pair.where} says {'same' if pair.same else 'different'}, "
                f"but {'its people' if named else 'other rows'} say otherwise; correct one of them"
            )
    fold, split = _folds(listed, photos)
    faces = FaceSet.from_names("csv", photos, persons, split)
    faces.assert_identity_disjoint()
    pairs = PairSet(path.name, faces, first, second, same, fold)
    return Source("csv", _protocol(path, pairs, named), faces, pairs)


def _protocol(path: Path, pairs: PairSet, named: bool) -> str:
    n_folds = len(np.unique(pairs.fold))
    folds = f", {n_folds} folds, for each everything fitted on the others" if n_folds > 1 else ""
    people = "" if named else "; people worked out from the genuine pairs"
    return f"{path.name}: {len(pairs)} listed pairs{folds}{people}"


def _check(pair: ListedPair) -> None:
    if pair.same is None:
        raise DataError(f"{pair.where} does not say 1 or 0 in column 'same', needed to evaluate")
    if pair.first == pair.second:
        raise DataError(f"{pair.where} pairs {pair.first} with itself; remove it")
    for photo in (pair.first, pair.second):
        # Unlike Path.is_file, this takes a name that is too long for no file.
        if not os.path.isfile(photo):  # noqa: PTH113
            raise DataError(f"{pair.where} names {photo}, which does not exist")


def _named(listed: Sequence[ListedPair], row: dict[Path, int]) -> list[str]:
    persons = [""] * len(row)
    for pair in listed:
        sides = ((pair.first, pair.person_first), (pair.second, pair.person_second))
        for photo, person in sides:
            if not person:
                raise DataError(f"{pair.where} does not name the person on {photo}")
            if persons[row[photo]] not in ("", person):
                raise DataError(
                    f"{pair.where} says that {photo} shows {person}, "
                    f"but an earlier line says {persons[row[photo]]}; correct one of them"
                )
            persons[row[photo]] = person
    return persons


def _inferred(
    path: Path,
    photos: Sequence[Path],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    same: NDArray[np.bool_],
) -> list[str]:
    """Each photo's person, named after the first photo of theirs."""
    links = coo_array(
        (np.ones(int(same.sum())), (first[same], second[same])), shape=(len(photos), len(photos))
    )
    _, component = connected_components(links, directed=False)
    _, representative = np.unique(component, return_index=True)
    folder = path.parent
    names = [
        str(photo.relative_to(folder) if photo.is_relative_to(folder) else photo)
        for photo in photos
    ]
    return [names[i] for i in representative[component]]


def _folds(
    listed: Sequence[ListedPair], photos: Sequence[Path]
) -> tuple[NDArray[np.int64], list[str]]:
    """The fold of each pair, and the split of each photo; no splits where there are no folds."""
    given = [pair for pair in listed if pair.fold is not None]
    if not given:
        return np.zeros(len(listed), dtype=np.int64), []
    split: dict[Path, int] = {}
    for pair in listed:
        if pair.fold is None:
            raise DataError(f"{pair.where} has no fold, though other lines have; give it one")
        for photo in (pair.first, pair.second):
            if split.setdefault(photo, pair.fold) != pair.fold:
                raise DataError(
                    f"{pair.where} has {photo} in fold {pair.fold}, but an earlier line in fold "
                    f"{split[photo]}; folds must share no people"
                )
    fold = np.array([pair.fold for pair in listed], dtype=np.int64)
    return fold, [f"fold {split[photo]}" for photo in photos]
