"""Evaluating a model on a source: fit on some people, report on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.errors import DataError
from visavis.evaluation.all_figures import Part, all_figures, all_rates
from visavis.evaluation.all_pairs import Comparisons, compare, similarity_range
from visavis.evaluation.embed import EmbeddedPhotos, Progress, embed_rows
from visavis.evaluation.evaluation import Evaluation, OperatingPoint
from visavis.evaluation.figures import Estimate, Figures
from visavis.evaluation.fitted import At, Fitted, cross_fit, fit, fold_of_photos, of_card
from visavis.evaluation.groups import groups_of, worst_to_best
from visavis.evaluation.listed import listed_figures, listed_rates
from visavis.models.model import Model
from visavis.models.scores import STANDARD_FMRS, Threshold, check_supported

Mode = Literal["listed", "all"]
Rates = dict[str, tuple[Estimate, Estimate]]


def evaluate(
    model: Model,
    source: Source,
    *,
    pairs: Mode = "listed",
    at: At = "accuracy",
    by: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a model on the pairs of a source.

    Threshold and calibration are fitted on ``source.fitting``; without it, where the pairs have
    folds, for each fold on the others; without either they are the model card's. Thresholds at
    false-match rates come from all comparisons of the fitting people.

    Args:
        model: to evaluate.
        source: from ``visavis.data.source.open_source``.
        pairs: ``listed`` reports on the source's pairs, ``all`` on every comparison of its
            people (within each fold, where there are folds): the ``Evaluation`` then has no
            pairs but ``scores``, and its probabilities are those of bins.
        at: the threshold to report at: ``accuracy``, the best on the fitting pairs; a
            false-match rate; or a ``Threshold`` given by the caller.
        by: a tag to report error rates by.
        progress: called with photos done and photos in all.

    Raises:
        DataError: no pairs, no such tag, or fitting people who are also reported.
        ModelError: the card is needed and lacks calibration or threshold.
        UnsupportedRateError: the fitting people are too few for the false-match rate.
    """
    started = perf_counter()
    plan = _Plan.of(model, source, pairs)
    plan.check(at, by)
    embedded = embed_rows(model, plan.needed(by), progress)
    reported = source.pairs
    fitted = plan.fitted(embedded)
    thresholds = {fold: each.threshold(at) for fold, each in fitted.items()}
    report = _AllReport if pairs == "all" else _ListedReport
    run = report(model, reported, embedded, fitted, thresholds, plan.fold_of)
    figures, folds = run.figures()
    groups = run.groups(by) if by else []
    return Evaluation(
        model=model.name,
        fingerprint=model.card.fingerprint,
        protocol=source.protocol,
        missed=embedded.missed,
        unreadable=embedded.unreadable,
        groups=groups,
        seconds=perf_counter() - started,
    )
