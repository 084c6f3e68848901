"""Fitting a threshold and a calibration to scored pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.errors import DataError
from visavis.models.calibration import Calibration
from visavis.models.scores import Threshold

STEPS = 100


def best_accuracy_threshold(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fitted_on: str
) -> Threshold:
    """The threshold that calls most of the pairs rightly.

    Halfway between the two neighbouring similarities that it parts; the lowest similarity where
    it accepts every pair; just above the highest where it accepts none. Of several equally good
    ones, the highest: the fewest false matches.

    Args:
        similarity: (m,); pairs with NaN (a missed face) are left out, as no threshold mends them.
        same: (m,) bool.
        fitted_on: the pairs, in words.

    Raises:
        DataError: the pairs are not of both kinds.
    """
    similarity, same = _usable(similarity, same, fitted_on)
    values, level = np.unique(similarity, return_inverse=True)
    genuine = np.bincount(level[same], minlength=len(values))
    impostor = np.bincount(level[~same], minlength=len(values))
    # Right decisions where the threshold parts level i - 1 from level i, for i = 0 .. len(values).
    rejected = np.concatenate([[0], np.cumsum(impostor)])
    accepted = np.concatenate([np.cumsum(genuine[::-1])[::-1], [0]])
    right = rejected + accepted
    cut = len(right) - 1 - int(np.argmax(right[::-1]))
    return Threshold(value=_between(values, cut), fitted_on=fitted_on, comparisons=len(same))


def halfway_threshold(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fitted_on: str
) -> Threshold:
    """The threshold half-way between the mean similarity of genuine and of impostor pairs.

    A simple cut-off that published systems use; it takes both kinds to spread alike.

    Args:
        similarity: (m,); pairs with NaN (a missed face) are left out.
        same: (m,) bool.
        fitted_on: the pairs, in words.

    Raises:
        DataError: the pairs are not of both kinds.
    """
    similarity, same = _usable(similarity, same, fitted_on)
    value = (similarity[same].mean() + similarity[~same].mean()) / 2
    return Threshold(value=float(value), fitted_on=fitted_on, comparisons=len(same))


def _between(values: NDArray[np.float64], cut: int) -> float:
    if cut == 0:
        return float(values[0])
    if cut == len(values):
        return float(np.nextafter(values[-1], np.inf))
    below, above = values[cut - 1], values[cut]
    middle = below + (above - below) / 2
    return float(middle if middle > below else above)  # neighbouring floats have no middle


def fit_calibration(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fitted_on: str
) -> Calibration:
    """Platt's calibration (Platt, 1999), by damped Newton steps (Lin, Lin and Weng, 2007).

    A logistic regression without penalty on Platt's targets, (n + 1) / (n + 2) for the n genuine
    pairs and 1 / (n + 2) for the n impostor ones instead of 1 and 0: so pairs that a threshold
    parts completely get a steep curve, not an infinite one. Where all similarities are equal the
    slope is 0. The fit is to the pairs as listed; ``prior`` says what share of them is genuine.

    Args:
        similarity: (m,); pairs with NaN (a missed face) are left out.
        same: (m,) bool.
        fitted_on: the pairs, in words.

    Raises:
        DataError: the pairs are not of both kinds.
    """
    similarity, same = _usable(similarity, same, fitted_on)
    n_genuine = int(same.sum())
    n_impostor = len(same) - n_genuine
    target = np.where(same, (n_genuine + 1) / (n_genuine + 2), 1 / (n_impostor + 2))
    centre, spread = similarity.mean(), similarity.std()
    # Standardised, the two parameters are of one size and Newton's matrix is well conditioned.
    standard = (similarity - centre) / spread if spread > 0 else np.zeros_like(similarity)
    slope, intercept = _logistic(standard, target)
    slope = slope / spread if spread > 0 else 0.0
    return Calibration(
        slope=float(slope),
        intercept=float(intercept - slope * centre),
        prior=n_genuine / len(same),
        fitted_on=fitted_on,
        pairs=len(same),
    )


def _logistic(x: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of greatest likelihood, for targets strictly between 0 and 1."""
    share = target.mean()
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.array([0.0, np.log(share / (1 - share))])
    loss = _loss(design @ weights, target)
    for _ in range(STEPS):
        probability = 0.5 * (1 + np.tanh(design @ weights / 2))
        gradient = design.T @ (probability - target)
        curvature = (design.T * (probability * (1 - probability))) @ design
        # A hair of ridge on the step, not on the fit: constant similarities leave it singular.
        step = np.linalg.solve(curvature + 1e-12 * len(x) * np.eye(2), gradient)
        scale = 1.0
        while (tried := _loss(design @ (weights - scale * step), target)) > loss and scale > 1e-10:
            scale /= 2
        if tried >= loss:
            break
        weights, loss = weights - scale * step, tried
    return float(weights[0]), float(weights[1])


def _loss(log_odds: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, log_odds) - target * log_odds).sum())


def _usable(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fitted_on: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    seen = ~np.isnan(similarity)
    if not (same[seen].any() and (~same[seen]).any()):
        raise DataError(
            f"{fitted_on}: a threshold and a calibration need pairs of the same person and pairs "
            "of different people, with a face found in each; add what is missing"
        )
    return similarity[seen], same[seen]
