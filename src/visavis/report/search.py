"""Finding people among the test photos: the figures, and searches to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.evaluation.figures import Estimate
from visavis.evaluation.retrieval import NOBODY, nearest, one_shot, recall_at
from visavis.models.model import Model
from visavis.report.run_file import Run

SEARCHES, NEIGHBOURS = 10, 5
WAYS = (5, 20)


@dataclass(frozen=True)
class Neighbour:
    """A photo found: of whom, how similar, and whether of the person searched for."""

    photo: Path
    person: str
    similarity: float
    right: bool


@dataclass(frozen=True)
class Search:
    """A photo searched for among all others, and the nearest found."""

    photo: Path
    person: str
    found: list[Neighbour]


@dataclass(frozen=True)
class Finding:
    """A figure of finding people: its name, what it means, the estimate."""

    name: str
    meaning: str
    estimate: Estimate


def findings(model: Model, run: Run) -> list[Finding]:
    """Recall among the nearest, and N-way one-shot accuracy, on the test photos."""
    embeddings, people = run.embeddings, run.faces.people
    rows = [
        Finding(f"Recall@{k}", _recall_words(k), estimate)
        for k, estimate in recall_at(model, embeddings, people).items()
    ]
    n_people = len(run.faces.names)
    ways = [n for n in WAYS if n <= n_people] or [n for n in (n_people,) if n >= 2]
    for n in ways:
        meaning = (
            f"A photo is matched to the right one of {n} people, each known by one other photo; "
            f"guessing gets {1 / n:.4f}."
        )
        estimate = one_shot(model, embeddings, people, n)
        rows.append(Finding(f"{n}-way one-shot accuracy", meaning, estimate))
    return rows


def _recall_words(k: int) -> str:
    where = "the nearest other photo is" if k == 1 else f"one of the {k} nearest other photos is"
    return f"How often {where} of the same person."


def searches(model: Model, run: Run) -> list[Search]:
    """A few photos with the nearest others, drawn without a look at the outcome."""
    rows = _drawn(run.embeddings, run.faces)
    found = nearest(model, run.embeddings, NEIGHBOURS)
    return [_search(model, run, int(row), found[row]) for row in rows]


def _drawn(embeddings: NDArray[np.float32], faces: FaceSet) -> NDArray[np.int64]:
    """Rows of people with several photos: one of each person, then a second of each, and so on."""
    seen = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    people = faces.people[seen]
    rng = np.random.default_rng(0)
    turn = rng.permutation(len(faces.names))[people]
    order = np.argsort(people, kind="stable")
    rank = np.empty(len(seen), dtype=np.int64)
    firsts = np.searchsorted(people[order], people[order], side="left")
    rank[order] = np.arange(len(seen)) - firsts
    several = np.bincount(people, minlength=len(faces.names))[people] >= 2
    ranked = np.lexsort((turn, rank))
    return np.sort(seen[ranked[several[ranked]][:SEARCHES]])


def _search(model: Model, run: Run, row: int, found: NDArray[np.int64]) -> Search:
    faces = run.faces
    rows = found[found != NOBODY]
    query = np.broadcast_to(run.embeddings[row], (len(rows), run.embeddings.shape[1]))
    similarity = model.similarity(query, run.embeddings[rows])
    return Search(
        faces.photos[row],
        faces.names[faces.people[row]],
        [
            Neighbour(
                faces.photos[other],
                faces.names[faces.people[other]],
                float(value),
                bool(faces.people[other] == faces.people[row]),
            )
            for other, value in zip(rows, similarity, strict=True)
        ],
    )
