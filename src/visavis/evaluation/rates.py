"""The arithmetic of verification figures on weighted comparisons.

Every function takes weights of shape (k, r): k comparisons (or bins of comparisons), r weightings
side by side. One column of ones gives the figures themselves; columns of resampled weights give
their bootstrap replicates, so both come from one piece of arithmetic. A figure that its column
does not define (precision where nothing was accepted) is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.figures import Estimate

Weights = NDArray[np.float64]
Shares = dict[str, NDArray[np.float64]]

ECE_BINS = 15
AT_THRESHOLD = ("fmr", "fnmr", "accuracy")
"""What is told of each of several thresholds."""

FARS: Mapping[str, float] = {"tar_at_far_1e2": 1e-2, "tar_at_far_1e3": 1e-3}


class Rates(NamedTuple):
    """What one threshold does, with intervals."""

    fmr: Estimate
    fnmr: Estimate
    accuracy: Estimate

    @classmethod
    def of(cls, found: Mapping[str, Estimate], name: str) -> Self:
        """Those of the threshold ``name`` among estimates called ``fmr@name`` and so on."""
        return cls(*(found[f"{rate}@{name}"] for rate in AT_THRESHOLD))


def decision_shares(
    genuine: Weights, matched: Weights, impostor: Weights, false: Weights
) -> Shares:
    """Accuracy, precision, recall, F1, FMR and FNMR, each (r,).

    Args:
        genuine, impostor: (r,) total weight of the genuine and of the impostor comparisons.
        matched, false: (r,) weight of those of each that were called the same person.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": (matched + impostor - false) / (genuine + impostor),
            "precision": matched / (matched + false),
            "recall": matched / genuine,
            "f1": 2 * matched / (genuine + matched + false),
            "fmr": false / impostor,
            "fnmr": (genuine - matched) / genuine,
        }


def ranking_shares(genuine: Weights, impostor: Weights) -> Shares:
    """AUC, EER and TAR@FAR, each (r,), from weights at k ascending similarities.

    AUC counts a tie as a half. The curve of (FMR, FNMR) has one point for each similarity taken
    as threshold and one above them all; EER is where the straight lines between its points cross
    FMR = FNMR. TAR@FAR x is the best true-accept rate at a point whose FMR is at most x: nothing
    is interpolated, so it can be had with a real threshold.

    Args:
        genuine, impostor: (k, r) weights; row i holds the comparisons at the i-th similarity.
    """
    genuine_until, impostor_until = np.cumsum(genuine, axis=0), np.cumsum(impostor, axis=0)
    all_genuine, all_impostor = genuine_until[-1], impostor_until[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        inverted = genuine * (impostor_until - impostor / 2)
        auc = inverted.sum(axis=0) / (all_genuine * all_impostor)
        fnmr = np.vstack([genuine_until - genuine, all_genuine]) / all_genuine
        false = np.vstack([all_impostor - impostor_until + impostor, np.zeros_like(all_impostor)])
        fmr = false / all_impostor
    shares = {"auc": auc, "eer": _crossing(fmr, fnmr)}
    for name, far in FARS.items():
        # Sums of float weights: a hair of slack keeps 30 of 3,000 at or below 1e-2.
        first = np.argmax(fmr <= far * (1 + 1e-9), axis=0)
        shares[name] = 1 - np.take_along_axis(fnmr, first[np.newaxis], axis=0)[0]
        shares[name][np.isnan(auc)] = np.nan
    return shares


def _crossing(fmr: Weights, fnmr: Weights) -> NDArray[np.float64]:
    """Where FMR = FNMR on the lines between the points; both (points, r), NaN for one class."""
    after = np.maximum(np.argmax(fnmr >= fmr, axis=0), 1)[np.newaxis]
    before = after - 1
    gap = fmr - fnmr
    here, there = (np.take_along_axis(gap, i, axis=0)[0] for i in (before, after))
    start, stop = (np.take_along_axis(fmr, i, axis=0)[0] for i in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(start + (stop - start) * here / (here - there))


def calibration_shares(
    genuine: Weights, impostor: Weights, probability: NDArray[np.float64]
) -> Shares:
    """Brier score and expected calibration error, each (r,), at prior 0.5.

    Each class weighs one half whatever the pairs hold, since that is the prior of the
    probabilities. ECE (Naeini et al., 2015) has 15 equal-width bins on P(same).

    Args:
        genuine, impostor: (k, r) weights.
        probability: (k,) P(same) at prior 0.5.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        genuine_share = genuine / (2 * genuine.sum(axis=0))
        impostor_share = impostor / (2 * impostor.sum(axis=0))
    brier = (1 - probability) ** 2 @ genuine_share + probability**2 @ impostor_share
    in_bin = np.zeros((ECE_BINS, len(probability)))
    in_bin[probability_bin(probability), np.arange(len(probability))] = 1
    excess = (in_bin * probability) @ impostor_share - (in_bin * (1 - probability)) @ genuine_share
    return {"brier": brier, "ece": np.abs(excess).sum(axis=0)}


def probability_bin(probability: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each P(same), of 15 equal widths; 1 belongs to the last."""
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)
