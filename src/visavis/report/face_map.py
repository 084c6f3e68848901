"""Embeddings on a plane, with the photos themselves: who lies near whom."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.report.wording import count, percent

WIDTH, HEIGHT, MARGIN = 1000, 680, 48
SHOWN_PEOPLE, SHOWN_PHOTOS, SHOWN_DOTS = 8, 10, 1500
LETTER, LINE = 9, 20
"""About what a letter of a name is wide, and a name high."""

Plane = NDArray[np.float64]  # (n, 2)


@dataclass(frozen=True)
class Star:
    """One person: photos around their middle.

    Attributes:
        name: whose.
        middle: mean place.
        label: the middle of the name.
        photos: path and place of each.
    """

    name: str
    middle: tuple[float, float]
    label: tuple[float, float]
    photos: list[tuple[Path, float, float]]


@dataclass(frozen=True)
class FaceMap:
    """A map ready to draw, in units of a ``WIDTH`` x ``HEIGHT`` box, y downwards.

    Attributes:
        name, title, caption: as of a ``Plot``.
        stars: the people shown by their photos.
        dots: the places of all others.
    """

    name: str
    title: str
    caption: str
    stars: list[Star]
    dots: list[tuple[float, float]]


def face_maps(embeddings: NDArray[np.float32], faces: FaceSet) -> list[FaceMap]:
    """A map by principal components, and by UMAP (McInnes et al., 2018) where it is installed.

    Args:
        embeddings: (n, d) float32, NaN where no face was found; such photos are left out.
        faces: the n photos.
    """
    seen = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    if len(seen) < 3:
        return []
    shown, values = faces.select(seen), embeddings[seen].astype(np.float64)
    plane, explained = principal_plane(values)
    words = (
        f"The two axes hold {percent(explained)} of the variance of {values.shape[1]} dimensions."
    )
    maps = [_map("map-pca", "The test photos by principal components", words, plane, shown)]
    if importlib.util.find_spec("umap"):
        words = "UMAP keeps neighbours together; distances between groups mean little."
        maps.append(_map("map-umap", "The test photos by UMAP", words, _umap(values), shown))
    return maps


def principal_plane(values: NDArray[np.float64]) -> tuple[Plane, float]:
    """(n, 2) places on the two main axes of (n, d) values, and the share of variance they hold.

    Each axis points to where its largest loading is positive, so that it is the same each time.
    """
    centred = values - values.mean(axis=0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    top = axes[:2]
    top = top * np.sign(np.take_along_axis(top, np.abs(top).argmax(axis=1)[:, np.newaxis], 1))
    plane = np.zeros((len(values), 2))
    plane[:, : len(top)] = centred @ top.T
    total = float((strengths**2).sum())
    return plane, float((strengths[:2] ** 2).sum()) / total if total else 1.0


def _umap(values: NDArray[np.float64]) -> Plane:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on threads and spectral starts: nothing to act on
        umap = importlib.import_module("umap")
        neighbours = min(15, len(values) - 1)
        plane = umap.UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(values)
    return np.asarray(plane, dtype=np.float64)


def _map(name: str, title: str, words: str, plane: Plane, faces: FaceSet) -> FaceMap:
    places = _in_box(plane)
    photos = np.bincount(faces.people)
    people = np.sort(np.argsort(-photos, kind="stable")[:SHOWN_PEOPLE])
    chosen = [_spread(np.flatnonzero(faces.people == person)) for person in people]
    rest = np.setdiff1d(np.arange(len(faces)), np.concatenate(chosen))
    if len(rest) > SHOWN_DOTS:
        rest = rest[np.linspace(0, len(rest) - 1, SHOWN_DOTS).astype(np.int64)]
    names = [faces.names[person] for person in people]
    middles = [_place(places[rows].mean(axis=0)) for rows in chosen]
    photographs = [[(faces.photos[row], *_place(places[row])) for row in rows] for rows in chosen]
    stars = [*map(Star, names, middles, legible(names, middles), photographs)]
    caption = f"n = {count(len(faces), 'photo')} of {count(len(photos), 'person', 'people')}. "
    caption += f"{words} Lines join a person's photos to their middle"
    if len(photos) > len(people):
        caption += (
            f"; shown by photos are the {len(people)} people with the most, the others by dots"
        )
    return FaceMap(name, title, caption + ".", stars, [_place(places[row]) for row in rest])


def legible(
    names: Sequence[str], middles: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Where names are written so that none covers another: a lower one moves down."""
    placed: dict[int, tuple[float, float]] = {}
    for place in sorted(range(len(names)), key=lambda place: middles[place][1]):
        x, y = middles[place]
        for other, (beside, above) in sorted(placed.items(), key=lambda item: item[1][1]):
            apart = LETTER * (len(names[place]) + len(names[other])) / 2
            if abs(x - beside) < apart and abs(y - above) < LINE:
                y = above + LINE
        placed[place] = x, y
    return [placed[place] for place in range(len(names))]


def _spread(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most as many of a person's photos as are shown, evenly over the list."""
    if len(rows) <= SHOWN_PHOTOS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, SHOWN_PHOTOS).round().astype(np.int64)]


def _in_box(plane: Plane) -> Plane:
    """Scaled alike on both axes, as large as the box allows, y downwards."""
    middle = (plane.max(axis=0) + plane.min(axis=0)) / 2
    spans = np.maximum(np.ptp(plane, axis=0), 1e-12)
    scale = min((WIDTH - 2 * MARGIN) / spans[0], (HEIGHT - 2 * MARGIN) / spans[1])
    return np.asarray((plane - middle) * scale * [1, -1] + [WIDTH / 2, HEIGHT / 2])


def _place(at: NDArray[np.float64]) -> tuple[float, float]:
    return round(float(at[0]), 1), round(float(at[1]), 1)
