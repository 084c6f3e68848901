"""One model on one set of pairs: everything a table, a report or a gate needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import PairSet
from visavis.evaluation.figures import Estimate, Figures
from visavis.evaluation.searched import Searched
from visavis.models.scores import Scores, Threshold


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold fitted elsewhere, and what it did on these pairs.

    Attributes:
        threshold: with the false-match rate asked for, if one was, and where it was fitted.
        fmr, fnmr, accuracy: measured on the reported pairs.
    """

    threshold: Threshold
    fmr: Estimate
    fnmr: Estimate
    accuracy: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "threshold": self.threshold.model_dump(),
            "fmr": vars(self.fmr),
            "fnmr": vars(self.fnmr),
            "accuracy": vars(self.accuracy),
        }


@dataclass(frozen=True)
class GroupRates:
    """Error rates of one group at the one threshold.

    Attributes:
        tag, group: such as ``gender`` and ``female``.
        fmr: over impostor pairs with both people in the group; fnmr: over genuine pairs in it.
        n_genuine, n_impostor, n_people: what was counted.
    """

    tag: str
    group: str
    fmr: Estimate
    fnmr: Estimate
    n_genuine: int
    n_impostor: int
    n_people: int


@dataclass(frozen=True)
class Evaluation:
    """The outcome of ``visavis.evaluation.evaluate``.

    Attributes:
        model: the model's name; fingerprint: what its embeddings mean.
        protocol: in words, with the official LFW category where it is LFW.
        pairs: the listed pairs; empty where all comparisons were made (then see ``scores``).
        similarity, probability: (m,) float64 for each pair, the latter at prior 0.5. A pair with a
            missed face has NaN here and counts as an error in ``figures``.
        threshold: (m,) float64, the threshold applied to each pair (its fold's).
        figures: over all pairs; folds: one for each fold where there are folds, else empty.
        fold_accuracy: mean over folds and its standard error; ``None`` without folds.
        missed: photos in which no face was found.
        unreadable: photos that could not be opened, with the reason.
        operating: the standard false-match rates.
        halfway: the threshold between the mean similarities of both kinds of fitting pairs;
            ``None`` where the model's card, which was applied, holds none.
        groups: rates per group where ``--by`` was asked; worst_to_best: for each rate name, the
            ratio of the worst group's to the best's; ``None`` where the best is 0 or fewer than two
            groups have 20 people.
        scores: histograms over all comparisons of the reported people where ``--pairs all``.
        searched: each photo searched for among others, where that was asked for.
    """

    model: str
    fingerprint: str
    protocol: str
    pairs: PairSet
    similarity: NDArray[np.float64]
    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]
    figures: Figures
    folds: list[Figures] = field(default_factory=list)
    fold_accuracy: tuple[float, float] | None = None
    missed: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    operating: list[OperatingPoint] = field(default_factory=list)
    halfway: OperatingPoint | None = None
    groups: list[GroupRates] = field(default_factory=list)
    worst_to_best: dict[str, float | None] = field(default_factory=dict)
    scores: Scores | None = None
    searched: Searched | None = None
    seconds: float = 0.0

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """(m,) the decision on each pair; a missed pair is decided wrongly."""
        decided = self.similarity >= self.threshold
        return np.where(np.isnan(self.similarity), ~self.pairs.same, decided)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON: everything but the pairs themselves."""
        return {
            "model": self.model,
            "fingerprint": self.fingerprint,
            "protocol": self.protocol,
            "figures": self.figures.as_dict(),
            "folds": [fold.as_dict() for fold in self.folds],
            "fold_accuracy": self.fold_accuracy
            and dict(zip(("mean", "standard_error"), self.fold_accuracy, strict=True)),
            "missed": [str(path) for path in self.missed],
            "unreadable": [{"photo": str(p), "reason": reason} for p, reason in self.unreadable],
            "operating": [point.as_dict() for point in self.operating],
            "halfway": self.halfway and self.halfway.as_dict(),
            "groups": [
                {**vars(group), "fmr": vars(group.fmr), "fnmr": vars(group.fnmr)}
                for group in self.groups
            ],
            "worst_to_best": self.worst_to_best,
            "searched": self.searched and self.searched.as_dict(),
            "seconds": self.seconds,
        }
