"""Faces nobody has named, sorted into people: average-linkage agglomerative clustering.

Two groups are joined while their faces are, on average, at least as alike as the threshold asks
(UPGMA: Sokal and Michener, 1958). Methods that join along chains, as DBSCAN and Chinese whispers
do, let one blurred face bridge two people; an average does not follow it.

The tree is found along chains of nearest neighbours (Murtagh, 1983), which needs the mean
similarities of one group at a time. For a cosine and for Euclidean distance these follow from the
groups' mean embeddings, so that the memory grows with the faces, not with their pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.models.model import Model


@dataclass(frozen=True, eq=False)
class Tree:
    """Who joins whom, and how alike.

    Attributes:
        n: how many faces there are.
        first, second: (m,) int64, a face of either group that is joined.
        similarity: (m,) float64, the mean similarity of the two groups.
    """

    n: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float64]

    def groups(self, threshold: float) -> NDArray[np.int64]:
        """(n,) int64 group of each face where groups this alike on average are joined.

        The largest group is 0; of equals, the one whose first face comes first.

        Args:
            threshold: a mean similarity, at least the floor that the tree was grown to.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        joined = self.similarity >= threshold
        links = (self.first[joined], self.second[joined])
        graph = coo_array((np.ones(len(links[0])), links), shape=(self.n, self.n))
        _, label = connected_components(graph, directed=False)
        _, start, group, size = np.unique(
            label, return_index=True, return_inverse=True, return_counts=True
        )
        rank = np.empty(len(size), dtype=np.int64)
        rank[np.lexsort((start, -size))] = np.arange(len(size))
        return np.asarray(rank[group])


def group_faces(
    model: Model, embeddings: NDArray[np.float32], threshold: float
) -> NDArray[np.int64]:
    """Sort faces into people.

    Args:
        model: compares.
        embeddings: (n, d) float32, one row a face; a row of NaN stays by itself.
        threshold: the mean similarity at or above which two groups are one person. For Euclidean
            distance the mean is the root of the mean squared distance.

    Returns:
        (n,) int64 group of each face, the largest first; see ``Tree.groups``.
    """
    return grow(model, embeddings, threshold).groups(threshold)


def grow(model: Model, embeddings: NDArray[np.float32], floor: float) -> Tree:
    """The tree of all groups that are joined at or above ``floor``.

    10,000 faces take seconds, and a copy of their embeddings. A learned head's means follow from
    no sums: it takes a float32 for each pair of faces.

    Args:
        model: compares.
        embeddings: (n, d) float32; a row of NaN joins nobody.
        floor: the lowest mean similarity of interest: the higher, the quicker.
    """
    seen = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    kind = _HeadGroups if model.card.distance == "head" else _Groups
    groups = kind(model, embeddings[seen])
    joins: list[tuple[int, int, float]] = []
    chain: list[tuple[int, float]] = []  # of groups, each with its similarity to the one before
    while chain or groups.alive.any():
        if not chain:
            chain.append((int(groups.alive.argmax()), -np.inf))
        group, before = chain[-1]
        row = groups.similarity_to(group)
        row[[link for link, _ in chain]] = -np.inf
        nearest = int(row.argmax())
        alike = float(row[nearest])
        if alike > before and alike >= floor:
            chain.append((nearest, alike))
        elif len(chain) > 1:  # two groups that are each other's nearest
            other = chain[-2][0]
            joins.append((other, group, before))
            groups.join(other, group)
            del chain[-2:]
        else:  # nobody is alike enough, and no average of others will be
            groups.alive[group] = False
            chain.pop()
    ends = np.array([join[:2] for join in joins], dtype=np.int64).reshape(-1, 2)
    similarity = np.array([join[2] for join in joins], dtype=np.float64)
    return Tree(len(embeddings), seen[ends[:, 0]], seen[ends[:, 1]], similarity)


class _Groups:
    """Groups of faces by the means of what they are compared by, each in the row of one member.

    Attributes:
        alive: (n,) bool, which rows are still a group that may be joined.
    """

    def __init__(self, model: Model, embeddings: NDArray[np.float32]) -> None:
        self.alive = np.ones(len(embeddings), dtype=np.bool_)
        self._size = np.ones(len(embeddings))
        self._euclidean = model.card.distance == "euclidean"
        self._mean = embeddings.copy()
        self._square = (embeddings**2).sum(axis=1)

    def similarity_to(self, group: int) -> NDArray[np.float32]:
        """(n,) the mean similarity of a group to each other one; -inf where there is none."""
        # Not by @: BLAS wakes every core for each of these small products, and takes 20 times the
        # processor's time for it.
        row: NDArray[np.float32] = np.einsum("nd,d->n", self._mean, self._mean[group])
        if self._euclidean:
            row = -np.sqrt(np.maximum(self._square + self._square[group] - 2 * row, 0))
        row[~self.alive] = -np.inf
        return row

    def join(self, kept: int, gone: int) -> None:
        """Make one group of two, in the row of the first."""
        share = self._size[gone] / (self._size[kept] + self._size[gone])
        for means in (self._mean, self._square):
            means[kept] += np.float32(share) * (means[gone] - means[kept])
        self._size[kept] += self._size[gone]
        self.alive[gone] = False


class _HeadGroups(_Groups):
    """The same for a learned head: every mean similarity is kept."""

    def __init__(self, model: Model, embeddings: NDArray[np.float32]) -> None:
        super().__init__(model, embeddings)
        self._mean = model.similarity_matrix(embeddings, embeddings)

    def similarity_to(self, group: int) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._mean[group].copy()
        row[~self.alive] = -np.inf
        return row

    def join(self, kept: int, gone: int) -> None:
        super().join(kept, gone)
        self._mean[:, kept] = self._mean[kept]
