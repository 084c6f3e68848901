"""Pairs drawn from a face set where its source lists none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet

MOST_PAIRS = 100_000


def sample_pairs(faces: FaceSet, name: str, seed: int = 0, most: int = MOST_PAIRS) -> PairSet:
    """All genuine pairs, and equally many impostor pairs drawn without repetition.

    Pairs are numbered and the numbers drawn, so people with one photo, or one person with most of
    the photos, cost nothing and never make the draw hang. A set of one person, or without any
    second photo, yields fewer pairs or none: see ``PairSet.assert_both_classes``.

    Args:
        faces: the photos.
        name: name of the pairs, printed with every figure.
        seed: the same seed draws the same pairs.
        most: genuine pairs kept, at most; where there are more, so many are drawn.

    Returns:
        Genuine pairs, then impostor pairs; no pair twice, none of a photo with itself.
    """
    rng = np.random.default_rng(seed)
    rows = np.argsort(faces.people, kind="stable")
    people = faces.people[rows]
    end_of_person = np.searchsorted(people, people, side="right")
    position = np.arange(len(rows))
    genuine = _draw(position + 1, end_of_person, most, rng)
    impostor = _draw(end_of_person, np.full_like(position, len(rows)), len(genuine), rng)
    pairs = rows[np.concatenate([genuine, impostor])]
    return PairSet(
        name=name,
        faces=faces,
        first=pairs.min(axis=1),
        second=pairs.max(axis=1),
        same=np.arange(len(pairs)) < len(genuine),
    )


def count_pairs(faces: FaceSet) -> tuple[int, int]:
    """How many genuine and how many impostor pairs there are of a face set's photos."""
    photos = np.bincount(faces.people) if len(faces) else np.zeros(1, dtype=np.int64)
    genuine = int((photos * (photos - 1) // 2).sum())
    return genuine, len(faces) * (len(faces) - 1) // 2 - genuine


def _draw(
    start: NDArray[np.int64], stop: NDArray[np.int64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(k, 2) pairs (i, j) with ``start[i] <= j < stop[i]``: all of them, or ``most`` drawn."""
    until = np.cumsum(stop - start)
    total = int(until[-1]) if len(until) else 0
    if total <= most:
        number = np.arange(total)
    else:
        number = np.sort(rng.choice(total, most, replace=False, shuffle=False))
    i = np.searchsorted(until, number, side="right")
    j = stop[i] - (until[i] - number)
    return np.stack([i, j], axis=1).astype(np.int64)
