"""Photos paired with references: the nearest, one each, or nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOBODY = -1


def nearest(similarity: NDArray[np.float32], threshold: float | None = None) -> NDArray[np.int64]:
    """The most similar reference of each photo.

    Args:
        similarity: (q, n), n at least 1, of each photo with each reference.
        threshold: below it a photo is of nobody; ``None``: everybody is somebody.

    Returns:
        (q,) int64 column, of equals the first; ``NOBODY`` below the threshold.
    """
    best = np.asarray(similarity.argmax(axis=1))
    if threshold is None:
        return best
    alike = similarity[np.arange(len(best)), best].astype(np.float64) >= threshold
    return np.where(alike, best, NOBODY)


def one_to_one(
    similarity: NDArray[np.float32],
    people: NDArray[np.int64],
    threshold: float | None = None,
) -> NDArray[np.int64]:
    """The assignment of photos to people with the largest sum of similarities, one photo each.

    A calibrated log-odds is linear in similarity, so that this is also the likeliest assignment.
    It is found by the Hungarian method (Kuhn, 1955).

    Args:
        similarity: (q, n) of each photo with each reference.
        people: (n,) int64, whom each reference shows, numbered from 0 without gaps.
        threshold: below it a photo is of nobody; ``None``: as many as can be are somebody.

    Returns:
        (q,) int64 column, the most similar reference of the person assigned; ``NOBODY`` for a
        photo that is left over or below the threshold.
    """
    from scipy.optimize import linear_sum_assignment

    order = np.argsort(people, kind="stable")
    starts = np.searchsorted(people[order], np.arange(people.max() + 1))
    by_person = np.maximum.reduceat(similarity[:, order], starts, axis=1).astype(np.float64)
    # Below the threshold a pair is worth nothing, so that it never costs another its place.
    worth = by_person if threshold is None else np.maximum(by_person - threshold, 0)
    photos, assigned = linear_sum_assignment(worth, maximize=True)
    found = np.full(len(similarity), NOBODY, dtype=np.int64)
    for photo, person in zip(photos, assigned, strict=True):
        if threshold is None or by_person[photo, person] >= threshold:
            own = np.flatnonzero(people == person)
            found[photo] = own[similarity[photo, own].argmax()]
    return found
