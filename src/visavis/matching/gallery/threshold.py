"""The similarity from which a face is called somebody, for the size of a gallery.

A stranger is compared with every photo of the gallery, so the more it holds, the more alike two
faces must be. Where each of M comparisons is wrong at a false-match rate FMR, a search names a
stranger at the false-positive identification rate FPIR = 1 - (1 - FMR)^M (ISO/IEC 19795-1; Grother
and Phillips, 2004). The rate is held where each person has one photo. Several photos of one person
resemble each other, so their comparisons are not independent and the true rate is lower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from visavis.errors import UnsupportedRateError
from visavis.models.scores import COMPARISONS_PER_ERROR, Scores

DEFAULT_FPIR = 0.01
TAIL = 1000
"""The largest impostor similarities whose fall is continued where they end."""


@dataclass(frozen=True)
class SearchThreshold:
    """What decides between somebody and nobody.

    Attributes:
        value: the similarity; somebody is at or above it.
        fpir: the false-positive identification rate that it was chosen for; ``None`` for one
            that the caller typed.
        fmr: the false-match rate of one comparison that follows from it.
        photos: how many the gallery holds.
        fitted_on: the comparisons that it was fitted on, in words.
        comparisons: how many.
        extrapolated: whether they were too few for ``fmr``, and their tail was continued.
    """

    value: float
    fpir: float | None
    fmr: float | None
    photos: int
    fitted_on: str
    comparisons: int = 0
    extrapolated: bool = False

    def words(self) -> str:
        """Where it comes from, as a part of a sentence."""
        if self.fpir is None or self.fmr is None:
            return self.fitted_on
        of = "1 photo" if self.photos == 1 else f"{self.photos:,} photos"
        words = (
            f"which a stranger reaches in {self.fpir:.3g} of all searches among {of}, "
            f"fitted on {self.fitted_on}"
        )
        if self.extrapolated:
            words += (
                f" and extrapolated: {self.comparisons:,} comparisons support a false-match rate "
                f"of {COMPARISONS_PER_ERROR / self.comparisons:.2g}, and {self.fmr:.2g} is needed"
            )
        return words

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "threshold": self.value,
            "threshold_fpir": self.fpir,
            "threshold_fmr": self.fmr,
            "threshold_photos": self.photos,
            "threshold_fitted_on": self.fitted_on,
            "threshold_extrapolated": self.extrapolated,
        }


def fmr_for(fpir: float, photos: int) -> float:
    """The false-match rate at which a search among ``photos`` has a rate of ``fpir``.

    Raises:
        UnsupportedRateError: ``fpir`` is not in (0, 1).
    """
    if not 0 < fpir < 1:
        raise UnsupportedRateError(
            f"a false-positive identification rate lies between 0 and 1, not {fpir:g}"
        )
    if photos <= 1:
        return fpir
    return -math.expm1(math.log1p(-fpir) / photos)


def fpir_of(fmr: float, photos: int) -> float:
    """The rate at which a search among ``photos`` names a stranger: ``fmr_for`` undone."""
    return -math.expm1(photos * math.log1p(-fmr))


def search_threshold(scores: Scores, fpir: float, photos: int) -> SearchThreshold:
    """The lowest threshold whose false-positive identification rate is at most ``fpir``.

    It is that of the false-match rate that follows. Where the fitting comparisons are too few for
    so small a rate (30 errors are needed, see ``Scores``), their largest similarities are taken to
    go on falling as they fall: exponentially, by their mean excess (the peaks over a threshold of
    Davison and Smith, 1990, with shape 0: mislabelled photos among the largest would make any
    other shape follow them).

    Args:
        scores: of the model's card.
        fpir: in (0, 1).
        photos: how many the gallery holds.

    Raises:
        UnsupportedRateError: ``fpir`` is no rate, or the card's tail is too short to be continued.
    """
    fmr = fmr_for(fpir, photos)
    total = sum(scores.impostor)
    supported = COMPARISONS_PER_ERROR / total if total else 1.0
    extrapolated = fmr < supported
    if extrapolated:
        value = _end_of(scores, total) + _scale(scores) * math.log(supported / fmr)
    else:
        value = scores.threshold(fmr).value
    return SearchThreshold(value, fpir, fmr, photos, scores.fitted_on, total, extrapolated)


def _end_of(scores: Scores, total: int) -> float:
    """The threshold at the smallest rate that the comparisons support."""
    return scores.threshold(COMPARISONS_PER_ERROR / total * (1 + 1e-9)).value


def _scale(scores: Scores) -> float:
    """How far the similarity rises while the rate falls by a factor of e."""
    tail = np.sort(np.asarray(scores.tail, dtype=np.float64))[::-1][: TAIL + 1]
    if len(tail) <= COMPARISONS_PER_ERROR:
        raise UnsupportedRateError(
            f"the card keeps {len(tail)} of its largest impostor similarities, too few to say how "
            "they go on; calibrate the model on more people, or give a threshold"
        )
    return float(np.mean(tail[:-1] - tail[-1]))
