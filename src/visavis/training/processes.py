"""Several processes that train in step: who starts them, who speaks, how they end together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytorch_lightning as lightning
from pytorch_lightning.utilities import rank_zero_only
from torch import distributed

from visavis.errors import DataError

LOST = ("gloo", "Connection closed by peer", "Connection reset by peer", "NCCL")
ENDED = "another process of the run ended; see what it said, and go on with --resume"


class DivergedError(DataError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Resources:
    """What a run may use; nothing here changes what is trained.

    Attributes:
        devices, nodes: GPUs or processes of each machine, and machines; more than one process
            train in step (DDP). Under ``torchrun`` its own numbers count.
        threads: CPU threads for cropping and embedding.
        budget: seconds after which the run ends with the best epoch so far; ``None`` for no end.

    Raises:
        DataError: a budget of nothing.
    """

    devices: int = 1
    nodes: int = 1
    threads: int | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.budget is not None and self.budget <= 0:
            raise DataError(f"a budget of {self.budget:g} s trains nothing; give it more")

    @property
    def processes(self) -> int:
        """Of all machines."""
        return self.devices * self.nodes


ALONE = Resources()


def started(resources: Resources) -> Resources:
    """The resources with as many processes as there are, or as can be started.

    Raises:
        DataError: other numbers than torchrun's, several machines that nobody started, a second
            run of several processes, or a program that cannot be started again for the others.
    """
    if distributed.is_torchelastic_launched():
        here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        found = replace(resources, devices=here, nodes=everywhere // here)
        if resources.processes > 1 and found != resources:
            raise DataError(
                f"torchrun started {found.nodes} x {here} processes, not {resources.nodes} x "
                f"{resources.devices}; leave devices and nodes to it"
            )
        resources = found
    elif resources.nodes > 1 and "SLURM_NTASKS" not in os.environ:
        raise DataError("several machines are started by torchrun or SLURM; see docs/training.md")
    if resources.processes == 1:
        return resources
    if distributed.is_initialized():
        raise DataError(
            "one program makes one run of several processes, whose others end with it; start the "
            "next run by a program of its own"
        )
    again = Path(sys.argv[0]).is_file() and not hasattr(sys, "ps1")
    if not again and "LOCAL_RANK" not in os.environ:
        raise DataError(
            "several processes are started by running the program again, and this one has no file;"
            " use the command (python -m visavis train), a script or torchrun"
        )
    return resources


def is_first(resources: Resources) -> bool:
    """Whether this process alone writes, measures and prints."""
    return resources.processes == 1 or rank_zero_only.rank == 0  # type: ignore[attr-defined]


@contextmanager
def together(trainer: lightning.Trainer) -> Iterator[None]:
    """Train in it; what ends a run of several processes is told once, by the one it happened to.

    Raises:
        DivergedError: the loss is no longer a number; only in the first process.
        DataError: another process ended; only in the first.
        KeyboardInterrupt: so was the run.
        SystemExit: in another process than the first, which leaves word and exit code to the first.
    """
    try:
        yield
    except SystemExit:  # Lightning's answer to SIGINT and SIGTERM, with the code of another meaning
        raise KeyboardInterrupt from None
    except (FloatingPointError, RuntimeError) as error:
        lost = trainer.world_size > 1 and any(word in str(error) for word in LOST)
        if not lost and not isinstance(error, FloatingPointError):
            raise
        if not trainer.is_global_zero:
            raise SystemExit from None
        raise (DataError(ENDED) if lost else DivergedError(str(error))) from None
