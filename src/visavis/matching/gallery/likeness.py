"""How alike the photos of a gallery are to one another, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.models.model import Model

BLOCK = 2**22
"""Similarities in memory at once: 16 MB, and as much again for each of a few masks."""
RESCORED = 100
"""A learned head compares so many of a photo's nearest by their embeddings, as in a search."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """What n photos have in common with one another.

    Attributes:
        own: (n,) float32 similarity to the most alike other photo of the same person; -inf where
            the person has no other.
        other: (n,) float32 to the most alike photo of anybody else; -inf where there is nobody.
        other_row: (n,) int64 the row of that photo.
        doubles: (k, 2) int64 rows of photos of one person that are nearly equal, ascending.
        alike: (m, 2) int64 numbers of people with photos as alike as one person's, ascending.
    """

    own: NDArray[np.float32]
    other: NDArray[np.float32]
    other_row: NDArray[np.int64]
    doubles: NDArray[np.int64]
    alike: NDArray[np.int64]


def compare_all(
    model: Model,
    owners: NDArray[np.int64],
    vectors: NDArray[np.float32],
    *,
    nearly_equal: float,
    threshold: float,
) -> Likeness:
    """Compare every photo with every other.

    Args:
        model: compares.
        owners: (n,) int64 number of each photo's person.
        vectors: (n, d) float32 embeddings.
        nearly_equal: the similarity from which two photos of one person count as one.
        threshold: the similarity from which two people count as alike.
    """
    n = len(owners)
    own = np.full(n, -np.inf, dtype=np.float32)
    other, other_row = own.copy(), np.zeros(n, dtype=np.int64)
    doubles, alike = [np.empty((0, 2), dtype=np.int64)], [np.empty((0, 2), dtype=np.int64)]
    for rows in _blocks(n):
        similarity = _similarities(model, vectors, rows, owners)
        same = owners[rows, np.newaxis] == owners
        similarity[np.arange(len(rows)), rows] = -np.inf
        own[rows] = np.where(same, similarity, -np.inf).max(axis=1)
        near = _pairs(same & (similarity >= nearly_equal), rows)
        doubles.append(near[near[:, 0] < near[:, 1]])
        similarity[same] = -np.inf
        other[rows], other_row[rows] = similarity.max(axis=1), similarity.argmax(axis=1)
        people = np.sort(owners[_pairs(similarity >= threshold, rows)], axis=1)
        alike.append(np.unique(people, axis=0))
    return Likeness(
        own, other, other_row, np.concatenate(doubles), np.unique(np.concatenate(alike), axis=0)
    )


def _blocks(n: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, BLOCK // max(1, n))
    return (np.arange(start, min(n, start + size)) for start in range(0, n, size))


def _pairs(mask: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k, 2) rows and columns where a block's mask holds."""
    # Of a flat array, and several times faster than numpy's own for two dimensions.
    row, column = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return np.stack([rows[row], column], axis=1)


def _similarities(
    model: Model,
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    owners: NDArray[np.int64],
) -> NDArray[np.float32]:
    """(len(rows), n) similarities; -inf for what a learned head need not compare."""
    if model.card.distance != "head":
        return model.similarity_matrix(vectors[rows], vectors)
    similarity = np.full((len(rows), len(vectors)), -np.inf, dtype=np.float32)
    for row, target in zip(rows, similarity, strict=True):
        distance = np.square(vectors - vectors[row]).sum(axis=1)
        distance[owners == owners[row]] = -np.inf
        first = min(len(distance), RESCORED + int(np.isneginf(distance).sum()))
        compared = np.argpartition(distance, first - 1)[:first]
        broadcast = np.broadcast_to(vectors[row], (first, vectors.shape[1]))
        target[compared] = model.similarity(broadcast, vectors[compared])
    return similarity
