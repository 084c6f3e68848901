"""How much a server takes on, in all and from each token."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a server takes on; beyond it, a request is refused before it costs anything.

    Attributes:
        body_bytes: of one request.
        body_seconds: for its body to arrive.
        held_bytes: of all bodies that are in memory at once.
        pixels: of one photo, checked before it is decoded.
        held_pixels: of all photos that are decoded at once; a request waits for its share.
        queue: requests that are at work or wait for it.
        requests_per_second: of one token, over time.
        burst: of one token, at once.
    """

    body_bytes: int = 32 * 2**20
    body_seconds: float = 30.0
    held_bytes: int = 256 * 2**20
    pixels: int = 50_000_000
    held_pixels: int = 200_000_000
    queue: int = 64
    requests_per_second: float = 200.0
    burst: int = 400


def limits_of(rate: float, queue: int, body_mib: int, megapixels: int) -> Limits:
    """Limits by those that operators choose; the others are in proportion to them.

    Args:
        rate: requests a second of one token; twice as many may come at once.
        queue: requests that are at work or wait for it.
        body_mib: of one request; eight of that size are held at once.
        megapixels: of one photo; four of that size are decoded at once.
    """
    return Limits(
        body_bytes=body_mib * 2**20,
        held_bytes=8 * body_mib * 2**20,
        pixels=megapixels * 1_000_000,
        held_pixels=4 * megapixels * 1_000_000,
        queue=queue,
        requests_per_second=rate,
        burst=max(1, math.ceil(2 * rate)),
    )


class TokenBuckets:
    """A bucket for each token: it fills at a steady rate, and a request takes one out."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, token: str) -> float:
        """Let a request of a token pass, or not.

        Returns:
            0 where it may pass, else the seconds until the next may.
        """
        now = self._clock()
        with self._lock:
            level, at = self._levels.get(token, (float(self._burst), now))
            level = min(self._burst, level + (now - at) * self._rate)
            passes = level >= 1
            self._levels[token] = (level - passes, now)
        return 0.0 if passes else (1 - level) / self._rate


class PixelBudget:
    """The memory for decoded photos, of which each request takes its share, or waits for it."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Take a share, at most all, once it is free."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()
