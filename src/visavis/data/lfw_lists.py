"""LFW's text lists of pairs and people, with or without their count lines.

Their format is described in Huang et al., "Labeled Faces in the Wild", 2007, and its README.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from visavis.errors import DataError


class LfwPhoto(NamedTuple):
    """A photo as the lists name it: ``Ada_Lovelace`` and 3 is ``Ada_Lovelace_0003.jpg``."""

    person: str
    number: int


class LfwPair(NamedTuple):
    """One line of a list of pairs; ``fold`` counts from 0."""

    first: LfwPhoto
    second: LfwPhoto
    fold: int

    @property
    def same(self) -> bool:
        """Whether both photos are of one person."""
        return self.first.person == self.second.person


class LfwPerson(NamedTuple):
    """One line of a list of people; ``photos`` is how many, ``fold`` counts from 0."""

    name: str
    photos: int
    fold: int


def parse_pairs(text: str, origin: str) -> list[LfwPair]:
    """The pairs of ``pairsDevTrain.txt``, ``pairsDevTest.txt`` or ``pairs.txt``.

    A fold is a run of genuine pairs followed by a run of impostor pairs, so folds are found
    without the first line's counts; where the counts are there, they are checked.

    Args:
        text: content of the list.
        origin: name of the list, for error messages.

    Raises:
        DataError: a malformed line, or counts that do not hold.
    """
    counts: list[int] = []
    pairs: list[LfwPair] = []
    for line, fields in _lines(text):
        if not pairs and not counts and len(fields) <= 2 and all(map(str.isdecimal, fields)):
            counts = [int(field) for field in fields]
            continue
        first, second = _two_photos(fields, f"{origin}: line {line}")
        fold = pairs[-1].fold if pairs else 0
        if pairs and len(fields) == 3 and not pairs[-1].same:
            fold += 1
        pairs.append(LfwPair(first, second, fold))
    if not pairs:
        raise DataError(f"{origin}: lists no pairs; replace it by a complete copy")
    if counts:
        _check_pair_counts(pairs, counts, origin)
    return pairs


def parse_people(text: str, origin: str) -> list[LfwPerson]:
    """The people of ``peopleDevTrain.txt``, ``peopleDevTest.txt`` or ``people.txt``.

    A line with one number opens a fold of so many people; two such lines at the top are the
    number of folds and the first fold's people. Without them a fold ends where the alphabet
    starts again, since each fold is in alphabetical order.

    Args:
        text: content of the list.
        origin: name of the list, for error messages.

    Raises:
        DataError: a malformed line, a person named twice, or counts that do not hold.
    """
    folds: list[list[LfwPerson]] = []
    counts: list[int] = []
    for line, fields in _lines(text):
        if len(fields) == 1 and fields[0].isdecimal():
            counts.append(int(fields[0]))
            if len(counts) != 2 or folds != [[]]:
                folds.append([])
            continue
        if len(fields) != 2 or not _is_count(fields[1]):
            raise DataError(f"{origin}: line {line} is not a name, a tab and a number of photos")
        if not folds or (not counts and fields[0] < folds[-1][-1].name):
            folds.append([])
        folds[-1].append(LfwPerson(fields[0], int(fields[1]), len(folds) - 1))
    people = [person for fold in folds for person in fold]
    if not people:
        raise DataError(f"{origin}: lists no people; replace it by a complete copy")
    if len({person.name for person in people}) < len(people):
        raise DataError(f"{origin}: names a person twice; replace it by an official copy")
    sizes = [len(fold) for fold in folds]
    if counts and counts not in (sizes, [len(sizes), *sizes]):
        raise DataError(
            f"{origin}: its counts do not agree with its lines; replace it by a complete copy"
        )
    return people


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.strip():
            fields = line.split("\t") if "\t" in line else line.split()
            yield number, [field.strip() for field in fields]


def _is_count(field: str) -> bool:
    return field.isdecimal() and int(field) > 0


def _two_photos(fields: list[str], where: str) -> tuple[LfwPhoto, LfwPhoto]:
    match fields:
        case [person, one, two] if _is_count(one) and _is_count(two):
            return LfwPhoto(person, int(one)), LfwPhoto(person, int(two))
        case [a, one, b, two] if a != b and _is_count(one) and _is_count(two):
            return LfwPhoto(a, int(one)), LfwPhoto(b, int(two))
    raise DataError(
        f"{where} is neither 'name, number, number' nor 'name, number, other name, number'"
    )


def _check_pair_counts(pairs: list[LfwPair], counts: list[int], origin: str) -> None:
    n_folds = counts[0] if len(counts) == 2 else 1
    each = counts[-1]
    found = [[0, 0] for _ in range(pairs[-1].fold + 1)]
    for pair in pairs:
        found[pair.fold][pair.same] += 1
    if found != [[each, each]] * n_folds:
        raise DataError(
            f"{origin}: its first line promises {n_folds} x {each} genuine and as many impostor "
            f"pairs, but {len(pairs)} pairs follow; replace it by a complete copy"
        )
