"""Figures over all comparisons of the reported people, on binned scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.all_pairs import BINS, Comparisons
from visavis.evaluation.figures import Figures
from visavis.evaluation.intervals import PeopleWeights, Support, estimates
from visavis.evaluation.listed import GENUINE_FIGURES, IMPOSTOR_FIGURES, with_unsupported
from visavis.evaluation.rates import (
    AT_THRESHOLD,
    Rates,
    Shares,
    Weights,
    calibration_shares,
    decision_shares,
    ranking_shares,
)
from visavis.evaluation.resampling import LevelSums
from visavis.models.calibration import Calibration

CHUNK = 100  # replicates at a time: a few arrays of (levels, CHUNK) for each part


class _Sums:
    """One part's weights for a draw of people, a missed face being an error."""

    def __init__(self, part: Comparisons, edges: NDArray[np.float64]) -> None:
        self._sums, self._edges = LevelSums(part, edges), edges

    def levels(self, drawn: PeopleWeights) -> tuple[Weights, Weights]:
        """(levels + 2, r) genuine and impostor weights; the ends hold the missed."""
        sums, none = self._sums, np.zeros((1, drawn.shape[1]))
        genuine = np.vstack([sums.missed_genuine(drawn), sums.genuine(drawn), none])
        impostor = np.vstack([none, sums.impostor(drawn), sums.missed_impostor(drawn)])
        return genuine, impostor

    def counts(
        self, threshold: float, genuine: Weights, impostor: Weights, drawn: PeopleWeights
    ) -> Weights:
        """(4, r): what ``decision_shares`` takes, at a threshold that is an edge."""
        # Rows are the missed, then level 0, 1, ...; level i + 1 is the first above edge i.
        first = int(np.searchsorted(self._edges, threshold)) + 2
        matched, false = genuine[first:], impostor[first:]
        # The closed form, since of the lowest comparisons a bin may have had none drawn.
        everyone = self._sums.all_impostor(drawn) + self._sums.missed_impostor(drawn)
        return np.stack([genuine.sum(axis=0), matched.sum(axis=0), everyone, false.sum(axis=0)])


def _decided(
    sums: Sequence[_Sums],
    levels: Sequence[tuple[Weights, Weights]],
    thresholds: Sequence[float],
    drawn: PeopleWeights,
) -> Shares:
    counted = [
        part.counts(threshold, *weights, drawn)
        for part, weights, threshold in zip(sums, levels, thresholds, strict=True)
    ]
    return decision_shares(*np.sum(counted, axis=0))


@dataclass(frozen=True)
class Counted:
    """How many comparisons, with a missed face or not, of how many people."""

    genuine: int
    impostor: int
    missed: int
    people: int
    genuine_people: int
    people_pairs: int

    @classmethod
    def of(cls, parts: Sequence[Comparisons]) -> Counted:
        """All parts together."""
        seen = np.stack([part.photos for part in parts])
        photos = seen + np.stack([part.missed for part in parts])
        genuine, impostor = _comparisons(photos)
        present = (photos > 0).sum(axis=1)
        return cls(
            genuine=genuine,
            impostor=impostor,
            missed=genuine + impostor - sum(_comparisons(seen)),
            people=int(present.sum()),
            genuine_people=int((photos > 1).sum()),
            people_pairs=int((present * (present - 1) // 2).sum()),
        )

    def support(self, figure: str) -> Support:
        """What a figure rests on, see ``Support``."""
        name = figure.partition("@")[0]
        if name in GENUINE_FIGURES:
            return Support(self.genuine_people, self.genuine_people)
        if name in IMPOSTOR_FIGURES:
            return Support(self.people, self.people_pairs)
        if name in {"precision", "f1"}:  # at 1, what was accepted is what is genuine
            return Support(self.people, self.genuine_people)
        if name in {"auc", "eer"}:
            return Support(self.genuine_people, min(self.genuine_people, self.people_pairs))
        return Support(self.people, self.genuine_people + self.people_pairs)


def _comparisons(photos: NDArray[np.int64]) -> tuple[int, int]:
    """Genuine and impostor comparisons of (parts, people) photos."""
    genuine = int((photos * (photos - 1) // 2).sum())
    everyone = photos.sum(axis=1)
    return genuine, int((everyone * (everyone - 1) // 2).sum()) - genuine


def all_figures(
    parts: Sequence[Comparisons],
    thresholds: Sequence[float],
    calibrations: Sequence[Calibration],
    *,
    threshold_fitted_on: str,
    calibration_fitted_on: str,
) -> Figures:
    """All figures over all comparisons within each part, with intervals.

    Decisions are exact; AUC, EER, TAR@FAR, Brier score and ECE are to the width of a bin. Of more
    than 400,000 impostor comparisons in a part, the lower ones are drawn, see ``Comparisons``.

    Args:
        parts: of people numbered alike in all, each person in one of them.
        thresholds, calibrations: of each part.
        threshold_fitted_on, calibration_fitted_on: in words.
    """
    uniform = np.linspace(parts[0].low, parts[0].high, BINS + 1)
    edges = np.unique(np.concatenate([uniform, thresholds]))
    sums = [_Sums(part, edges) for part in parts]
    # The middle of each level; the missed count as probability 0 and 1.
    middle = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    believed = np.concatenate([[0, *c.probability(middle, 0.5), 1] for c in calibrations])

    def measure(drawn: PeopleWeights) -> Shares:
        levels = [part.levels(drawn) for part in sums]
        genuine, impostor = (np.concatenate(kind) for kind in zip(*levels, strict=True))
        by_part = (len(parts), -1, drawn.shape[1])
        ranked = (kind.reshape(by_part).sum(axis=0) for kind in (genuine, impostor))
        return {
            **_decided(sums, levels, thresholds, drawn),
            **ranking_shares(*ranked),
            **calibration_shares(genuine, impostor, believed),
        }

    counts = Counted.of(parts)
    figures = estimates(measure, counts.people, counts.support, chunk=CHUNK)
    return Figures(
        **with_unsupported(figures, counts.impostor),
        n_genuine=counts.genuine,
        n_impostor=counts.impostor,
        n_people=counts.people,
        n_missed=counts.missed,
        threshold=float(np.mean(thresholds)),
        threshold_fitted_on=threshold_fitted_on,
        calibration_fitted_on=calibration_fitted_on,
    )


def all_rates(
    parts: Sequence[Comparisons], thresholds: Mapping[str, Sequence[float]]
) -> dict[str, Rates]:
    """FMR, FNMR and accuracy over all comparisons, at several thresholds for each part."""
    edges = np.unique(np.concatenate(list(thresholds.values())))
    sums, counts = [_Sums(part, edges) for part in parts], Counted.of(parts)

    def measure(drawn: PeopleWeights) -> Shares:
        levels = [part.levels(drawn) for part in sums]
        return {
            f"{rate}@{name}": share
            for name, values in thresholds.items()
            for rate, share in _decided(sums, levels, values, drawn).items()
            if rate in AT_THRESHOLD
        }

    found = estimates(measure, counts.people, counts.support, chunk=CHUNK)
    return {name: Rates.of(found, name) for name in thresholds}
