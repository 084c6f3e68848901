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
"""Crops are encoded in batches of this size or one by one: two static shapes, both compiled on
first use. Larger batches gain nothing on CPUs (benchmarks/verify.py)."""


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
            left = len(crops) - start
            # Three or more are cheaper padded to a batch than one by one.
            count, batch = (1, 1) if left < 3 else (min(left, BATCH), BATCH)
            if self.runtime == "onnxruntime":  # takes any batch
                count = batch = min(left, BATCH)
            padded = np.zeros((batch, *shape), dtype=np.uint8)
            padded[:count] = crops[start : start + count]
            embeddings[start : start + count] = self._network(padded)[0][:count]
            start += count
        return embeddings
