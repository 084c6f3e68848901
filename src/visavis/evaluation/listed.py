"""Figures of listed pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import PairSet
from visavis.evaluation.figures import Estimate, Figures
from visavis.evaluation.intervals import Measure, PeopleWeights, Support, estimates
from visavis.evaluation.rates import (
    AT_THRESHOLD,
    FARS,
    Rates,
    Shares,
    Weights,
    calibration_shares,
    decision_shares,
    ranking_shares,
)
from visavis.models.scores import comparisons_needed

CELLS = 1_000_000  # weights held at a time: 8 MB an array

GENUINE_FIGURES = {"recall", "fnmr", *FARS}
IMPOSTOR_FIGURES = {"fmr"}


@dataclass(frozen=True)
class People:
    """Who is in each pair, numbered among the people of the pairs.

    Attributes:
        first, second: (m,) number of the person on each side.
        same: (m,) bool.
        count: how many people there are.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    count: int

    @classmethod
    def of(cls, pairs: PairSet) -> People:
        """The people of ``pairs``."""
        sides = pairs.faces.people[np.stack([pairs.first, pairs.second])]
        present, numbers = np.unique(sides, return_inverse=True)
        first, second = numbers.reshape(2, -1)
        return cls(first, second, pairs.same, len(present))

    def weights(self, drawn: PeopleWeights) -> Weights:
        """(m, r) weight of each pair where its people are drawn so often."""
        first, second = drawn[self.first], drawn[self.second]
        second[self.same] = 1
        return np.multiply(first, second, dtype=np.float64)

    def support(self, name: str, accepted: NDArray[np.bool_]) -> Support:
        """What a figure rests on; ``accepted`` says which pairs were called the same."""
        figure = name.partition("@")[0]
        if figure in GENUINE_FIGURES:
            return self._support(self.same)
        if figure in IMPOSTOR_FIGURES:
            return self._support(~self.same)
        if figure in {"precision", "f1"}:
            return self._support(accepted | (self.same & (figure == "f1")))
        if figure == "accuracy":
            return self._support(np.ones_like(self.same))
        genuine, impostor = self._support(self.same), self._support(~self.same)
        return Support(
            min(genuine.people, impostor.people),
            min(genuine.units, impostor.units)
            if figure in {"auc", "eer"}
            else genuine.units + impostor.units,
        )

    def _support(self, rows: NDArray[np.bool_]) -> Support:
        sides = np.sort(np.stack([self.first[rows], self.second[rows]]), axis=0)
        return Support(len(np.unique(sides)), len(np.unique(sides, axis=1).T))


def listed_figures(
    pairs: PairSet,
    similarity: NDArray[np.float64],
    probability: NDArray[np.float64],
    threshold: NDArray[np.float64],
    *,
    threshold_fitted_on: str,
    calibration_fitted_on: str,
) -> Figures:
    """All figures of listed pairs, with intervals.

    A missed pair counts as an error everywhere: a genuine one as the lowest similarity and
    probability 0, an impostor one as the highest and 1.

    Args:
        pairs: m pairs.
        similarity, probability: (m,), the latter at prior 0.5; NaN where a face was missed.
        threshold: (m,), applied to each pair.
        threshold_fitted_on, calibration_fitted_on: in words.
    """
    missed = np.isnan(similarity)
    ranked = np.where(missed, np.where(pairs.same, -np.inf, np.inf), similarity)
    # Sorted once, not for each replicate: ties lie side by side.
    order = np.argsort(ranked, kind="stable")
    pairs, ranked, missed = pairs.select(order, pairs.name), ranked[order], missed[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    people, same, wrong = People.of(pairs), pairs.same, ~pairs.same
    believed = np.where(missed, wrong, probability[order])
    accepted = np.where(missed, wrong, similarity[order] >= threshold[order])

    def measure(drawn: PeopleWeights) -> Shares:
        weights = people.weights(drawn)
        genuine, impostor = weights * same[:, np.newaxis], weights * wrong[:, np.newaxis]
        return {
            **decided(weights, same, accepted),
            **ranking_shares(
                np.add.reduceat(genuine, starts, axis=0),
                np.add.reduceat(impostor, starts, axis=0),
            ),
            **calibration_shares(genuine, impostor, believed),
        }

    figures = _estimates(measure, people, accepted)
    return Figures(
        **with_unsupported(figures, int(wrong.sum())),
        n_genuine=int(same.sum()),
        n_impostor=int(wrong.sum()),
        n_people=people.count,
        n_missed=int(missed.sum()),
        threshold=float(threshold.mean()),
        threshold_fitted_on=threshold_fitted_on,
        calibration_fitted_on=calibration_fitted_on,
    )


def listed_rates(
    pairs: PairSet, similarity: NDArray[np.float64], thresholds: Mapping[str, NDArray[np.float64]]
) -> dict[str, Rates]:
    """FMR, FNMR and accuracy at each of several thresholds, by the thresholds' names.

    Args:
        pairs: m pairs.
        similarity: (m,), NaN where a face was missed: an error, of whichever kind it can be.
        thresholds: each (m,), applied to each pair.
    """
    people, missed = People.of(pairs), np.isnan(similarity)
    accepted = {
        name: np.where(missed, ~pairs.same, similarity >= threshold)
        for name, threshold in thresholds.items()
    }

    def measure(drawn: PeopleWeights) -> Shares:
        weights = people.weights(drawn)
        return {
            f"{rate}@{name}": share
            for name, decisions in accepted.items()
            for rate, share in decided(weights, pairs.same, decisions).items()
            if rate in AT_THRESHOLD
        }

    found = _estimates(measure, people, pairs.same)
    return {name: Rates.of(found, name) for name in thresholds}


def with_unsupported(figures: dict[str, Estimate], impostors: int) -> dict[str, Estimate]:
    """The figures, with TAR@FAR x withheld where impostor comparisons are fewer than 30/x."""
    needed = {name: comparisons_needed(far) for name, far in FARS.items()}
    return figures | {
        name: Estimate(None, note=f"n/a, needs {n:,} comparisons")
        for name, n in needed.items()
        if impostors < n
    }


def decided(weights: Weights, same: NDArray[np.bool_], accepted: NDArray[np.bool_]) -> Shares:
    """Figures of decisions, each (r,), from (m, r) weights of m pairs."""
    masks = np.stack([same, same & accepted, ~same, ~same & accepted]).astype(np.float64)
    return decision_shares(*(masks @ weights))


def _estimates(
    measure: Measure, people: People, accepted: NDArray[np.bool_]
) -> dict[str, Estimate]:
    return estimates(
        measure,
        people.count,
        lambda name: people.support(name, accepted),
        chunk=max(1, CELLS // max(1, len(people.same))),
    )
