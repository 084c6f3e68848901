"""Similarities of a fitting population, and the thresholds that follow from them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from visavis.errors import UnsupportedRateError

STANDARD_FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
COMPARISONS_PER_ERROR = 30
"""A rate x is stated on at least 30/x comparisons: the "rule of 30" (Doddington et al., 2000),
which puts the true rate within 30 % of the stated one with 90 % confidence."""


class Threshold(BaseModel):
    """A cut-off on similarity and where it comes from: ``same = similarity >= value``.

    Attributes:
        value: the similarity.
        fmr: the false-match rate it was chosen for; ``None`` for the best-accuracy and the
            half-way threshold, and for one that the caller typed.
        low, high: 95 % interval of ``value`` by resampling people; ``None`` where not computed.
        fitted_on: the pairs or comparisons it was fitted on, in words.
        comparisons: how many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    fmr: Annotated[float, Field(gt=0, lt=1)] | None = None
    low: float | None = None
    high: float | None = None
    fitted_on: str
    comparisons: int = 0


class Scores(BaseModel):
    """Histograms of similarities over all comparisons of a fitting population.

    Attributes:
        fitted_on: the population, in words.
        people, photos: its size.
        low, high: the range of the histograms; similarities outside it are counted in the end bins.
        genuine, impostor: counts in equal-width bins, of all pairs of photos of one person and of
            all pairs of photos of two.
        tail: the largest impostor similarities themselves, descending, so that rates finer than a
            bin are exact.
        standard: thresholds at the rates of ``STANDARD_FMRS`` that the population supports, with
            their intervals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fitted_on: str
    people: int
    photos: int
    low: float
    high: float
    genuine: list[int]
    impostor: list[int]
    tail: list[float]
    standard: list[Threshold] = []

    @property
    def edges(self) -> NDArray[np.float64]:
        """(bins + 1,) edges of the bins."""
        return np.linspace(self.low, self.high, len(self.impostor) + 1)

    def threshold(self, fmr: float) -> Threshold:
        """The lowest threshold whose false-match rate is at most ``fmr``.

        Exact within ``tail``, rounded up to a bin's edge below it.

        Raises:
            UnsupportedRateError: fewer than 30/fmr impostor comparisons.
        """
        total = sum(self.impostor)
        check_supported(fmr, total)
        for threshold in self.standard:
            if threshold.fmr is not None and np.isclose(threshold.fmr, fmr, rtol=1e-9):
                return threshold
        value = self._value_at(fmr, total)
        return Threshold(value=value, fmr=fmr, fitted_on=self.fitted_on, comparisons=total)

    def _value_at(self, fmr: float, total: int) -> float:
        allowed = int(np.floor(fmr * total * (1 + 1e-12)))  # 1e-3 of 3,000 is 3, not 2.999...
        if allowed < len(self.tail):
            return float(np.nextafter(self.tail[allowed], np.inf))
        above = np.cumsum(np.asarray(self.impostor)[::-1])[::-1]  # impostors at or above each bin
        bins = np.flatnonzero(above <= allowed)
        # The last bin also holds what lies above the range: only the tail knows how far up.
        top = max([self.high, *self.tail[:1]])
        return float(self.edges[bins[0]]) if bins.size else float(np.nextafter(top, np.inf))

    def fmr(self, similarity: ArrayLike) -> NDArray[np.float64]:
        """The share of impostor comparisons at or above each similarity, same shape.

        Exact within ``tail``, interpolated within a bin below it; NaN without impostors.
        """
        at = np.asarray(similarity, dtype=np.float64)
        binned = _share_at_or_above(at, self.edges, self.impostor)
        if not self.tail:
            return binned
        tail = np.asarray(self.tail)[::-1]
        counted = len(tail) - np.searchsorted(tail, at, side="left")
        return np.where(at >= tail[0], counted / sum(self.impostor), binned)

    def fnmr(self, similarity: ArrayLike) -> NDArray[np.float64]:
        """The share of genuine comparisons below each similarity, same shape.

        Interpolated within a bin; NaN without genuine comparisons.
        """
        at = np.asarray(similarity, dtype=np.float64)
        return 1.0 - _share_at_or_above(at, self.edges, self.genuine)


def _share_at_or_above(
    similarity: NDArray[np.float64], edges: NDArray[np.float64], counts: list[int]
) -> NDArray[np.float64]:
    above = np.append(np.cumsum(np.asarray(counts)[::-1])[::-1], 0)
    share = above / above[0] if above[0] else np.full(len(above), np.nan)
    return np.asarray(np.interp(similarity, edges, share))


def comparisons_needed(fmr: float) -> int:
    """How many impostor comparisons a false-match rate needs to be stated: 30/fmr."""
    return int(np.ceil(COMPARISONS_PER_ERROR / fmr * (1 - 1e-12)))


def check_supported(fmr: float, comparisons: int) -> None:
    """Raise ``UnsupportedRateError`` where ``comparisons`` are too few for ``fmr``."""
    if not 0 < fmr < 1:
        raise UnsupportedRateError(f"a false-match rate lies between 0 and 1, not {fmr:g}")
    needed = comparisons_needed(fmr)
    if comparisons >= needed:
        return
    said = (
        f"a false-match rate of {fmr:g} needs {needed:,} comparisons of different people; "
        f"there are {comparisons:,}"
    )
    # Rounded up to two digits, so that it is supported as it is read.
    lowest = _round_up(COMPARISONS_PER_ERROR / comparisons) if comparisons else 1.0
    mend = f", enough for a rate of {lowest:g}" if lowest < 1 else "; name a threshold instead"
    raise UnsupportedRateError(said + mend)


def _round_up(rate: float) -> float:
    """To two significant digits."""
    digit = 10.0 ** (np.floor(np.log10(rate)) - 1)
    return float(np.ceil(rate / digit) * digit)
