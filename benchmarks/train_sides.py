"""The loops that benchmarks/train.py compares, each in a process of its own; they take turns.

Between its turns a process waits on a pipe and uses no CPU.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import wraps
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from visavis.data.faceset import Source
from visavis.training.recipe import Recipe

Epoch = dict[str, float]
"""Seconds of an epoch's parts, ``train`` being what loops are compared by, and ``memory``: the most
bytes that the loop's process had."""


@dataclass(frozen=True)
class Task:
    """What a loop trains: a recipe, its data, and a folder for what it writes."""

    recipe: Recipe
    source: Source
    folder: Path


class Side:
    """A loop in its process.

    It is ready, warmed up by an epoch that is not told of.

    Args:
        loop: a key of ``LOOPS``.
        task: what it trains.
        options: further arguments of the loop.
    """

    def __init__(self, loop: str, task: Task, **options: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # No daemon: a DataLoader has processes of its own.
        self._process = context.Process(target=_serve, args=(theirs, loop, task, options))
        self._process.start()
        theirs.close()
        self._told()

    def epoch(self) -> Epoch:
        """Let it train for one epoch."""
        self._pipe.send("go")
        return self._told()

    def _told(self) -> Epoch:
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            raise SystemExit(f"a loop died: exit code {self._process.exitcode}") from None

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, loop: str, task: Task, options: dict[str, Any]) -> None:
    def turn(done: Epoch) -> None:
        """Tell of an epoch that is done, and wait until the next may begin."""
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
        pipe.send({**done, "memory": most})
        try:
            pipe.recv()
        except EOFError:
            raise SystemExit from None

    LOOPS[loop](task, turn, **options)


Turn = Callable[[Epoch], None]


def visavis(task: Task, turn: Turn, *, kept: bool = True) -> None:
    """``visavis.training.fit`` as it is; only its parts are timed.

    Or, not ``kept``, with memory given back to the system as soon as it is freed.

    A turn ends with an epoch's last step, where the loop tells of its progress. So it holds the
    validation and the checkpoints of the epoch before, which are told apart from ``train``; all
    that the loop does besides, between its epochs too, counts as training.
    """
    from visavis.training import memory
    from visavis.training.checkpoints import SafeCheckpoints
    from visavis.training.fit import fit
    from visavis.training.twin import Twin

    if not kept:
        memory.kept_memory = nullcontext  # type: ignore[assignment]
    clock = {"validate": 0.0, "save_checkpoint": 0.0}
    _clocked(Twin, "validate", clock)
    _clocked(SafeCheckpoints, "save_checkpoint", clock)
    began = 0.0

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal began
        if stage != "training" or done % (total // task.recipe.schedule.epochs):
            return
        taken = time.perf_counter() - began
        turn({"train": taken - sum(clock.values()), **clock})
        clock.update(dict.fromkeys(clock, 0.0))
        began = time.perf_counter()

    with suppress(KeyboardInterrupt):  # as which it takes the end of its process
        fit(task.recipe, task.source, task.folder, progress=progress)


def bare(task: Task, turn: Turn) -> None:
    """Forward, loss, backward and step of the same network, on crops that lie in memory.

    What is freed is kept, as visavis keeps it: the loop's own cost is what is asked.
    """
    from visavis.training.memory import kept_memory

    with kept_memory():
        for taken in _bare_epochs(task):
            turn({"train": taken})


def _bare_epochs(task: Task) -> Iterator[float]:
    import torch

    from visavis.data.crop_store import open_store
    from visavis.nets.input import to_images
    from visavis.training.inputs import make_batches
    from visavis.training.optimiser import build_optimiser
    from visavis.training.parts import build_loss

    parts, material = _built(task)
    faces = material.train.faces
    store = open_store(faces, parts.spec, task.folder)
    batches = make_batches(task.recipe, material.train, store.found)
    loss = build_loss(task.recipe, parts.head, len(faces.names), parts.size)
    network = torch.nn.ModuleList([parts.encoder, parts.head]).train()
    network.to(memory_format=torch.channels_last)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = build_optimiser(task.recipe.optimiser, trained)
    for number in count():
        ready = [
            map(torch.from_numpy, (store.read(b.rows), b.first, b.second, b.same))
            for b in batches.epoch(number)
        ]
        began = time.perf_counter()
        for crops, first, second, same in ready:
            optimiser.zero_grad()
            embeddings = parts.encoder.encode_images(to_images(crops))
            loss(parts.head(embeddings[first], embeddings[second]), same).backward()
            optimiser.step()
        yield time.perf_counter() - began


def plain(task: Task, turn: Turn, workers: int) -> None:
    """The two-tower loop of benchmarks/train_plain.py, with the same network and pairs."""
    from train_plain import train

    parts, material = _built(task)
    recipe = task.recipe
    for taken in train(
        parts.encoder,
        material.train,
        parts.spec,
        batch=recipe.batch.pairs,
        rate=recipe.optimiser.rate,
        workers=workers,
    ):
        turn({"train": taken})


LOOPS: dict[str, Callable[..., None]] = {"visavis": visavis, "bare": bare, "plain": plain}


def _built(task: Task) -> tuple[Any, Any]:
    """Network and material as ``fit`` makes them."""
    from pytorch_lightning import seed_everything

    from visavis.training.material import prepare
    from visavis.training.parts import build_parts

    seed_everything(task.recipe.seed, verbose=False)
    material = prepare(task.source, task.recipe.data, task.recipe.seed)
    return build_parts(task.recipe), material


def _clocked(owner: type, name: str, clock: dict[str, float]) -> None:
    """Add up the seconds that a method takes."""
    method = getattr(owner, name)

    @wraps(method)
    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments, **options)
        finally:
            clock[name] += time.perf_counter() - began

    setattr(owner, name, timed)
