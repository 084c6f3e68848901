"""``visavis compare``: training runs side by side, and which differences are more than noise."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson

if TYPE_CHECKING:
    from visavis.report.compare import Comparison


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders that visavis train made.")],
    report: Annotated[Path | None, typer.Option(help="Write a report: one .html file.")] = None,
    results: Annotated[
        Path | None, typer.Option(help="Add or replace the tables' section in a .md file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare training runs: figures with intervals, size, time, and published figures.

    Runs tested on the same pairs are compared pair by pair: a difference to the best run that may
    be noise is marked.
    """
    from visavis.report.compare import compare_runs
    from visavis.report.compare_pages import write_comparison, write_comparison_section

    comparison = compare_runs(runs)
    command = shlex.join(["visavis", *sys.argv[1:]])
    if report:
        write_comparison(report, comparison, command)
    if results:
        write_comparison_section(results, comparison, command)
    if as_json:
        show.print_json(comparison.as_dict())
    else:
        _show(comparison)


def _show(comparison: Comparison) -> None:
    from visavis.evaluation.figures import LABELS
    from visavis.report.compare import LEGEND, NOT_COMPARABLE, cell_words
    from visavis.report.compare_pages import FACTS

    for group in comparison.groups:
        show.say(f"{group.protocol}: {group.pairs}")
        rows = [
            [
                row.label,
                *("; ".join(cell_words(row.cells[name])) for name in group.columns),
                *row.facts,
            ]
            for row in group.rows
        ]
        show.table(("run", *(LABELS[name] for name in group.columns), *FACTS), rows)
        for row in group.rows:
            if row.remarks:
                show.say(f"  {row.label}: {', '.join(row.remarks)}")
    if len(comparison.groups) > 1:
        show.note(NOT_COMPARABLE)
    if any(len(group.rows) > 1 for group in comparison.groups):
        show.note(LEGEND)
