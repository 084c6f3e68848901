"""Accuracy on LFW's View 1: the threshold is fitted on devTrain and applied to devTest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contestants import CONTESTANTS, Embedding
from teams import Team, Way
from visavis.data.faceset import PairSet
from visavis.data.source import open_source


def view1(lfw: Path, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Each library's accuracy on devTest; a photo in which it finds no face is an error.

    Args:
        lfw: the unpacked folder, with LFW's lists in or beside it.
        names: of the libraries.
    """
    source = open_source(f"lfw:{lfw}", view=1)
    assert source.fitting is not None
    fitting, reported = source.fitting, source.pairs
    paths = sorted(
        {path for pairs in (fitting, reported) for pair in _paths(pairs) for path in pair}
    )
    results = {}
    for name in names:
        embeddings = dict(zip(paths, _embed(name, paths), strict=True))
        fitted = _similarities(name, fitting, embeddings)
        threshold = _best_threshold(fitted, fitting.same)
        tested = _similarities(name, reported, embeddings)
        results[name] = {
            "accuracy": float(_right(tested, reported.same, threshold).mean()),
            "pairs": len(tested),
            "threshold": threshold,
            "fitted_accuracy": float(_right(fitted, fitting.same, threshold).mean()),
            "photos": len(paths),
            "without_face": sum(embedding is None for embedding in embeddings.values()),
        }
    return results


def _embed(name: str, paths: list[str]) -> list[Embedding]:
    """By as many processes as there are cores; each takes every n-th photo."""
    count = len(os.sched_getaffinity(0))
    team = Team(name, Way("a process pool", processes=count))
    _, parts = team.call("embed_central", paths)
    team.stop()
    embeddings: list[Embedding] = [None] * len(paths)
    for number, part in enumerate(parts):
        embeddings[number::count] = part
    return embeddings


def _paths(pairs: PairSet) -> list[tuple[str, str]]:
    photos = [str(path) for path in pairs.faces.photos]
    return [(photos[i], photos[j]) for i, j in zip(pairs.first, pairs.second, strict=True)]


def _similarities(
    name: str, pairs: PairSet, embeddings: dict[str, Embedding]
) -> NDArray[np.float64]:
    """NaN where a photo shows no face."""
    similarity = CONTESTANTS[name].similarity
    found = []
    for one, other in _paths(pairs):
        first, second = embeddings[one], embeddings[other]
        missing = first is None or second is None
        found.append(np.nan if missing else similarity(first, second))
    return np.array(found)


def _right(
    similarities: NDArray[np.float64], same: NDArray[np.bool_], threshold: float
) -> NDArray[np.bool_]:
    return ~np.isnan(similarities) & ((similarities >= threshold) == same)


def _best_threshold(similarities: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The middle of the gap between neighbouring similarities that errs least often."""
    values = np.unique(similarities[~np.isnan(similarities)])
    between = (values[1:] + values[:-1]) / 2
    right = [int(_right(similarities, same, threshold).sum()) for threshold in between]
    return float(between[int(np.argmax(right))])
