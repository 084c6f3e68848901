"""Error rates at every threshold, and series thinned to what an eye can see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.evaluation import Evaluation
from visavis.models.scores import Scores

VISIBLE_POINTS = 300
"""A curve 300 CSS pixels wide shows no more."""

Series = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorCurve:
    """Both error rates as the threshold rises.

    Attributes:
        threshold: (k,) float64, ascending.
        fmr, fnmr: (k,) float64 in [0, 1]; ``fmr`` falls, ``fnmr`` rises.
    """

    threshold: Series
    fmr: Series
    fnmr: Series


def error_curve(evaluation: Evaluation) -> ErrorCurve | None:
    """The curve of the listed pairs, or of all comparisons where these were made.

    A pair with a missed face is an error at every threshold, as it is in the figures. ``None``
    where either kind of pair is lacking.
    """
    genuine, impostor = split_similarity(evaluation)
    if genuine.size and impostor.size:
        genuine = np.sort(np.nan_to_num(genuine, nan=-np.inf))
        impostor = np.sort(np.nan_to_num(impostor, nan=np.inf))
        values = np.unique(np.concatenate([genuine, impostor]))
        threshold = np.append(values[np.isfinite(values)], np.inf)
        fmr = 1.0 - np.searchsorted(impostor, threshold, side="left") / impostor.size
        fnmr = np.searchsorted(genuine, threshold, side="left") / genuine.size
        fmr[-1] = np.mean(np.isposinf(impostor))
        return ErrorCurve(threshold, fmr, fnmr)
    if evaluation.scores is not None:
        return _binned_curve(evaluation.scores)
    return None


def split_similarity(evaluation: Evaluation) -> tuple[Series, Series]:
    """Similarities of the genuine and of the impostor pairs listed, NaN where a face was missed."""
    same = evaluation.pairs.same
    return evaluation.similarity[same], evaluation.similarity[~same]


def _binned_curve(scores: Scores) -> ErrorCurve | None:
    if not sum(scores.genuine) or not sum(scores.impostor):
        return None
    edges = scores.edges
    return ErrorCurve(edges, scores.fmr(edges), scores.fnmr(edges))


def thin(x: Series, y: Series, limit: int = VISIBLE_POINTS) -> tuple[Series, Series]:
    """At most ``limit`` of the points, evenly spaced along the line that they draw.

    Args:
        x, y: (k,) finite, in the units of the axes as they are drawn (logarithms on a log axis).
        limit: at least 2; the first and the last point are kept.
    """
    if x.size <= limit:
        return x, y
    spans = np.maximum([np.ptp(x), np.ptp(y)], 1e-12)
    steps = np.hypot(np.diff(x) / spans[0], np.diff(y) / spans[1])
    length = np.concatenate([[0.0], np.cumsum(steps)])
    marks = np.linspace(0, length[-1], limit)
    keep = np.unique(np.clip(np.searchsorted(length, marks), 0, x.size - 1))
    keep[0], keep[-1] = 0, x.size - 1
    return x[keep], y[keep]
