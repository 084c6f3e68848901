"""Sums over all comparisons of a population in which people are drawn with replacement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from visavis.evaluation.all_pairs import Comparisons
from visavis.evaluation.intervals import PeopleWeights
from visavis.evaluation.rates import Weights

ROWS = 4096  # of the sparse matrix at a time: 16 MB at 1,000 replicates


class LevelSums:
    """Weights of genuine and impostor comparisons between given edges, for any draw of people.

    Level i holds the similarities that are at or above exactly i of the edges, so that a
    threshold that is an edge divides the levels exactly.

    Args:
        comparisons: of a population of p people.
        edges: (e,) ascending.
    """

    def __init__(self, comparisons: Comparisons, edges: NDArray[np.float64]) -> None:
        self.levels = len(edges) + 1
        self._people = len(comparisons.photos)
        self._seen = comparisons.photos
        self._all = comparisons.photos + comparisons.missed
        own, kept = comparisons.own, comparisons.kept
        level = np.searchsorted(edges, own.similarity, side="right")
        ones = np.ones(len(level), dtype=np.float32)
        shape = (self.levels, self._people)
        self._own = csr_array((ones, (level, own.first)), shape=shape)
        # One sparse row for each (level, first person): a product with the draws and a sum over
        # rows then give all replicates at once, far faster than pair by pair.
        level = np.searchsorted(edges, kept.similarity, side="right")
        key, row = np.unique(level * self._people + kept.first, return_inverse=True)
        self._row_level, self._row_person = np.divmod(key, self._people)
        self._other = csr_array(
            (comparisons.kept_weight.astype(np.float32), (row, kept.second)),
            shape=(len(key), self._people),
        )

    def genuine(self, drawn: PeopleWeights) -> Weights:
        """(levels, r): a comparison weighs w_a."""
        return np.asarray(self._own @ drawn, dtype=np.float64)

    def impostor(self, drawn: PeopleWeights) -> Weights:
        """(levels, r): a comparison weighs w_a w_b."""
        sums = np.zeros((self.levels, drawn.shape[1]))
        for start in range(0, len(self._row_level), ROWS):
            rows = slice(start, start + ROWS)
            products = self._other[rows] @ drawn
            products *= drawn[self._row_person[rows]]
            level = self._row_level[rows]
            first = np.flatnonzero(np.append(True, level[1:] != level[:-1]))
            sums[level[first]] += np.add.reduceat(products, first, axis=0)
        return sums

    def all_impostor(self, drawn: PeopleWeights) -> NDArray[np.float64]:
        """(r,) the weight of all impostor comparisons with both faces found, in closed form."""
        return _cross(self._seen, drawn)

    def missed_genuine(self, drawn: PeopleWeights) -> NDArray[np.float64]:
        """(r,) the weight of the genuine comparisons with a missed face."""
        comparisons = self._all * (self._all - 1) // 2 - self._seen * (self._seen - 1) // 2
        return np.asarray(comparisons.astype(np.float64) @ drawn)

    def missed_impostor(self, drawn: PeopleWeights) -> NDArray[np.float64]:
        """(r,) the weight of the impostor comparisons with a missed face."""
        return _cross(self._all, drawn) - _cross(self._seen, drawn)


def _cross(photos: NDArray[np.int64], drawn: PeopleWeights) -> NDArray[np.float64]:
    """Sum of w_a n_a w_b n_b over all pairs of two people."""
    weighted = drawn * photos[:, np.newaxis].astype(np.float64)
    return np.asarray((weighted.sum(axis=0) ** 2 - (weighted**2).sum(axis=0)) / 2)
