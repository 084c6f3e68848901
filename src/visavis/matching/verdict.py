"""The answer to: do these two photos show one person?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from visavis.models.scores import Threshold
from visavis.photos.face import Face


@dataclass(frozen=True, eq=False)
class Verdict:
    """One comparison of two faces; true where it says the same person.

    Attributes:
        same: ``similarity >= threshold.value``.
        probability: calibrated P(same) at ``prior``; ``None`` for a model without calibration.
        prior: the share of same pairs that the probability assumes.
        similarity: larger is more alike; its scale is the model's.
        threshold: what decided, and where it was fitted.
        model: the model's name.
        faces: the two that were compared.
        face_counts: how many faces each photo shows.
        warnings: what makes the answer less sure, in sentences.
    """

    same: bool
    probability: float | None
    prior: float | None
    similarity: float
    threshold: Threshold
    model: str
    faces: tuple[Face, Face]
    face_counts: tuple[int, int]
    warnings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.same

    @property
    def verified(self) -> bool:
        """``same``, by the name that other libraries use."""
        return self.same

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "same": self.same,
            "verified": self.same,
            "probability": self.probability,
            "prior": self.prior,
            "similarity": self.similarity,
            "threshold": self.threshold.value,
            "threshold_fmr": self.threshold.fmr,
            "threshold_fitted_on": self.threshold.fitted_on,
            "model": self.model,
            "faces": [
                {**face.as_dict(), "faces_in_photo": count}
                for face, count in zip(self.faces, self.face_counts, strict=True)
            ],
            "warnings": self.warnings,
        }
