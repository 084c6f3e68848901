"""What a network must beat: faces compared by their pixels, and by principal components of them.

The second is the eigenface method (Turk and Pentland, 1991). Both search the crops that the
network sees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from visavis.evaluation.retrieval import nearest_by

MOST_FITTED = 2_000
"""Photos that components are fitted on; of more, so many are drawn."""

_COLUMNS = 256  # photos compared at a time, in float64


def nearest_by_pixels(
    crops: NDArray[np.uint8], seen: NDArray[np.bool_], k: int, asked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The other photos at the smallest Euclidean distance, pixel by pixel.

    Args:
        crops: (n, height, width, channels) uint8.
        seen: (n,) bool, which of them hold a face.
        k: how many.
        asked: (q,) int64, rows to search for among all others.

    Returns:
        (q, k) int64 rows, see ``visavis.evaluation.retrieval.nearest``.
    """
    return nearest_by(_closeness, crops.reshape(len(crops), -1), seen, k, asked)


def nearest_by_components(
    crops: NDArray[np.uint8],
    seen: NDArray[np.bool_],
    k: int,
    asked: NDArray[np.int64],
    *,
    fitted_on: NDArray[np.int64],
    size: int,
) -> NDArray[np.int64]:
    """The other photos at the smallest Euclidean distance of ``size`` principal components.

    Args:
        crops, seen, k, asked: see ``nearest_by_pixels``.
        fitted_on: rows that the components are fitted on; at least one of them is seen.
        size: how many components; no more than such rows, or pixels.
    """
    flat = crops.reshape(len(crops), -1)
    fitting = fitted_on[seen[fitted_on]]
    if len(fitting) > MOST_FITTED:
        fitting = np.random.default_rng(0).choice(fitting, MOST_FITTED, replace=False)
    plane = PCA(min(size, len(fitting), flat.shape[1]), svd_solver="full")
    plane.fit(flat[fitting].astype(np.float32))
    parts = np.array_split(flat, max(1, -(-len(flat) // _COLUMNS)))
    components = np.concatenate([plane.transform(part.astype(np.float32)) for part in parts])
    return nearest_by(_closeness, components, seen, k, asked)


def _closeness(
    rows: NDArray[np.uint8] | NDArray[np.float32], columns: NDArray[np.uint8] | NDArray[np.float32]
) -> NDArray[np.float32]:
    """(q, n) minus the Euclidean distance of (q, d) and (n, d).

    By squares and products, so in float64: squares of ten thousand pixels leave float32 no digit
    for what parts two neighbours.
    """
    found = np.empty((len(rows), len(columns)), dtype=np.float32)
    a = rows.astype(np.float64)
    for start in range(0, len(columns), _COLUMNS):
        b = columns[start : start + _COLUMNS].astype(np.float64)
        squares = (a**2).sum(axis=1)[:, np.newaxis] + (b**2).sum(axis=1)
        found[:, start : start + _COLUMNS] = -np.sqrt(np.maximum(squares - 2 * a @ b.T, 0))
    return found
