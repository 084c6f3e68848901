"""Figures over all comparisons of the reported people, on binned scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.all_pairs import BINS, Comparisons
from visavis.evaluation.figures import Estimate, Figures
from visavis.evaluation.intervals import Measure, PeopleWeights, Support, estimates
from visavis.evaluation.listed import GENUINE_FIGURES, IMPOSTOR_FIGURES, with_unsupported
from visavis.evaluation.rates import (
    Shares,
    Weights,
    calibration_shares,
    decision_shares,
    ranking_shares,
)
from visavis.evaluation.resampling import LevelSums
from visavis.models.calibration import Calibration

CHUNK = 100  # replicates at a time: a few arrays of (levels, CHUNK) for each part


@dataclass(frozen=True)
class Part:
    """The comparisons within one fold's people, or within all where there are no folds.

    Attributes:
        comparisons: people are numbered alike in all parts.
        thresholds: by name; fitted elsewhere.
    """

    comparisons: Comparisons
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class _Count:
    """(r,) weights: all comparisons of each kind, and those called the same person."""

    genuine: Weights
    matched: Weights
    impostor: Weights
    false: Weights


class _Sums:
    """One part's weights for a draw of people, a missed face being an error."""

    def __init__(self, part: Part, edges: NDArray[np.float64]) -> None:
        self._part, self._edges, self._sums = part, edges, LevelSums(part.comparisons, edges)

    def levels(self, drawn: PeopleWeights) -> tuple[Weights, Weights]:
        """(levels + 2, r) genuine and impostor weights; the ends hold the missed."""
        sums, none = self._sums, np.zeros((1, drawn.shape[1]))
        genuine = np.vstack([sums.missed_genuine(drawn), sums.genuine(drawn), none])
        impostor = np.vstack([none, sums.impostor(drawn), sums.missed_impostor(drawn)])
        return genuine, impostor

    def count(self, name: str, genuine: Weights, impostor: Weights, drawn: PeopleWeights) -> _Count:
        """What the threshold of that name decides, from the weights of ``levels``."""
        # Rows: the missed, then level 0, 1, ...; level i + 1 is the first above edge i.
        first = int(np.searchsorted(self._edges, self._part.thresholds[name])) + 2
        return _Count(
            genuine.sum(axis=0),
            genuine[first:].sum(axis=0),
            self._sums.all_impostor(drawn) + self._sums.missed_impostor(drawn),
            impostor[first:].sum(axis=0),
        )


def all_figures(
    parts: Sequence[Part],
    name: str,
    calibrations: Sequence[Calibration],
    threshold_fitted_on: str,
    calibration_fitted_on: str,
) -> Figures:
    """All figures over all comparisons within each part, with intervals.

    Decisions are exact; AUC, EER, TAR@FAR, Brier score and ECE are to the width of a bin. Of more
    than 400,000 impostor comparisons in a part, the lower ones are drawn, see ``Comparisons``.

    Args:
        parts: of people of their own.
        name: of the threshold.
        calibrations: of each part.
        threshold_fitted_on, calibration_fitted_on: in words.
    """
    edges = _edges(parts, bins=True)
    sums = [_Sums(part, edges) for part in parts]
    # The middle of each level; the missed count as probability 0 and 1.
    middle = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    believed = np.concatenate([[0, *c.probability(middle, 0.5), 1] for c in calibrations])

    def measure(drawn: PeopleWeights) -> Shares:
        levels = [part.levels(drawn) for part in sums]
        genuine, impostor = (np.concatenate(kind) for kind in zip(*levels, strict=True))
        each = (len(parts), -1, drawn.shape[1])
        return {
            **_decided(sums, levels, name, drawn),
            **ranking_shares(
                genuine.reshape(each).sum(axis=0), impostor.reshape(each).sum(axis=0)
            ),
            **calibration_shares(genuine, impostor, believed),
        }

    counts = _Counted(parts)
    figures = estimates(measure, counts.numbered, counts.support, chunk=CHUNK)
    return Figures(
        **with_unsupported(figures, counts.impostor),
        n_genuine=counts.genuine,
        n_impostor=counts.impostor,
        n_people=counts.people,
        n_missed=counts.missed,
        threshold=float(np.mean([part.thresholds[name] for part in parts])),
        threshold_fitted_on=threshold_fitted_on,
        calibration_fitted_on=calibration_fitted_on,
    )


def all_rates(parts: Sequence[Part]) -> dict[str, tuple[Estimate, Estimate]]:
    """(FMR, FNMR) with intervals at each of the parts' thresholds, over all comparisons."""
    edges = _edges(parts, bins=False)
    sums, counts = [_Sums(part, edges) for part in parts], _Counted(parts)
    names = list(parts[0].thresholds)

    def measure(drawn: PeopleWeights) -> Shares:
        levels = [part.levels(drawn) for part in sums]
        return {
            f"{rate}@{name}": share
            for name in names
            for rate, share in _decided(sums, levels, name, drawn).items()
            if rate in {"fmr", "fnmr"}
        }

    found = _estimated(measure, counts)
    return {name: (found[f"fmr@{name}"], found[f"fnmr@{name}"]) for name in names}
