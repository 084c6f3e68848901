"""Faces of concurrent requests, embedded by one call of the network."""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis.models.encoder import BATCH, Encoder
from visavis.models.model import Model


class _Asked(NamedTuple):
    crops: NDArray[np.uint8]
    embeddings: Future[NDArray[np.float32]]


class BatchingEncoder:
    """An encoder that lets crops wait while it is at work, and then takes them together.

    Nothing waits for a batch to fill: where the network is idle, a crop goes in at once, and the
    longer it is at work, the more have gathered when it is done.

    Args:
        encoder: does the work.
        threads: how many calls of it run at once.
        observe: is told how many crops each call takes.
    """

    def __init__(
        self, encoder: Encoder, threads: int, observe: Callable[[int], None] = lambda _: None
    ) -> None:
        self._encoder = encoder
        self._observe = observe
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name="encode", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def runtime(self) -> str:
        """See ``Encoder``."""
        return self._encoder.runtime

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Encoder.encode``."""
        if not 0 < len(crops) < BATCH:  # a full batch gains nothing by company
            return self._encoder.encode(crops)
        asked = _Asked(crops, Future())
        self._asked.put(asked)
        return asked.embeddings.result()

    def close(self) -> None:
        """Finish what is asked for, and end its threads."""
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            together, size = [first], len(first.crops)
            while size < BATCH:
                try:
                    another = self._asked.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    self._asked.put(None)  # the end is another's
                    break
                together.append(another)
                size += len(another.crops)
            self._encode(together)
            self._observe(size)

    def _encode(self, together: list[_Asked]) -> None:
        try:
            embeddings = self._encoder.encode(np.concatenate([asked.crops for asked in together]))
        except BaseException as error:
            for asked in together:
                asked.embeddings.set_exception(error)
            return
        start = 0
        for asked in together:
            asked.embeddings.set_result(embeddings[start : start + len(asked.crops)])
            start += len(asked.crops)


def batching(model: Model, encoder: BatchingEncoder) -> Model:
    """A twin of a model that embeds by ``encoder``, and walks photos on the caller's thread."""
    twin = copy.copy(model)
    twin.encoder = encoder  # type: ignore[assignment]
    twin.threads = 1
    return twin
