"""Crops in, embeddings out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import ModelError
from visavis.photos.input_spec import InputSpec
from visavis.runtime import RuntimeName, open_network

BATCH = 8
"""Larger batches gain nothing on CPUs (benchmarks/verify.py)."""
SIZES = (BATCH, 4, 2, 1)
"""Crops are encoded in batches of these sizes: static shapes, each compiled on first use. Two at
once take a quarter less than one after the other, four little less again."""


class Encoder:
    """A model's network as a function from crops to embeddings.

    Picklable by path, so that an engine can send it to its workers; safe to call from threads.
    """

    def __init__(
        self,
        path: Path,
        spec: InputSpec,
        embedding_size: int,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
    ) -> None:
        self._arguments = (path, spec, embedding_size, runtime, threads)
        self._spec = spec
        self._size = embedding_size
        self._network = open_network(path, runtime, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return Encoder, self._arguments

    @property
    def runtime(self) -> str:
        """``openvino`` or ``onnxruntime``."""
        return self._network.runtime

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops, each on its own: what else is in the array changes nothing.

        Args:
            crops: (n, height, width, channels) uint8 as the card's input says; n may be 0.

        Returns:
            (n, d) float32, as the network gives them.

        Raises:
            ModelError: the crops are of another shape or type.
        """
        shape = self._spec.shape
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != shape:
            raise ModelError(
                f"the model takes uint8 crops of shape (n, {', '.join(map(str, shape))}), "
                f"not {crops.dtype} of {crops.shape}"
            )
        embeddings = np.empty((len(crops), self._size), dtype=np.float32)
        start = 0
        while start < len(crops):
            count = self._batch(len(crops) - start)
            embeddings[start : start + count] = self._network(crops[start : start + count])[0]
            start += count
        return embeddings

    def _batch(self, left: int) -> int:
        """How many crops of those that are left to encode together."""
        if self.runtime == "onnxruntime":  # takes any batch
            return min(left, BATCH)
        return next(size for size in SIZES if size <= left)
