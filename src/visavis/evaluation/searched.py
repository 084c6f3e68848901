"""What became of searching for photos among others: whom each found, and the figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.evaluation.figures import Estimate


@dataclass(frozen=True)
class Finding:
    """A figure of finding people.

    Attributes:
        name: such as ``Recall@1``; meaning: a sentence.
        estimate: the share that was right, with its interval.
        asked: how many photos were searched for, or tasks set.
    """

    name: str
    meaning: str
    estimate: Estimate
    asked: int

    @property
    def counted(self) -> str:
        """Such as ``27 of 30``; empty where nothing was asked for."""
        value = self.estimate.value
        return "" if value is None else f"{round(value * self.asked):,} of {self.asked:,}"

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON: ``{name, right, asked, value, low, high, note}``."""
        value = self.estimate.value
        right = None if value is None else round(value * self.asked)
        return {"name": self.name, "right": right, "asked": self.asked, **vars(self.estimate)}


@dataclass(frozen=True)
class Searched:
    """The outcome of ``visavis.evaluation.search.search``.

    Attributes:
        faces: n photos that were searched among.
        asked: (q,) int64, rows of those searched for, each among all others.
        found: (q, 5) int64, rows of the nearest, most similar first; -1 for nobody.
        similarity: (q, 5) float64; NaN for nobody.
        findings: figures.
    """

    faces: FaceSet
    asked: NDArray[np.int64]
    found: NDArray[np.int64]
    similarity: NDArray[np.float64]
    findings: list[Finding] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON: everything but the photos."""
        return {
            "photos": len(self.faces),
            "people": len(self.faces.names),
            "searched_for": len(self.asked),
            "findings": [finding.as_dict() for finding in self.findings],
        }
