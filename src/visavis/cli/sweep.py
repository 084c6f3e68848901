"""``visavis sweep``: a recipe at each value of each axis, a table and a picture for each."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson, DataSpec, LfwView, Results, Threads
from visavis.errors import DataError
from visavis.learning import need_torch

if TYPE_CHECKING:
    from visavis.report.tune_sweep import Swept


def sweep(
    recipe: Annotated[str, typer.Argument(help="A recipe of ours by name, or a TOML file.")],
    data: DataSpec,
    axis: Annotated[
        list[str] | None, typer.Option(help="key=value,value,…; may be given several times.")
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Axes and start values: a name of ours, or a TOML file.")
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Every value with every other.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The sweep's folder; runs/NAME-swept by default."),
    ] = None,
    results: Results = None,
    view: LfwView = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train one axis after another, each fixed at its best validation figure before the next.

    The same command goes on with a sweep that was stopped.
    """
    if bool(axis) == bool(space):
        raise DataError("name the axes by --axis or by --space, one of them")
    need_torch()
    from visavis.data.source import open_source
    from visavis.report.tune_sweep import write_sweep_section
    from visavis.training.processes import Resources
    from visavis.training.recipe_files import find_recipe
    from visavis.training.sweep import sweep as run
    from visavis.training.sweep_axes import parse_axes, read_axes

    chosen = find_recipe(recipe)
    folder = output or Path("runs") / f"{chosen.name}-swept"
    axes = read_axes(space) if space else parse_axes(axis or [])
    command = shlex.join(["visavis", *sys.argv[1:]])
    with show.progress() as advance:
        done = run(
            chosen,
            axes,
            open_source(data, view),
            folder,
            grid=grid,
            resources=Resources(threads=threads),
            progress=advance,
            command=command,
        )
    if results:
        write_sweep_section(results, done, command)
    if as_json:
        show.print_json({"folder": str(folder), **done.as_dict()})
    else:
        _show(done, folder)


def _show(done: Swept, folder: Path) -> None:
    from visavis.report.tune_sweep import BESIDE, doubt, rows, summary

    show.say(f"{done.name}: {summary(done)}")
    header = ("accuracy", "auc", "loss", *map(str.lower, BESIDE))
    for axis in done.axes:
        show.table((axis.key, *header), rows(axis))
    show.say(f"  recipe  {folder / 'best.toml'}")
    show.say(f"  sweep   {folder / 'sweep.html'}")
    for text in (doubt(done), *done.warnings):
        show.note(text)
