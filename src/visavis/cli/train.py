"""``visavis train``: a recipe and data to a model that verifies at once."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import (
    AsJson,
    Budget,
    DataSpec,
    Devices,
    LfwView,
    Nodes,
    RecipeName,
    Resume,
    RunFolder,
    Threads,
)
from visavis.errors import DataError
from visavis.learning import need_torch

if TYPE_CHECKING:
    from visavis.report.run import Run
    from visavis.training.processes import Resources
    from visavis.training.recipe import Recipe


def train(
    recipe: RecipeName,
    data: DataSpec,
    output: RunFolder = None,
    view: LfwView = None,
    resume: Resume = False,
    budget: Budget = None,
    devices: Devices = 1,
    nodes: Nodes = 1,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train a Siamese network, calibrate it, measure it, and write its model folder and report."""
    need_torch()
    from visavis.training.processes import Resources
    from visavis.training.recipe_files import find_recipe

    chosen = find_recipe(recipe)
    resources = Resources(devices, nodes, threads, None if budget is None else seconds(budget))
    run_recipe(chosen, data, output, view, resume=resume, resources=resources, as_json=as_json)


def run_recipe(
    recipe: Recipe,
    data: str,
    output: Path | None,
    view: int | None,
    *,
    resume: bool,
    resources: Resources,
    as_json: bool,
) -> NoReturn:
    """Train a recipe, print what came of it, and leave with the exit code that tells."""
    from visavis.data.source import open_source
    from visavis.training.train import train as run

    with show.progress() as advance:
        done = run(
            recipe,
            open_source(data, view),
            output or Path("runs") / recipe.name,
            resume=resume,
            resources=resources,
            progress=advance,
            # That makes the run again, where there is nothing to go on with.
            command=shlex.join(["visavis", *(w for w in sys.argv[1:] if w != "--resume")]),
        )
    if as_json:
        plain = {"folder": str(done.folder), "parent": done.card.parent}
        show.print_json({**plain, **done.evaluation.as_dict()})
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
    if "agreement" in (parent := done.card.parent or {}):
        told = f"mean cosine {parent['agreement']:.3f} on new faces"
        show.say(f"  learned from {parent['name']}: {told}")
    show.say(f"  model   {done.folder / 'model'}")
    show.say(f"  report  {done.folder / 'report.html'}")
