"""Finding people by their faces: nearest photos, recall@k and N-way one-shot tasks.

A photo without a face (a row of NaN) finds nothing and is found by nobody: where it was asked for,
that is an error, as it is in the verification figures. Intervals resample the people searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.figures import Estimate
from visavis.evaluation.intervals import PeopleWeights, Support, estimates
from visavis.evaluation.rates import Shares
from visavis.models.model import Model

BLOCK = 4_000_000  # similarities held at a time: 16 MB
NOBODY = -1

Compare = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float32]]
"""(q, ...) and (n, ...) photos to (q, n) similarities."""


def nearest(
    model: Model,
    embeddings: NDArray[np.float32],
    k: int = 5,
    asked: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The most similar other photos of each photo asked for.

    Args:
        model: compares.
        embeddings: (n, d) float32; NaN where no face was found.
        k: how many, at least 1.
        asked: (q,) int64, rows to search for among all others; all rows by default.

    Returns:
        (q, k) int64 rows, most similar first, of equals the lower row first; ``NOBODY`` where there
        are too few others, and throughout for a photo without a face.
    """
    seen = np.asarray(np.isfinite(embeddings).all(axis=1))
    return nearest_by(model.similarity_matrix, embeddings, seen, k, asked)


def nearest_by(
    compare: Compare,
    photos: NDArray[Any],
    seen: NDArray[np.bool_],
    k: int = 5,
    asked: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """What ``nearest`` finds, by any comparison.

    Args:
        compare: of photos as they stand in ``photos``.
        photos: (n, ...) embeddings, or pixels.
        seen: (n,) bool, which of them show a face.
        k, asked: see ``nearest``.
    """
    rows = np.arange(len(photos)) if asked is None else asked
    found = np.full((len(rows), k), NOBODY, dtype=np.int64)
    present = np.flatnonzero(seen)
    place_of = np.cumsum(seen) - 1  # of each row in the gallery
    gallery = photos[present]
    searching = np.flatnonzero(seen[rows])
    step = max(1, BLOCK // max(1, len(present)))
    for start in range(0, len(searching), step):
        queries = searching[start : start + step]
        own = place_of[rows[queries]]
        similarity = compare(gallery[own], gallery).copy()
        here = np.arange(len(queries))
        similarity[here, own] = -np.inf
        for place in range(min(k, len(present) - 1)):
            # k is small: k passes cost less than a sort, and leave ties in the order of the rows.
            best = similarity.argmax(axis=1)
            found[queries, place] = present[best]
            similarity[here, best] = -np.inf
    return found


def recall_at(
    model: Model,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    ks: Sequence[int] = (1, 5, 10),
    asked: NDArray[np.int64] | None = None,
) -> dict[int, Estimate]:
    """How often the right person is among the k nearest photos.

    Of the photos asked for, those of a person with at least two are searched for among all others.

    Args:
        model: compares.
        embeddings: (n, d) float32; NaN where no face was found.
        people: (n,) int64, who is on each photo.
        ks: sizes of the list looked at.
        asked: (q,) int64, rows to search for; all by default.

    Returns:
        For each k the share of photos, with its interval.
    """
    rows = of_people_with(2, people, asked)
    right = right_person(nearest(model, embeddings, max(ks), rows), people, rows)
    hits = {f"recall@{k}": np.asarray(right[:, :k].any(axis=1)) for k in ks}
    shares = _shares(hits, people[rows], "n/a, nobody has two photos")
    return {k: shares[f"recall@{k}"] for k in ks}


def all_right(
    found: NDArray[np.int64], people: NDArray[np.int64], asked: NDArray[np.int64]
) -> Estimate:
    """How often all of the k nearest photos show the right person.

    Args:
        found: (q, k) rows from ``nearest``.
        people: (n,) int64, who is on each photo.
        asked: (q,) int64, the rows searched for, of people with at least k + 1 photos.

    Returns:
        The share of the q photos, with its interval.
    """
    k = found.shape[1]
    hits = np.asarray(right_person(found, people, asked).all(axis=1))
    nothing = f"n/a, nobody has {k + 1} photos"
    return _shares({"share": hits}, people[asked], nothing)["share"]


def right_person(
    found: NDArray[np.int64], people: NDArray[np.int64], asked: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(q, k) bool, which of the photos found show the person searched for."""
    return np.asarray((people[found] == people[asked][:, np.newaxis]) & (found != NOBODY))


def of_people_with(
    photos: int, people: NDArray[np.int64], asked: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The rows asked for, all by default, of people with at least so many photos."""
    rows = np.arange(len(people)) if asked is None else asked
    enough = np.bincount(people, minlength=1) >= photos
    return rows[enough[people[rows]]]


def one_shot(
    model: Model,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    ways: int = 20,
    *,
    trials: int = 400,
    seed: int = 0,
) -> Estimate:
    """Accuracy in N-way one-shot tasks (Koch, Zemel and Salakhutdinov, 2015).

    In each task one photo of each of N people is the support set, and the query is another photo
    of one of them: it is right where the photo of the query's person is more similar than every
    other. A tie is no answer, so a network that embeds all photos alike scores 0. The paper sets
    400 tasks of 20 ways; everybody with two photos is asked for equally often.

    Args:
        model: compares.
        embeddings: (n, d) float32; NaN where no face was found.
        people: (n,) int64, who is on each photo.
        ways: N, at least 2; guessing scores 1 / N.
        trials: how many tasks.
        seed: of their draw.
    """
    photos = [np.flatnonzero(people == person) for person in np.unique(people)]
    if len(photos) < ways:
        return Estimate(None, note=f"n/a, needs {ways} people")
    several = np.array([i for i, rows in enumerate(photos) if len(rows) >= 2], dtype=np.int64)
    if not len(several):
        return Estimate(None, note="n/a, nobody has two photos")
    rng = np.random.default_rng(seed)
    asked = np.resize(rng.permutation(several), trials)
    tasks = np.array([_task(photos, int(person), ways, rng) for person in asked])
    query, support = embeddings[tasks[:, :1]], embeddings[tasks[:, 1:]]
    query = np.broadcast_to(query, support.shape)
    seen = np.isfinite(query).all(axis=2) & np.isfinite(support).all(axis=2)
    similarity = np.full(seen.shape, np.nan)
    similarity[seen] = model.similarity(query[seen], support[seen])
    # A stranger without a face cannot win; a query or its match without one cannot be right.
    strangers = np.nan_to_num(similarity[:, 1:], nan=-np.inf).max(axis=1)
    return _shares({"accuracy": similarity[:, 0] > strangers}, asked, "")["accuracy"]


def _task(
    photos: Sequence[NDArray[np.int64]], person: int, ways: int, rng: np.random.Generator
) -> list[int]:
    """Rows of the query, of its match, and of one photo of each of N - 1 others."""
    others = rng.choice(len(photos) - 1, ways - 1, replace=False)
    others += others >= person
    query, match = rng.choice(photos[person], 2, replace=False)
    return [int(query), int(match), *(int(rng.choice(photos[other])) for other in others)]


def _shares(
    hits: Mapping[str, NDArray[np.bool_]], asked: NDArray[np.int64], nothing: str
) -> dict[str, Estimate]:
    """The share of hits, by name, with intervals over the people asked for, (q,) each."""
    if not len(asked):
        return {name: Estimate(None, note=nothing) for name in hits}
    present, person = np.unique(asked, return_inverse=True)
    tasks = np.bincount(person).astype(np.float64)
    right = {name: np.bincount(person, weights=hit) for name, hit in hits.items()}

    def measure(drawn: PeopleWeights) -> Shares:
        return {name: (each @ drawn) / (tasks @ drawn) for name, each in right.items()}

    support = Support(len(present), len(present))
    return estimates(measure, len(present), lambda _: support)
