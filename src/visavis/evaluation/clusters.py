"""How well groups of faces agree with the people on them: pairwise and B-cubed figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from visavis.evaluation.figures import Estimate
from visavis.evaluation.intervals import PeopleWeights, Support, estimates
from visavis.evaluation.rates import Shares

CELLS = 1_000_000  # weights held at a time: 8 MB an array


@dataclass(frozen=True)
class ClusterFigures:
    """Shares in [0, 1], larger is better.

    Pairwise figures count pairs of photos: of those in one group, how many are of one person
    (precision), and of those of one person, how many are in one group (recall). A person with
    many photos weighs by their square. B-cubed figures (Bagga and Baldwin, 1998) take the same
    shares photo by photo, each photo being alike with itself, and average over photos. F1 is the
    harmonic mean of a precision and its recall.
    """

    pairwise_precision: Estimate
    pairwise_recall: Estimate
    pairwise_f1: Estimate
    bcubed_precision: Estimate
    bcubed_recall: Estimate
    bcubed_f1: Estimate


def cluster_figures(
    people: NDArray[np.int64], groups: NDArray[np.int64], *, seed: int = 0
) -> ClusterFigures:
    """Compare groups with people, with intervals by resampling people.

    Where a person is drawn twice, the two are different people: a genuine pair weighs w_a and a
    pair of two people w_a w_b, as in all of our intervals. The groups stay as they were found.

    Args:
        people: (n,) int64, who is on each photo; any numbers.
        groups: (n,) int64, the group of each; any numbers.
        seed: of the draws.

    Raises:
        ValueError: no photos, or not as many people as groups.
    """
    table = _Table(people, groups)
    support = Support(table.people, table.people)
    chunk = max(1, CELLS // table.groups)
    found = estimates(table.measure, table.people, lambda _: support, chunk=chunk, seed=seed)
    return ClusterFigures(**found)


def best_threshold(
    people: NDArray[np.int64], groups: Mapping[float, NDArray[np.int64]]
) -> tuple[float, float]:
    """The threshold whose groups have the highest B-cubed F1, and that figure.

    Args:
        people: (n,) int64, who is on each photo.
        groups: (n,) int64 at each threshold to choose from; of equals the first.
    """
    everybody = np.ones((len(np.unique(people)), 1), dtype=np.float32)
    scored = {
        threshold: float(_Table(people, found).measure(everybody)["bcubed_f1"][0])
        for threshold, found in groups.items()
    }
    best = max(scored, key=lambda threshold: scored[threshold])
    return best, scored[best]


class _Table:
    """How many photos of each person are in each group."""

    def __init__(self, people: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
        if not len(people) or len(people) != len(groups):
            raise ValueError(f"{len(people)} photos have people and {len(groups)} groups")
        _, person = np.unique(people, return_inverse=True)
        _, group = np.unique(groups, return_inverse=True)
        cells, counts = np.unique(np.stack([group, person]), axis=1, return_counts=True)
        both = counts.astype(np.float64)
        self._photos = np.bincount(person).astype(np.float64)
        self._size = np.bincount(group).astype(np.float64)
        self.people, self.groups = len(self._photos), len(self._size)
        shape = (self.groups, self.people)
        self._both = csr_array((both, cells), shape=shape)
        self._square = csr_array((both**2, cells), shape=shape)
        self._together = np.bincount(cells[1], weights=both**2)  # ordered pairs, and selves

    def measure(self, drawn: PeopleWeights) -> Shares:
        """The figures, (r,) each, from (people, r) weights."""
        weights = drawn.astype(np.float64)
        # Of each group the weight of all ordered pairs of photos of two people.
        size = np.asarray(self._both @ weights)
        mixed = np.maximum(size**2 - np.asarray(self._square @ weights**2), 0)
        with np.errstate(invalid="ignore"):  # 0 / 0 where a draw leaves nothing to judge
            return {**self._pairwise(weights, mixed), **self._bcubed(weights, mixed)}

    def _pairwise(self, weights: NDArray[np.float64], mixed: NDArray[np.float64]) -> Shares:
        right = (self._together - self._photos) @ weights
        genuine = (self._photos * (self._photos - 1)) @ weights
        found = right + mixed.sum(axis=0)
        return {
            "pairwise_precision": right / found,
            "pairwise_recall": right / genuine,
            "pairwise_f1": 2 * right / (found + genuine),
        }

    def _bcubed(self, weights: NDArray[np.float64], mixed: NDArray[np.float64]) -> Shares:
        photos = self._photos @ weights
        # Of its group, a photo is wrong about so many, by the size that the group really has: of
        # the drawn photos it would fall with every person left out, and precision would rise.
        precision = np.maximum(1 - (1 / self._size) @ mixed / photos, 0)
        recall = (self._together / self._photos) @ weights / photos
        return {
            "bcubed_precision": precision,
            "bcubed_recall": recall,
            "bcubed_f1": 2 * precision * recall / (precision + recall),
        }
