"""What is reported of a model on pairs: the tables' types, without the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % confidence interval.

    Attributes:
        value: the figure; ``None`` where it cannot be stated, and ``note`` says why.
        low, high: the interval; ``None`` where there is none, and ``note`` says why.
        note: such as ``n/a, needs 3,000 comparisons`` or ``fewer than 20 people``; else empty.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return self.note or "n/a"
        if self.low is None or self.high is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class Figures:
    """Verification figures on one set of pairs, all shares in [0, 1].

    Attributes:
        accuracy, precision, recall, f1, fmr, fnmr: at ``threshold``.
        auc, eer, tar_at_far_1e2, tar_at_far_1e3: over all thresholds, on these very pairs.
        brier, ece: of the probabilities at prior 0.5, so each class weighs a half whatever its
            count; ECE over 15 equal-width bins.
        loss: the training loss on these pairs, where there is one.
        n_genuine, n_impostor, n_people: what was counted.
        n_missed: pairs counted as errors because no face was found in a photo.
        threshold: applied to these pairs; the mean over folds where each fold has its own.
        threshold_fitted_on, calibration_fitted_on: never these pairs.
    """

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    fmr: Estimate
    fnmr: Estimate
    auc: Estimate
    eer: Estimate
    tar_at_far_1e2: Estimate
    tar_at_far_1e3: Estimate
    brier: Estimate
    ece: Estimate
    n_genuine: int
    n_impostor: int
    n_people: int
    n_missed: int
    threshold: float
    threshold_fitted_on: str
    calibration_fitted_on: str
    loss: Estimate | None = None

    def estimates(self) -> Iterator[tuple[str, Estimate]]:
        """Each figure's field name and estimate, in the order of the fields."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Estimate):
                yield field.name, value

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON: an estimate becomes ``{value, low, high, note}``."""
        row: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            row[field.name] = dict(vars(value)) if isinstance(value, Estimate) else value
        return row


LABELS = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "fmr": "FMR",
    "fnmr": "FNMR",
    "auc": "AUC",
    "eer": "EER",
    "tar_at_far_1e2": "TAR@FAR 1e-2",
    "tar_at_far_1e3": "TAR@FAR 1e-3",
    "brier": "Brier score",
    "ece": "ECE",
    "loss": "Loss",
}
"""How each figure is called in tables and reports."""
