"""Calibrating a model on people of the caller's own, for its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visavis.data.faceset import PairSet
from visavis.evaluation.embed import Progress, embed_rows
from visavis.evaluation.fitted import Fitted, fit, impostor_comparisons
from visavis.models.card import Card
from visavis.models.model import Model
from visavis.models.scores import check_supported


@dataclass(frozen=True)
class Calibrated:
    """What ``calibrate`` fits.

    Attributes:
        fitted: for the card.
        missed: photos in which no face was found; unreadable: photos that could not be opened,
            with the reason. Neither takes part.
    """

    fitted: Fitted
    missed: list[Path]
    unreadable: list[tuple[Path, str]]


def calibrate(
    model: Model, pairs: PairSet, fmr: float | None = None, progress: Progress | None = None
) -> Calibrated:
    """Fit what a card needs: calibration, scores over all comparisons, thresholds.

    Args:
        model: to calibrate.
        pairs: listed pairs for calibration, best accuracy and the half-way threshold; all photos
            of ``pairs.faces`` are compared for the scores.
        fmr: a false-match rate that the scores must support.
        progress: called with the stage, photos done and photos in all.

    Raises:
        DataError: genuine or impostor pairs are lacking.
        UnsupportedRateError: too few comparisons for ``fmr``; says how many it needs. Before any
            photo is embedded where the photos are too few, after it where too many have no face.
    """
    pairs.assert_both_classes()
    if fmr is not None:
        check_supported(fmr, impostor_comparisons(pairs.faces))
    embedded = embed_rows(model, [(pairs.faces, np.arange(len(pairs.faces)))], progress)
    fitted = fit(model, embedded, pairs)
    if fmr is not None:
        fitted.scores.threshold(fmr)
    return Calibrated(fitted, embedded.missed, embedded.unreadable)


def calibrated_card(model: Model, fitted: Fitted) -> Card:
    """The model's card with what was fitted.

    It keeps the fingerprint, since the embeddings mean the same, and drops the figures, which were
    measured with the old thresholds.
    """
    return model.card.model_copy(
        update={
            "calibration": fitted.calibration,
            "scores": fitted.scores,
            "one_each": fitted.one_each,
            "best_accuracy": fitted.best,
            "halfway": fitted.halfway,
            "figures": {},
        }
    )
