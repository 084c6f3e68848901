"""Splits that share no person: of people by share or by name, and of listed pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
"""What splits are called; a source with splits of its own keeps its names."""


def split_by_share(faces: FaceSet, shares: Mapping[str, float], seed: int = 0) -> FaceSet:
    """Deal people out to splits at random.

    Args:
        faces: the photos; splits that they have are replaced.
        shares: of the people, such as ``{"train": 0.8, "validation": 0.2}``; above 0, summing to 1.
        seed: the same seed deals the same way.

    Returns:
        The same photos with ``split`` set; each split has at least one person.

    Raises:
        DataError: shares that do not sum to 1, or fewer people than splits.
    """
    people = len(faces.names)
    if not np.isclose(sum(shares.values()), 1) or min(shares.values()) <= 0:
        raise DataError(f"{faces.name}: shares {dict(shares)} are not above 0 and summing to 1")
    if people < len(shares):
        raise DataError(
            f"{faces.name}: a split into {len(shares)} that shares no person takes as many people, "
            f"not {people}; add people"
        )
    # One person each first, the rest by share: so a small share is never left without anybody.
    ends = np.cumsum(list(shares.values())) * (people - len(shares))
    sizes = 1 + np.diff(np.rint(ends).astype(np.int64), prepend=0)
    side = np.repeat(np.array(list(shares)), sizes)
    return _split(faces, np.random.default_rng(seed).permutation(side))


def split_by_name(faces: FaceSet, listed: Mapping[str, Sequence[str]], rest: str) -> FaceSet:
    """Put people that are named into splits, such as AT&T's ``s5``, ``s6``, ``s7`` into ``test``.

    Args:
        faces: the photos; splits that they have are replaced.
        listed: names of the people of each split.
        rest: the split of everybody else.

    Raises:
        DataError: an unknown name, or one in two splits.
    """
    number = {name: i for i, name in enumerate(faces.names)}
    side = np.full(len(faces.names), rest, dtype=object)
    seen: set[str] = set()
    for split, names in listed.items():
        for name in names:
            if name not in number:
                close = get_close_matches(name, faces.names, n=3) or faces.names[:3]
                raise DataError(
                    f"{faces.name} has no person {name!r}; names are such as {', '.join(close)}"
                )
            if name in seen:
                raise DataError(f"{faces.name}: {name} is listed for a split twice; list it once")
            seen.add(name)
            side[number[name]] = split
    return _split(faces, side.astype(np.str_))


@dataclass(frozen=True)
class SplitPairs:
    """Listed pairs in two parts that share no person.

    Attributes:
        train, validation: each over the photos of its own people alone.
        words: how many were asked for and how many were reached.
    """

    train: PairSet
    validation: PairSet
    words: str


def split_pairs(pairs: PairSet, train: int, validation: int, seed: int = 0) -> SplitPairs:
    """Split listed pairs so that no person is on both sides.

    People who are joined by pairs stay together, so whole connected components go to one side.
    Components are taken for validation in random order where they fit into the count asked for,
    with genuine and impostor pairs in the list's shares, and at last where they overshoot it by
    less than they fill. People of no pair go to training.

    Args:
        pairs: such as LFW's devTrain.
        train, validation: pairs asked for. Where the training side has more, so many are drawn, as
            many of each class as the list's shares say.
        seed: the same seed gives the same split.

    Raises:
        DataError: more pairs asked for than are listed, or people so joined that one side would
            be empty.
    """
    if train <= 0 or validation <= 0 or train + validation > len(pairs):
        raise DataError(
            f"{pairs.name}: {train:,} and {validation:,} pairs are asked for, and "
            f"{len(pairs):,} are listed; ask for fewer"
        )
    rng = np.random.default_rng(seed)
    component = _components(pairs)
    taken = _take_components(component[pairs.faces.people[pairs.first]], pairs, validation, rng)
    side = np.where(np.isin(component, taken), VALIDATION, TRAIN)
    faces = _split(pairs.faces, side)
    parts = {split: _part(pairs, faces, split) for split in (TRAIN, VALIDATION)}
    empty = [split for split, part in parts.items() if not len(part)]
    if empty:
        raise DataError(
            f"{pairs.name}: its people are joined by pairs so that {empty[0]} would be empty; "
            "split its people by share and draw pairs instead"
        )
    drawn = _draw(parts[TRAIN], train, rng)
    words = (
        f"{train:,}/{validation:,} pairs for training/validation asked for, "
        f"{len(drawn):,}/{len(parts[VALIDATION]):,} reached without sharing a person"
    )
    assert_people_disjoint(drawn, parts[VALIDATION])
    return SplitPairs(drawn, parts[VALIDATION], words)


def assert_people_disjoint(first: PairSet, second: PairSet) -> None:
    """Raise ``DataError`` where a person, by name, has photos on both sides."""
    shared = set(first.faces.names) & set(second.faces.names)
    if shared:
        raise DataError(f"{min(shared)} is in {first.name} and in {second.name}; split by people")


def _split(faces: FaceSet, side: NDArray[np.str_]) -> FaceSet:
    """The photos with each person's split, (people,) str."""
    placed = replace(faces, split=side[faces.people])
    placed.assert_identity_disjoint()
    return placed


def _components(pairs: PairSet) -> NDArray[np.int64]:
    """(people,) the connected component of each person; pairs are the edges."""
    people, n = pairs.faces.people, len(pairs.faces.names)
    edges = (np.ones(len(pairs)), (people[pairs.first], people[pairs.second]))
    _, component = connected_components(coo_array(edges, shape=(n, n)), directed=False)
    return np.asarray(component, dtype=np.int64)


def _take_components(
    of_pair: NDArray[np.int64], pairs: PairSet, wanted: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The components whose pairs make up ``wanted``, genuine and impostor by the list's shares."""
    components, index = np.unique(of_pair, return_inverse=True)
    sizes = np.zeros((len(components), 2), dtype=np.int64)
    np.add.at(sizes, (index, pairs.same.astype(np.int64)), 1)
    genuine = round(wanted * float(pairs.same.mean()))
    left = np.array([wanted - genuine, genuine])
    taken = np.zeros(len(components), dtype=np.bool_)
    order = rng.permutation(len(components))
    for number in order:  # whatever still fits; mostly the single pairs, coming last, fill up
        if (sizes[number] <= left).all():
            left, taken[number] = left - sizes[number], True
    for number in order[~taken[order]]:  # then whatever overshoots by less than it fills
        after = left - sizes[number]
        if np.abs(after).sum() < np.abs(left).sum():
            left, taken[number] = after, True
    return np.asarray(components[taken], dtype=np.int64)


def _part(pairs: PairSet, faces: FaceSet, split: str) -> PairSet:
    """The pairs of one split, over its photos alone: all comparisons are then among its people."""
    rows = faces.split == split
    position = np.cumsum(rows) - 1
    inside = rows[pairs.first]
    return PairSet(
        f"{pairs.name}, {split}",
        faces.select(rows),
        position[pairs.first[inside]],
        position[pairs.second[inside]],
        pairs.same[inside],
        pairs.fold[inside],
    )


def _draw(pairs: PairSet, wanted: int, rng: np.random.Generator) -> PairSet:
    """So many of the pairs, by the shares of the classes; all where there are no more."""
    if len(pairs) <= wanted:
        return pairs
    genuine, impostor = np.flatnonzero(pairs.same), np.flatnonzero(~pairs.same)
    n_genuine = round(wanted * len(genuine) / len(pairs))
    kept = [rng.choice(genuine, n_genuine, False), rng.choice(impostor, wanted - n_genuine, False)]
    return pairs.select(np.sort(np.concatenate(kept)), pairs.name)
