"""Searches among the photos to look at: a photo, and the nearest that it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.retrieval import NOBODY
from visavis.evaluation.searched import Searched

SEARCHES = 10


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


def searches(searched: Searched) -> list[Search]:
    """A few photos with the nearest others, drawn without a look at the outcome."""
    return [_search(searched, int(query)) for query in _drawn(searched)]


def _drawn(searched: Searched) -> NDArray[np.int64]:
    """Queries of people with several photos: one of each, then a second of each, and so on."""
    faces = searched.faces
    seen = np.flatnonzero(searched.found[:, 0] != NOBODY)
    people = faces.people[searched.asked[seen]]
    rng = np.random.default_rng(0)
    turn = rng.permutation(len(faces.names))[people]
    order = np.argsort(people, kind="stable")
    rank = np.empty(len(seen), dtype=np.int64)
    firsts = np.searchsorted(people[order], people[order], side="left")
    rank[order] = np.arange(len(seen)) - firsts
    several = np.bincount(faces.people, minlength=1)[people] >= 2
    ranked = np.lexsort((turn, rank))
    return np.sort(seen[ranked[several[ranked]][:SEARCHES]])


def _search(searched: Searched, query: int) -> Search:
    faces, row = searched.faces, int(searched.asked[query])
    person = faces.names[faces.people[row]]
    return Search(
        faces.photos[row],
        person,
        [
            Neighbour(
                faces.photos[other],
                faces.names[faces.people[other]],
                float(value),
                bool(faces.people[other] == faces.people[row]),
            )
            for other, value in zip(searched.found[query], searched.similarity[query], strict=True)
            if other != NOBODY
        ],
    )
