"""Evaluations that tests draw by themselves: similarities from two bells, photos as you like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from visavis.data.faceset import FaceSet, PairSet
from visavis.evaluation.evaluation import Evaluation, GroupRates, OperatingPoint
from visavis.evaluation.figures import Estimate, Figures
from visavis.models.calibration import Calibration
from visavis.models.card import Card
from visavis.models.scores import Scores, Threshold
from visavis.photos.input_spec import InputSpec

CALIBRATION = Calibration(
    slope=33.5, intercept=-10.9, prior=0.5, fitted_on="LFW View 1 devTrain pairs", pairs=2200
)

HALFWAY = Threshold(value=0.345, fitted_on="LFW View 1 devTrain pairs", comparisons=2200)


def draw_pairs(
    photos: Sequence[Path], names: Sequence[str], same: int, different: int, folds: int = 1
) -> PairSet:
    """Pairs over ``photos``, of which two in a row show one person."""
    people = np.arange(len(photos)) // 2
    rng = np.random.default_rng(7)
    one = rng.integers(0, people[-1] + 1, same)
    other = rng.integers(0, people[-1] + 1, different)
    stranger = (other + rng.integers(1, people[-1] + 1, different)) % (people[-1] + 1)
    faces = FaceSet("drawn", tuple(photos), people.astype(np.int64), tuple(names))
    first = np.concatenate([2 * one, 2 * other])
    second = np.concatenate([2 * one + 1, 2 * stranger])
    kind = np.arange(same + different) < same
    fold = np.arange(same + different) % folds
    return PairSet("drawn pairs", faces, first, second, kind, fold)


def draw_evaluation(pairs: PairSet, *, folds: int = 0, missed: int = 1) -> Evaluation:
    """An evaluation of ``pairs`` with every part filled in."""
    rng = np.random.default_rng(3)
    similarity = np.where(
        pairs.same, rng.normal(0.66, 0.13, len(pairs)), rng.normal(0.03, 0.1, len(pairs))
    )
    if missed:
        similarity[:missed] = np.nan
    threshold = np.full(len(pairs), 0.2836)
    if folds:
        threshold = 0.28 + 0.002 * pairs.fold.astype(np.float64)
    figures = draw_figures(pairs, similarity, threshold)
    points = [Threshold(value=0.2 + 0.06 * k, low=0.19 + 0.06 * k, high=0.22 + 0.06 * k,
                        fmr=10.0**-k, fitted_on="LFW View 1 devTrain", comparisons=45_000_000)
              for k in (2, 3, 4, 5, 6)]  # fmt: skip
    return Evaluation(
        model="sface",
        fingerprint="5f1d" * 16,
        protocol="LFW View 1: fitted on devTrain, reported on devTest (drawn)",
        pairs=pairs,
        similarity=similarity,
        probability=CALIBRATION.probability(similarity),
        threshold=threshold,
        figures=figures,
        folds=[_fold(pairs, similarity, threshold, number) for number in range(folds)],
        fold_accuracy=(0.9926, 0.0012) if folds else None,
        missed=[pairs.faces.photos[int(pairs.first[0])]] if missed else [],
        unreadable=[],
        operating=[_operating(pairs, similarity, point) for point in points],
        halfway=_operating(pairs, similarity, HALFWAY),
        groups=[
            _group("female", 0.012, 0.0009),
            _group("male", 0.006, 0.0),
            GroupRates(
                "gender", "unknown", Estimate(None, note="n/a, no impostor pair"),
                Estimate(0.05, note="fewer than 20 people"), 20, 0, 4,
            ),
        ],
        worst_to_best={"fnmr": 8.3, "fmr": None},
    )  # fmt: skip


def _share(hits: int, total: int) -> Estimate:
    if not total:
        return Estimate(None, note="n/a, no pair")
    share = hits / total
    spread = 1.96 * np.sqrt((share * (1 - share) + 1 / total) / total)
    return Estimate(share, max(0.0, share - spread), min(1.0, share + spread))


def draw_figures(
    pairs: PairSet, similarity: np.ndarray, threshold: np.ndarray, *, loss: bool = False
) -> Figures:
    decided = np.where(np.isnan(similarity), ~pairs.same, similarity >= threshold)
    genuine, impostor = int(pairs.same.sum()), int((~pairs.same).sum())
    found, accepted = int((decided & pairs.same).sum()), int((decided & ~pairs.same).sum())
    return Figures(
        accuracy=_share(int((decided == pairs.same).sum()), len(pairs)),
        precision=_share(found, found + accepted),
        recall=_share(found, genuine),
        f1=_share(2 * found, found + accepted + genuine),
        fmr=_share(accepted, impostor),
        fnmr=_share(genuine - found, genuine),
        auc=Estimate(0.9971, 0.9949, 0.9988),
        eer=Estimate(0.0078, 0.0041, 0.0123),
        tar_at_far_1e2=Estimate(0.993, 0.988, 0.997),
        tar_at_far_1e3=Estimate(None, note="n/a, needs 30,000 comparisons"),
        brier=Estimate(0.0072, 0.0049, 0.0098),
        ece=Estimate(0.0069, 0.0044, 0.0113),
        n_genuine=genuine,
        n_impostor=impostor,
        n_people=len(pairs.faces.names),
        n_missed=int(np.isnan(similarity).sum()),
        threshold=float(threshold.mean()),
        threshold_fitted_on="all comparisons of LFW View 1 devTrain",
        calibration_fitted_on="LFW View 1 devTrain pairs",
        loss=Estimate(0.0213, 0.02, 0.023) if loss else None,
    )


def _fold(pairs: PairSet, similarity: np.ndarray, threshold: np.ndarray, fold: int) -> Figures:
    rows = pairs.fold == fold
    return draw_figures(pairs.select(rows, f"fold {fold}"), similarity[rows], threshold[rows])


def _operating(pairs: PairSet, similarity: np.ndarray, point: Threshold) -> OperatingPoint:
    figures = draw_figures(pairs, similarity, np.full(len(pairs), point.value))
    return OperatingPoint(point, figures.fmr, figures.fnmr, figures.accuracy)


def _group(name: str, fnmr: float, fmr: float) -> GroupRates:
    return GroupRates(
        "gender",
        name,
        Estimate(fmr, max(0, fmr - 0.001), fmr + 0.002),
        Estimate(fnmr, max(0, fnmr - 0.004), fnmr + 0.005),
        500,
        480,
        210,
    )


def draw_scores() -> Scores:
    """Histograms of a made-up population of 45 million impostor comparisons."""
    edges = np.linspace(-1, 1, 2001)
    middle = (edges[1:] + edges[:-1]) / 2

    def bell(mean: float, spread: float, total: int) -> list[int]:
        density = np.exp(-0.5 * ((middle - mean) / spread) ** 2)
        return [int(count) for count in np.round(density / density.sum() * total)]

    impostor = bell(0.03, 0.08, 45_000_000)
    scores = Scores(
        fitted_on="all comparisons of LFW View 1 devTrain",
        people=4038, photos=9525, low=-1, high=1,
        genuine=bell(0.66, 0.13, 160_000), impostor=impostor, tail=[],
    )  # fmt: skip
    standard = [scores.threshold(rate) for rate in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)]
    widened = [
        point.model_copy(update={"low": point.value - 0.01, "high": point.value + 0.012})
        for point in standard
    ]
    return scores.model_copy(update={"standard": widened})


def draw_card(scores: Scores | None = None) -> Card:
    """A card with, or without, scores."""
    return Card(
        name="sface",
        description="SFace (Zhong et al., 2021) behind YuNet.",
        input=InputSpec(width=112, height=112, colour="rgb", template="arcface"),
        embedding_size=128,
        distance="cosine",
        fingerprint="5f1d" * 16,
        detector="ab" * 32,
        licence="Apache-2.0",
        outside_data="MS-Celeb-1M, VGGFace2 and CASIA-WebFace",
        calibration=CALIBRATION,
        scores=scores,
        figures={"LFW View 2": {"accuracy": {"value": 0.9942, "low": 0.992, "high": 0.996,
                                             "note": ""}, "auc": 0.998}},
    )  # fmt: skip


def without_pairs(evaluation: Evaluation) -> Evaluation:
    """As ``--pairs all`` leaves it: histograms over all comparisons, and no pair listed."""
    pairs = evaluation.pairs.select(np.zeros(0, dtype=np.int64), "all")
    nothing = np.empty(0)
    scores = draw_scores()
    figures = replace(
        evaluation.figures, n_genuine=sum(scores.genuine), n_impostor=sum(scores.impostor)
    )
    return replace(
        evaluation, pairs=pairs, similarity=nothing, probability=nothing, threshold=nothing,
        figures=figures, scores=scores,
    )  # fmt: skip
