"""A learned pair head: two embeddings in, their similarity out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.runtime import RuntimeName, open_network

BLOCK = 1024
"""Pairs are compared in blocks of this size, or one by one: two static shapes to compile."""


class PairHead:
    """``head.onnx`` as a function. Symmetric in its inputs, which training asserts."""

    def __init__(
        self, path: Path, runtime: RuntimeName = "auto", threads: int | None = None
    ) -> None:
        self._network = open_network(path, runtime, threads, exact=True)

    def compare(
        self, first: NDArray[np.float32], second: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Row by row: (n, d) and (n, d) float32 to (n,) float64; n may be 0."""
        similarities = np.empty(len(first), dtype=np.float64)
        block = 1 if len(first) < 3 else BLOCK
        pair = np.zeros((2, block, first.shape[1]), dtype=np.float32)
        for start in range(0, len(first), block):
            count = min(block, len(first) - start)
            pair[0, :count] = first[start : start + count]
            pair[1, :count] = second[start : start + count]
            output = self._network(pair[0], pair[1])[0].reshape(-1)
            similarities[start : start + count] = output[:count]
        return similarities

    def matrix(
        self, rows: NDArray[np.float32], columns: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Every row against every column: (n, d) and (m, d) float32 to (n, m) float32."""
        similarities = np.empty((len(rows), len(columns)), dtype=np.float32)
        pair = np.zeros((2, BLOCK, rows.shape[1]), dtype=np.float32)
        for start in range(0, len(columns), BLOCK):
            count = min(BLOCK, len(columns) - start)
            pair[1, :count] = columns[start : start + count]  # once for all rows
            for row, filled in zip(rows, similarities, strict=True):
                pair[0, :count] = row
                output = self._network(pair[0], pair[1])[0].reshape(-1)
                filled[start : start + count] = output[:count]
        return similarities
