"""Evaluating a model on a source: fit on some people, report on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.errors import DataError
from visavis.evaluation.embed import EmbeddedPhotos, Progress, embed_rows
from visavis.evaluation.evaluation import Evaluation, OperatingPoint
from visavis.evaluation.fitted import (
    At,
    cross_fit,
    fit,
    fold_of_photos,
    impostor_comparisons,
    of_card,
)
from visavis.evaluation.groups import group_rates, worst_to_best
from visavis.evaluation.reported import AllComparisons, Applied, ListedPairs, Reported
from visavis.models.model import Model
from visavis.models.scores import STANDARD_FMRS, Threshold, check_supported, comparisons_needed

Mode = Literal["listed", "all"]


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
        pairs: ``listed`` reports on the source's pairs; ``all`` on every comparison of its people
            (within each fold, where there are folds). The ``Evaluation`` then has ``scores``
            instead of pairs; its AUC, EER, TAR@FAR, Brier score and ECE are to a bin's width.
        at: the threshold to report at: ``accuracy``, the best on the fitting pairs; a
            false-match rate; or a ``Threshold`` given by the caller.
        by: a tag to report error rates by.
        progress: called with the stage, photos done and photos in all.

    Raises:
        DataError: no pairs, no such tag, or people who are both fitted and reported on.
        ModelError: the card is needed and lacks a calibration or the threshold.
        UnsupportedRateError: the fitting people are too few for the false-match rate.
    """
    started = perf_counter()
    _check(source, pairs, by)
    folds = np.unique(source.pairs.fold)
    crossed = source.fitting is None and len(folds) > 1
    fold_of_photo = np.zeros(len(source.pairs.faces), dtype=np.int64)
    fold_of_pair = np.zeros(len(source.pairs), dtype=np.int64)
    if crossed:
        fold_of_pair = np.searchsorted(folds, source.pairs.fold)
        fold_of_photo = fold_of_photos(replace(source.pairs, fold=fold_of_pair))
    _check_rate(model, source, fold_of_photo if crossed else None, at)
    embedded = embed_rows(model, _needed(source, pairs, fold_of_photo, crossed), progress)
    if source.fitting is not None:
        fitted = [fit(model, embedded, source.fitting)]
    elif crossed:
        numbered = replace(source.pairs, fold=fold_of_pair)
        fitted = cross_fit(model, embedded, numbered, fold_of_photo)
    else:
        fitted = [of_card(model)]
    thresholds = [each.threshold(at) for each in fitted]
    applied = Applied(fitted, thresholds, fold_of_pair, fold_of_photo)
    evaluation = _evaluation(model, source, embedded, applied, mode=pairs, by=by)
    return replace(evaluation, seconds=perf_counter() - started)


def _evaluation(
    model: Model,
    source: Source,
    embedded: EmbeddedPhotos,
    applied: Applied,
    *,
    mode: Mode,
    by: str | None,
) -> Evaluation:
    listed = source.pairs if mode == "listed" else source.pairs.select(_NO_PAIRS, source.pairs.name)
    applied_listed = applied if mode == "listed" else replace(applied, fold_of_pair=_NO_PAIRS)
    scored = ListedPairs(listed, embedded.similarity(model, listed), applied_listed)
    reported: Reported = scored
    if mode == "all":
        reported = AllComparisons.of(model, embedded, source.pairs, applied)
    values = [each.value for each in applied.threshold]
    folds = range(len(applied.fitted)) if len(applied.fitted) > 1 else range(0)
    by_fold = [reported.fold(fold).figures() for fold in folds]
    groups = group_rates(reported, by, source.pairs.faces.tags[by], values) if by else []
    return Evaluation(
        model=model.name,
        fingerprint=model.card.fingerprint,
        protocol=_words(source, mode),
        pairs=listed,
        similarity=scored.similarity,
        probability=scored.probability,
        threshold=scored.threshold,
        figures=reported.figures(),
        folds=by_fold,
        fold_accuracy=_mean_accuracy([each.accuracy.value or 0.0 for each in by_fold]),
        missed=embedded.missed,
        unreadable=embedded.unreadable,
        operating=_operating(reported, applied),
        halfway=_halfway(reported, applied),
        groups=groups,
        worst_to_best=worst_to_best(groups) if by else {},
        scores=reported.scores(f"all comparisons of {source.pairs.name}")
        if isinstance(reported, AllComparisons)
        else None,
    )


_NO_PAIRS = np.empty(0, dtype=np.int64)


def _check(source: Source, mode: Mode, by: str | None) -> None:
    reported = source.pairs
    if mode == "listed":
        reported.assert_both_classes()
    if by is not None and by not in reported.faces.tags:
        known = ", ".join(sorted(reported.faces.tags)) or "none; give a CSV of tags"
        raise DataError(f"{reported.name} has no tag {by!r}; its tags: {known}")
    if source.fitting is not None:
        both = set(source.fitting.faces.names) & set(reported.faces.names)
        if both:
            raise DataError(
                f"{source.name}: {min(both)} is among both the people fitted on and those "
                "reported on; keep them apart"
            )


def _check_rate(
    model: Model, source: Source, fold_of_photo: NDArray[np.int64] | None, at: At
) -> None:
    """Refuse a rate that cannot be supported before minutes of embedding, not after."""
    if source.fitting is None and fold_of_photo is None:
        of_card(model).threshold(at)
        return
    if isinstance(at, Threshold) or at == "accuracy":
        return
    if source.fitting is not None:
        check_supported(float(at), impostor_comparisons(source.fitting.faces))
    elif fold_of_photo is not None:
        faces = source.pairs.faces
        for fold in range(int(fold_of_photo.max()) + 1):
            others = (fold_of_photo >= 0) & (fold_of_photo != fold)
            check_supported(float(at), impostor_comparisons(faces.select(others)))


def _needed(
    source: Source, mode: Mode, fold_of_photo: NDArray[np.int64], crossed: bool
) -> Iterator[tuple[FaceSet, NDArray[np.int64]]]:
    pairs: PairSet = source.pairs
    if mode == "all" or crossed:
        yield pairs.faces, np.flatnonzero(fold_of_photo >= 0)
    else:
        yield pairs.faces, np.unique(np.concatenate([pairs.first, pairs.second]))
    if source.fitting is not None:
        yield source.fitting.faces, np.arange(len(source.fitting.faces))


def _operating(reported: Reported, applied: Applied) -> list[OperatingPoint]:
    """The standard rates that the fitting people support, measured on what is reported."""
    scores = [each.scores for each in applied.fitted]
    fewest = min(sum(each.impostor) for each in scores)
    rates = [fmr for fmr in STANDARD_FMRS if fewest >= comparisons_needed(fmr)]
    if not rates:
        return []
    thresholds = {fmr: [each.threshold(fmr) for each in scores] for fmr in rates}
    measured = reported.rates(
        {f"{fmr:g}": [each.value for each in per_fold] for fmr, per_fold in thresholds.items()}
    )
    return [
        OperatingPoint(
            _pooled(per_fold, applied.words["calibration_fitted_on"]), *measured[f"{fmr:g}"]
        )
        for fmr, per_fold in thresholds.items()
    ]


def _halfway(reported: Reported, applied: Applied) -> OperatingPoint | None:
    """The half-way thresholds of the fitting pairs, measured on what is reported."""
    per_fold = [each.halfway for each in applied.fitted if each.halfway is not None]
    if len(per_fold) < len(applied.fitted):
        return None
    measured = reported.rates({"halfway": [each.value for each in per_fold]})["halfway"]
    threshold = _pooled(per_fold, applied.words["calibration_fitted_on"])
    return OperatingPoint(threshold, *measured)


def _pooled(thresholds: list[Threshold], fitted_on: str) -> Threshold:
    """One threshold as it is, of several the mean: then without an interval."""
    if len(thresholds) == 1:
        return thresholds[0]
    return Threshold(
        value=float(np.mean([each.value for each in thresholds])),
        fmr=thresholds[0].fmr,
        fitted_on=fitted_on,
        comparisons=min(each.comparisons for each in thresholds),
    )


def _mean_accuracy(accuracy: list[float]) -> tuple[float, float] | None:
    """Mean over folds and its standard error, as LFW's View 2 reports them."""
    if not accuracy:
        return None
    return float(np.mean(accuracy)), float(np.std(accuracy, ddof=1) / np.sqrt(len(accuracy)))


def _words(source: Source, mode: Mode) -> str:
    words = source.protocol
    if source.lfw_category:
        words += f"; LFW category: {source.lfw_category}"
    return words if mode == "listed" else words + "; all comparisons"
