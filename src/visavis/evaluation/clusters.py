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
    chunk = max(1, CELLS // len(table.both))
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
        self._photos = np.bincount(person).astype(np.float64)
        self.people = len(self._photos)
        cells, self.both = np.unique(np.stack([person, group]), axis=1, return_counts=True)
        self._person, self._group = cells
        shape = (len(np.unique(group)), self.people)
        self._in_group = csr_array((self.both.astype(np.float64), cells[::-1]), shape=shape)

    def measure(self, drawn: PeopleWeights) -> Shares:
        """The figures, (r,) each, from (people, r) weights."""
        weights = drawn.astype(np.float64)
        size = self._in_group @ weights
        cell_weight = weights[self._person]
        with np.errstate(invalid="ignore"):  # 0 / 0 where a draw leaves nothing to judge
            return {
                **self._pairwise(weights, size, cell_weight),
                **self._bcubed(weights, size, cell_weight),
            }

    def _pairwise(
        self, weights: NDArray[np.float64], size: NDArray[np.float64], cell: NDArray[np.float64]
    ) -> Shares:
        both = self.both.astype(np.float64)
        right = (both * (both - 1) / 2) @ cell
        genuine = (self._photos * (self._photos - 1) / 2) @ weights
        mixed = ((size**2).sum(axis=0) - both**2 @ cell**2) / 2
        return {
            "pairwise_precision": right / (right + mixed),
            "pairwise_recall": right / genuine,
            "pairwise_f1": 2 * right / (right + mixed + genuine),
        }

    def _bcubed(
        self, weights: NDArray[np.float64], size: NDArray[np.float64], cell: NDArray[np.float64]
    ) -> Shares:
        both = self.both[:, np.newaxis].astype(np.float64)
        photos = self._photos @ weights
        # A photo shares its group with its own person's once, however often that one was drawn.
        company = both + size[self._group] - cell * both
        right = cell * both**2
        precision = (right / company).sum(axis=0) / photos
        recall = (right / self._photos[self._person][:, np.newaxis]).sum(axis=0) / photos
        return {
            "bcubed_precision": precision,
            "bcubed_recall": recall,
            "bcubed_f1": 2 * precision * recall / (precision + recall),
        }
