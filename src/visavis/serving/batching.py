"""Faces of concurrent requests, embedded by one call of the network."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.models.encoder import BATCH, Encoder
from visavis.models.model import Model


class _Asked:
    """Crops of one caller, and what becomes of them.

    Attributes:
        crops: (n, height, width, channels) uint8.
        outcome: their embeddings, or why there are none.
        batch: what this caller is to embed, its own crops first; empty where another does.
        woken: set where there is a batch or an outcome.
    """

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self.crops = crops
        self.outcome: NDArray[np.float32] | Exception | None = None
        self.batch: list[_Asked] = []
        self.woken = threading.Event()


class BatchingEncoder:
    """An encoder that lets crops wait while it is at work, and then takes them together.

    Nothing waits for a batch to fill: where the network is idle, a crop goes in at once, and the
    longer it is at work, the more have gathered when it is done. A caller that finds it idle does
    the work on its own thread, and hands it on to the first that waits.

    Args:
        encoder: does the work.
        calls: how many calls of it run at once.
        observe: is told how many crops each call takes.
    """

    def __init__(
        self, encoder: Encoder, calls: int, observe: Callable[[int], None] = lambda _: None
    ) -> None:
        self._encoder = encoder
        self._observe = observe
        self._idle = calls
        self._lock = threading.Lock()
        self.waiting: deque[_Asked] = deque()

    @property
    def runtime(self) -> str:
        """See ``Encoder``."""
        return self._encoder.runtime

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Encoder.encode``."""
        if not 0 < len(crops) < BATCH:  # a full batch gains nothing by company
            return self._encoder.encode(crops)
        asked = _Asked(crops)
        with self._lock:
            if self._idle:
                self._idle -= 1
                asked.batch = [asked]
            else:
                self.waiting.append(asked)
        if not asked.batch:
            asked.woken.wait()
        if asked.batch:
            self._work(asked.batch)
        if isinstance(asked.outcome, np.ndarray):
            return asked.outcome
        raise asked.outcome or RuntimeError("a batch was lost")

    def _work(self, batch: Sequence[_Asked]) -> None:
        self._encode(batch)
        with self._lock:
            if self.waiting:  # those that have waited longest go on, led by the first of them
                following = self._gathered()
                following[0].batch = following
                following[0].woken.set()
            else:
                self._idle += 1
        for asked in batch[1:]:
            asked.woken.set()
        self._observe(_size(batch))

    def _gathered(self) -> list[_Asked]:
        together = [self.waiting.popleft()]
        while self.waiting and _size(together) + len(self.waiting[0].crops) <= BATCH:
            together.append(self.waiting.popleft())
        return together

    def _encode(self, batch: Sequence[_Asked]) -> None:
        try:
            embeddings = self._encoder.encode(np.concatenate([asked.crops for asked in batch]))
        except Exception as error:
            for asked in batch:
                asked.outcome = error
            return
        start = 0
        for asked in batch:
            asked.outcome = embeddings[start : start + len(asked.crops)]
            start += len(asked.crops)


def _size(together: Sequence[_Asked]) -> int:
    return sum(len(asked.crops) for asked in together)


def batching(model: Model, encoder: BatchingEncoder) -> Model:
    """A twin of a model that embeds by ``encoder``, and walks photos on the caller's thread."""
    twin = copy.copy(model)
    twin.encoder = encoder  # type: ignore[assignment]
    twin.threads = 1
    return twin
