"""Differences between models on the same pairs, with their intervals.

Two models err on much the same pairs, so their difference is known far better than either figure:
people are drawn once for both (see ``visavis.evaluation.intervals``), and the interval is that of
the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.figures import Estimate
from visavis.evaluation.intervals import (
    LEVEL,
    MIN_PEOPLE,
    REPLICATES,
    TOO_FEW_PEOPLE,
    PeopleWeights,
    clopper_pearson,
    draw_people,
)
from visavis.evaluation.listed import CELLS, People, decided
from visavis.evaluation.rates import Shares, ranking_shares

PAIRED = ("accuracy", "precision", "recall", "f1", "auc", "eer")
"""The figures that two models are compared by."""


@dataclass(frozen=True)
class Resampled:
    """One model's figures, and the same under each of the draws that all models share.

    Attributes:
        people: how many are drawn from.
        values: the figures of ``PAIRED``, NaN where one is not defined.
        units: of each, how many independent pairs it rests on.
        drawn: (r,) replicates of each; nothing where there are fewer than 20 people.
    """

    people: int
    values: dict[str, float]
    units: dict[str, int]
    drawn: Shares

    def minus(self, other: Resampled, name: str) -> Estimate:
        """By how much this model's figure exceeds another's on the same pairs.

        Where the two agree on every pair that counts, every draw of people gives 0. That is no
        certainty: the interval is then the exact one of a share of which none was seen, to both
        sides.
        """
        value = self.values[name] - other.values[name]
        if np.isnan(value):
            return Estimate(None, note="n/a")
        if self.people < MIN_PEOPLE:
            return Estimate(value, note=TOO_FEW_PEOPLE)
        differences = self.drawn[name] - other.drawn[name]
        if not np.nan_to_num(differences).any():
            _, high = clopper_pearson(0, min(self.units[name], other.units[name]))
            return Estimate(value, -high, high)
        tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = np.quantile(differences[~np.isnan(differences)], tails)
        return Estimate(value, min(float(low), value), max(float(high), value))


def resample(
    people: People,
    similarity: NDArray[np.float64],
    accepted: NDArray[np.bool_],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Resampled:
    """A model's figures on m pairs under draws of people.

    Args:
        people: of the pairs; the same, in the same order, for all models to compare.
        similarity: (m,) NaN where a face was missed: an error at every threshold.
        accepted: (m,) which pairs were called one person; of a missed pair, wrongly.
        replicates: draws of people.
        seed: of the draws; the same for all models to compare.
    """
    ranked = np.where(np.isnan(similarity), np.where(people.same, -np.inf, np.inf), similarity)
    order = np.argsort(ranked, kind="stable")
    ranked, accepted = ranked[order], accepted[order]
    sides = People(people.first[order], people.second[order], people.same[order], people.count)
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    same = sides.same[:, np.newaxis]

    def measure(drawn: PeopleWeights) -> Shares:
        weights = sides.weights(drawn)
        genuine, impostor = (
            np.add.reduceat(weights * kind, starts, axis=0) for kind in (same, ~same)
        )
        shares = decided(weights, sides.same, accepted) | ranking_shares(genuine, impostor)
        return {name: shares[name] for name in PAIRED}

    values = measure(np.ones((people.count, 1), dtype=np.float32))
    drawn: Shares = {}
    if people.count >= MIN_PEOPLE:
        weights = draw_people(people.count, replicates, seed)
        step = max(1, CELLS // len(ranked))
        parts = [measure(weights[:, i : i + step]) for i in range(0, replicates, step)]
        drawn = {name: np.concatenate([part[name] for part in parts]) for name in PAIRED}
    return Resampled(
        people.count,
        {name: float(value[0]) for name, value in values.items()},
        {name: sides.support(name, accepted).units for name in PAIRED},
        drawn,
    )
