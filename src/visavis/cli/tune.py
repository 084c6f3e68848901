"""``visavis tune``: search a space for the best network, without babysitting."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson, DataSpec, LfwView, Results, Threads
from visavis.cli.train import seconds
from visavis.learning import need_torch

if TYPE_CHECKING:
    from visavis.report.tune import Tuning


def tune(
    recipe: Annotated[str, typer.Argument(help="A recipe of ours by name, or a TOML file.")],
    space: Annotated[str, typer.Option(help="A space of ours by name, or a TOML file.")],
    data: DataSpec,
    trials: Annotated[int, typer.Option(min=1, help="In all, with those of earlier calls.")] = 30,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The search's folder; runs/NAME-tuned by default."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="URL of a database that several machines share, such as PostgreSQL."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="End this call after so long: 90s, 40m, 2h.")
    ] = None,
    sampler: Annotated[
        str, typer.Option(help="tpe, or gp where every trial has the same keys.")
    ] = "tpe",
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes of this machine.")] = 1,
    results: Results = None,
    view: LfwView = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Search for the best configuration by its validation figure, and keep its model.

    The same command goes on with a search that was stopped.
    """
    need_torch()
    from visavis.data.source import open_source
    from visavis.report.tune import write_tuning_section
    from visavis.training.recipe_files import find_recipe
    from visavis.training.space_files import read_space
    from visavis.training.tune import tune as run
    from visavis.training.tune_workers import Plan

    chosen = find_recipe(recipe)
    plan = Plan(
        trials,
        sampler,
        seed,
        workers,
        storage,
        None if budget is None else seconds(budget),
        threads,
    )
    folder = output or Path("runs") / f"{chosen.name}-tuned"
    searched = read_space(space)
    command = command_line(storage)
    with show.progress() as advance:
        done = run(
            chosen,
            searched,
            open_source(data, view),
            folder,
            plan,
            progress=advance,
            command=command,
        )
    if results:
        write_tuning_section(results, done, command)
    if as_json:
        show.print_json({"folder": str(folder), **done.as_dict()})
    else:
        _show(done, folder)


def command_line(storage: str | None) -> str:
    """This command as it was typed, without the password of its storage."""
    words = sys.argv[1:]
    if storage is not None:
        from visavis.training.tune_study import shown

        words = [word.replace(storage, shown(storage)) for word in words]
    return shlex.join(["visavis", *words])


def _show(done: Tuning, folder: Path) -> None:
    from visavis.report.tune import doubt, summary

    show.say(f"{done.name}: {summary(done)}")
    show.table(("trials", "number"), [(name, str(n)) for name, n in done.outcomes().items()])
    best = done.best_trial
    show.table((f"trial {best.number}", "value"), list(best.params.items()))
    if done.tested is None:
        show.note(f"the weights of trial {best.number} lie with the worker that trained it")
    else:
        show.say(f"  model    {folder / 'model'}")
        show.say(f"  report   {folder / 'report.html'}")
    show.say(f"  search   {folder / 'tuning.html'}")
    for text in (doubt(done), *done.warnings):
        show.note(text)
