"""``visavis compare``: training runs side by side, and which differences are more than noise."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson, Results
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.report.compare import Comparison


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders that visavis train made.")],
    report: Annotated[Path | None, typer.Option(help="Write a report: one .html file.")] = None,
    results: Results = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Add or replace our recipes' figures in a .json file, for recipes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare training runs: figures with intervals, size, time, and published figures.

    Runs tested on the same pairs are compared pair by pair: a difference to the best run that may
    be noise is marked.
    """
    from visavis.report.compare import compare_runs
    from visavis.report.compare_pages import write_comparison, write_comparison_section
    from visavis.training.recipe_files import own_recipes

    comparison = compare_runs(runs, own_recipes())
    command = shlex.join(["visavis", *sys.argv[1:]])
    if report:
        write_comparison(report, comparison, command)
    if results:
        write_comparison_section(results, comparison, command)
    if figures:
        _write_figures(figures, comparison)
    if as_json:
        show.print_json(comparison.as_dict())
    else:
        _show(comparison)


def _write_figures(path: Path, comparison: Comparison) -> None:
    """Those of the runs of our own recipes that count."""
    from visavis.report.recipe_figures import RecipeFigures, update_figures
    from visavis.training.recipe_files import own_recipes

    found: dict[str, RecipeFigures] = {}
    for row in (row for group in comparison.groups for row in group.rows):
        name = row.run.name
        if row.uncounted:
            show.note(f"{path}: without {row.label}: {row.uncounted}")
        elif name in found:
            raise DataError(f"two runs are of the recipe {name}; name the one to write to {path}")
        elif name in own_recipes():
            found[name] = RecipeFigures.of(row.run)
    update_figures(path, found)


def _show(comparison: Comparison) -> None:
    from visavis.evaluation.figures import LABELS
    from visavis.report.compare_words import (
        LEGEND,
        NOT_COMPARABLE,
        TRAINING,
        cell_words,
        remarks,
        training_words,
    )

    for group in comparison.groups:
        show.say(f"{group.protocol}: {group.pairs}")
        figures = [
            [row.label, *("; ".join(cell_words(row.cells[name])) for name in group.columns)]
            for row in group.rows
        ]
        show.table(("run", *(LABELS[name] for name in group.columns)), figures)
        training = [[row.label, *map("; ".join, training_words(row))] for row in group.rows]
        show.table(("training", *TRAINING), training)
        for row in group.rows:
            if said := remarks(row):
                show.say(f"  {row.label}: {'; '.join(said)}")
    if len(comparison.groups) > 1:
        show.note(NOT_COMPARABLE)
    if any(len(group.rows) > 1 for group in comparison.groups):
        show.note(LEGEND)
