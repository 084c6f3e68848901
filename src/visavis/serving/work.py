"""Work that takes a core: done by a few threads, waited for by a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from visavis.serving.errors import ApiError
from visavis.serving.limits import Limits

Result = TypeVar("Result")

RETRY_SECONDS = 1


class Workroom:
    """Threads that work, places to wait in, and the memory that bodies may take.

    Its methods belong to the event loop's thread; only the work itself runs elsewhere.
    """

    def __init__(self, threads: int, limits: Limits) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="serve")
        self._limits = limits
        self.waiting = 0
        self.held = 0

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place in the queue.

        Raises:
            ApiError: 503, where all are taken.
        """
        if self.waiting >= self._limits.queue:
            raise busy()
        self.waiting += 1
        place = Place(self, self._limits.held_bytes)
        try:
            yield place
        finally:
            self.waiting -= 1
            self.held -= place.held

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do it on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Finish what runs."""
        self._pool.shutdown()


class Place:
    """One request's share of the memory for bodies."""

    def __init__(self, room: Workroom, most: int) -> None:
        self._room = room
        self._most = most
        self.held = 0

    def hold(self, size: int) -> None:
        """Take bytes of the memory for bodies.

        Raises:
            ApiError: 503, where there are not as many.
        """
        if self._room.held + size > self._most:
            raise busy()
        self.held += size
        self._room.held += size


def busy() -> ApiError:
    """The answer where nothing more is taken on."""
    return ApiError(
        503,
        "busy",
        "the server has more to do than it can; ask again in a moment",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
