"""``visavis train``: a recipe and data to a model that verifies at once."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import AsJson, DataSpec, Threads
from visavis.errors import DataError, ModelError

if TYPE_CHECKING:
    from visavis.report.run import Run


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe of ours by name, or a TOML file.")],
    data: DataSpec,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The run's folder; runs/NAME by default."),
    ] = None,
    view: Annotated[int | None, typer.Option(min=1, max=2, help="For LFW: 1 or 2.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a killed run.")] = False,
    budget: Annotated[
        str | None, typer.Option(help="End after so long with the best epoch: 90s, 40m, 2h.")
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="Processes or GPUs of this machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines, started by torchrun or SLURM.")] = 1,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train a Siamese network, calibrate it, measure it, and write its model folder and report."""
    try:
        import pytorch_lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        raise ModelError("training needs torch; pip install 'visavis[train]'") from None
    from visavis.data.source import open_source
    from visavis.training.processes import Resources
    from visavis.training.recipe import find_recipe
    from visavis.training.train import train as run

    chosen = find_recipe(recipe)
    resources = Resources(devices, nodes, threads, None if budget is None else seconds(budget))
    with show.progress() as advance:
        done = run(
            chosen,
            open_source(data, view),
            output or Path("runs") / chosen.name,
            resume=resume,
            resources=resources,
            progress=advance,
            command=shlex.join(["visavis", *sys.argv[1:]]),
        )
    if as_json:
        show.print_json({"folder": str(done.folder), **done.evaluation.as_dict()})
    else:
        _show(done)
    for warning in done.warnings:
        show.note(f"warning: {warning}")
    unreadable = (done.card.training or {})["unreadable"] or done.evaluation.unreadable
    raise typer.Exit(SOME_SKIPPED if unreadable else 0)


def seconds(text: str) -> float:
    """A time such as ``90s``, ``40m`` or ``2h``.

    Raises:
        DataError: anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if match is None or not float(match[1]):
        raise DataError(f"{text!r} is no length of time; write 90s, 40m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _show(done: Run) -> None:
    from visavis.cli.evaluate import decisions
    from visavis.evaluation.figures import LABELS

    training = done.card.training or {}
    how = "not trained, only calibrated"
    if done.best_epoch is not None:
        how = (
            f"{training['epochs']} epochs in {training['seconds']:.0f} s, the best "
            f"{done.best_epoch}; stopped by {training['stopped']}"
        )
    show.say(f"{done.name}: {how}")
    show.say(f"  on {done.evaluation.protocol}")
    rows = [(LABELS[name], str(value)) for name, value in done.evaluation.figures.estimates()]
    show.table(("figure", "value [95 % interval]"), rows)
    show.say(f"  {decisions(done.evaluation)}")
    searched = done.evaluation.searched
    if searched:
        show.table(
            ("finding", "right", "share [95 % interval]"),
            [(row.name, row.counted, str(row.estimate)) for row in searched.findings],
            title=f"each test photo searched for among {len(searched.faces):,} photos",
        )
    show.say(f"  model   {done.folder / 'model'}")
    show.say(f"  report  {done.folder / 'report.html'}")
