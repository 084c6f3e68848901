"""The faces nearest to one, among all of them: exactly, or by a compressed scan that is rescored.

The scan is product quantisation with 16 centroids for every two numbers of an embedding (Jégou
et al., 2011), compared by table look-ups within a processor's registers (André et al., 2015; FAISS
calls it fast scan): a sixteenth of the memory, and tens of times faster than the exact product. The
faces it finds are compared in float32; ``benchmarks/gallery.py`` measures how often the ten nearest
are then the right ones.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMPRESSED_FROM = 200_000
"""Faces; fewer are compared exactly in a few milliseconds."""
SEARCHES_FIRST = 30
"""Exact searches before the scan is made: it takes seconds, which a single search never gains."""
RESCORED = 1024
"""Faces that the scan finds for the exact comparison, at least."""
TRAINED_ON = 10_000
ITERATIONS = 8


class FaceScan:
    """Embeddings that are searched one at a time; safe to use from several threads."""

    def __init__(self, vectors: NDArray[np.float32], *, by_product: bool) -> None:
        """Take embeddings.

        Args:
            vectors: (n, d) float32.
            by_product: whether larger inner products are more alike; else smaller distances.
        """
        self._vectors = vectors
        self._by_product = by_product
        self._searches = 0
        self._compressed: Any = None
        self._making: threading.Thread | None = None

    def nearest(self, embedding: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """(min(count, n),) rows of the faces most like an embedding, the most alike first."""
        count = min(count, len(self._vectors))
        wanted = max(RESCORED, 4 * count)
        if self._compressed is None:
            self._count_search()
        elif 10 * wanted < len(self._vectors):
            _, found = self._compressed.search(embedding[np.newaxis], wanted)
            rows = found[0][found[0] >= 0]
            return np.asarray(rows[self._best(self._vectors[rows], embedding, count)])
        return self._best(self._vectors, embedding, count)

    def _best(
        self, vectors: NDArray[np.float32], embedding: NDArray[np.float32], count: int
    ) -> NDArray[np.int64]:
        """The exact answer. numpy's product is faster here than FAISS's for a single search."""
        if self._by_product:
            distance = -(vectors @ embedding)
        else:
            distance = np.square(vectors - embedding).sum(axis=1)
        nearest = np.arange(len(distance))
        if count < len(distance):
            nearest = np.argpartition(distance, count)[:count]
        return np.asarray(nearest[np.argsort(distance[nearest], kind="stable")], dtype=np.int64)

    def _count_search(self) -> None:
        """Begin to make the scan, beside the searches, once there are many."""
        size = self._vectors.shape[1]
        if len(self._vectors) < COMPRESSED_FROM or size % 2:
            return
        self._searches += 1
        if self._searches > SEARCHES_FIRST and self._making is None:
            self._making = threading.Thread(target=self._compress, name="scan", daemon=True)
            self._making.start()

    def _compress(self) -> None:
        import faiss

        size = self._vectors.shape[1]
        metric = faiss.METRIC_INNER_PRODUCT if self._by_product else faiss.METRIC_L2
        scan = faiss.IndexPQFastScan(size, size // 2, 4, metric)
        scan.pq.cp.niter = ITERATIONS
        step = max(1, len(self._vectors) // TRAINED_ON)
        scan.train(np.ascontiguousarray(self._vectors[::step]))
        scan.add(self._vectors)
        self._compressed = scan
