"""Searching for each test photo among others: whom it finds, and how often it is right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.evaluation.retrieval import (
    NOBODY,
    all_right,
    nearest,
    of_people_with,
    one_shot,
    recall_at,
)
from visavis.evaluation.searched import Finding, Searched
from visavis.models.model import Model

NEIGHBOURS = 5
WAYS = (5, 20)
TASKS = 400


def search(
    model: Model,
    embeddings: NDArray[np.float32],
    faces: FaceSet,
    asked: NDArray[np.int64] | None = None,
    rivals: Mapping[str, NDArray[np.int64]] | None = None,
) -> Searched:
    """Search for photos, each among all others.

    Recall at 1, 5 and 10; how often the five nearest are all right; and N-way one-shot accuracy
    among the photos asked for.

    Args:
        model: compares.
        embeddings: (n, d) float32 of ``faces``; NaN where no face was found.
        faces: n photos.
        asked: (q,) int64, rows to search for; all by default.
        rivals: by name, the (q, 5) rows that something else finds, for the same figure beside.
    """
    rows = np.arange(len(faces)) if asked is None else asked
    found = nearest(model, embeddings, NEIGHBOURS, rows)
    return Searched(
        faces,
        rows,
        found,
        _similarity(model, embeddings, rows, found),
        [
            *_recall(model, embeddings, faces.people, rows),
            *_all_right({"": found, **(rivals or {})}, faces.people, rows),
            *_one_shot(model, embeddings[rows], faces.people[rows]),
        ],
    )


def _similarity(
    model: Model,
    embeddings: NDArray[np.float32],
    asked: NDArray[np.int64],
    found: NDArray[np.int64],
) -> NDArray[np.float64]:
    similarity = np.full(found.shape, np.nan)
    query, place = np.nonzero(found != NOBODY)
    if len(query):
        first, second = embeddings[asked[query]], embeddings[found[query, place]]
        similarity[query, place] = model.similarity(first, second)
    return similarity


def _recall(
    model: Model,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    asked: NDArray[np.int64],
) -> list[Finding]:
    n = len(of_people_with(2, people, asked))
    return [
        Finding(f"Recall@{k}", _recall_words(k), estimate, n)
        for k, estimate in recall_at(model, embeddings, people, asked=asked).items()
    ]


def _recall_words(k: int) -> str:
    where = "the nearest other photo is" if k == 1 else f"one of the {k} nearest other photos is"
    return f"How often {where} of the same person."


def _all_right(
    tables: Mapping[str, NDArray[np.int64]], people: NDArray[np.int64], asked: NDArray[np.int64]
) -> list[Finding]:
    """How often all five are right, of people with so many other photos."""
    able = np.isin(asked, of_people_with(NEIGHBOURS + 1, people, asked))
    return [
        Finding(
            f"All five nearest right{name and ', '}{name}",
            f"The same by Euclidean distance of {name}, for comparison."
            if name
            else "How often the five nearest other photos are all of the same person.",
            all_right(table[able], people, asked[able]),
            int(able.sum()),
        )
        for name, table in tables.items()
    ]


def _one_shot(
    model: Model, embeddings: NDArray[np.float32], people: NDArray[np.int64]
) -> list[Finding]:
    n_people = len(np.unique(people))
    ways = [n for n in WAYS if n <= n_people] or [n for n in (n_people,) if n >= 2]
    return [
        Finding(
            f"{n}-way one-shot accuracy",
            f"A photo is matched to the right one of {n} people, each known by one other photo; "
            f"guessing gets {1 / n:.4f}.",
            one_shot(model, embeddings, people, n, trials=TASKS),
            TASKS,
        )
        for n in ways
    ]
