"""The scores of a population, with the standard thresholds and their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.all_pairs import Comparisons, compare
from visavis.evaluation.intervals import LEVEL, MIN_PEOPLE, draw_people
from visavis.evaluation.resampling import LevelSums
from visavis.models.model import Model
from visavis.models.scores import STANDARD_FMRS, Scores, comparisons_needed

FEWEST_ONE_EACH = 1000
"""Comparisons: 46 people. All of them are then kept as the scores' tail, enough to continue it."""


def compare_all(
    model: Model, embeddings: NDArray[np.float32], people: NDArray[np.int64], fitted_on: str
) -> Scores:
    """Scores over all comparisons of a population, with the thresholds that it supports.

    Args:
        model: compares.
        embeddings: (n, d) float32; rows of NaN (no face was found) are left out.
        people: (n,) int64.
        fitted_on: the population, in words.
    """
    numbered = np.unique(people, return_inverse=True)[1].reshape(-1)
    return standard_scores(compare(model, embeddings, numbered), fitted_on)


def compare_one_each(
    model: Model,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    fitted_on: str,
    seed: int = 0,
) -> Scores | None:
    """Scores over one photo of each person, drawn by a seed: everybody counts the same.

    A stranger who is searched for is one more person, like any other. Among all comparisons, the
    few people with hundreds of photos decide how alike the most alike strangers are.

    Args:
        model: compares.
        embeddings: (n, d) float32; rows of NaN (no face was found) are left out.
        people: (n,) int64.
        fitted_on: the population, in words.
        seed: of the draw.

    Returns:
        ``None`` where so few people say nothing about rare similarities.
    """
    seen = np.flatnonzero(~np.isnan(embeddings).any(axis=1))
    shuffled = np.random.default_rng(seed).permutation(seen)
    drawn = shuffled[np.unique(people[shuffled], return_index=True)[1]]
    if len(drawn) * (len(drawn) - 1) // 2 < FEWEST_ONE_EACH:
        return None
    return compare(model, embeddings[drawn], np.arange(len(drawn))).scores(fitted_on)


def standard_scores(comparisons: Comparisons, fitted_on: str) -> Scores:
    """The scores with thresholds at the standard rates that the population supports.

    Their intervals are by resampling people, an impostor comparison weighing w_a w_b, to the width
    of a bin; without an interval where there are fewer than 20 people.
    """
    scores = comparisons.scores(fitted_on)
    total = sum(scores.impostor)
    rates = [fmr for fmr in STANDARD_FMRS if total >= comparisons_needed(fmr)]
    thresholds = [scores.threshold(fmr) for fmr in rates]
    if rates and scores.people >= MIN_PEOPLE:
        bounds = _intervals(comparisons, scores.edges, rates)
        thresholds = [
            threshold.model_copy(
                update={"low": min(low, threshold.value), "high": max(high, threshold.value)}
            )
            for threshold, (low, high) in zip(thresholds, bounds, strict=True)
        ]
    return scores.model_copy(update={"standard": thresholds})


def _intervals(
    comparisons: Comparisons, edges: NDArray[np.float64], rates: list[float]
) -> list[tuple[float, float]]:
    """95 % interval of the lowest edge at which the resampled rate is at most each rate."""
    sums = LevelSums(comparisons, edges)
    drawn = draw_people(len(comparisons.photos))
    # The k-th edge from the top is passed by levels above it; the last level is above all edges.
    above = np.cumsum(sums.impostor(drawn)[::-1], axis=0)[-2::-1]
    total = sums.all_impostor(drawn)
    bounds = []
    for fmr in rates:
        passed = np.minimum((above > fmr * total).sum(axis=0), len(edges) - 1)
        low, high = np.quantile(edges[passed], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        bounds.append((float(low), float(high)))
    return bounds
