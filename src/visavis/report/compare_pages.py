"""A comparison as people read it: one HTML file, or a section of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from markupsafe import Markup

from visavis.evaluation.figures import LABELS
from visavis.files import write_output
from visavis.report.compare import Comparison, Group, Row
from visavis.report.compare_plots import compare_plots
from visavis.report.compare_words import (
    LEGEND,
    NOT_COMPARABLE,
    TRAINING,
    cell_words,
    finding_words,
    findings,
    remarks,
    training_words,
)
from visavis.report.html import small_page
from visavis.report.results import cell, put_section, table

KEY = "comparison"


def write_comparison(path: Path, comparison: Comparison, command: str = "") -> None:
    """Write the comparison as one self-contained HTML file, whole or not at all.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        comparison: to show.
        command: that makes the page again.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, comparison_html(comparison, command).encode("utf-8", "replace"))


def comparison_html(comparison: Comparison, command: str = "") -> str:
    """The page, see ``write_comparison``."""
    content = {
        "groups": [
            (group, [(plot, Markup(plot.svg)) for plot in compare_plots(group, index)])  # noqa: S704
            for index, group in enumerate(comparison.groups)
        ],
        "training": TRAINING,
        "legend": LEGEND,
        "apart": NOT_COMPARABLE if len(comparison.groups) > 1 else "",
        "n_runs": sum(len(group.rows) for group in comparison.groups),
        "command": command,
        "cell_words": cell_words,
        "training_words": training_words,
        "findings": findings,
        "finding_words": finding_words,
        "remarks": remarks,
    }
    return small_page(content, "compare.html.j2")


def write_comparison_section(path: Path, comparison: Comparison, command: str) -> None:
    """Add or replace the comparison's section in a Markdown file such as ``RESULTS.md``.

    Raises:
        DataError: see ``visavis.report.results.put_section``.
    """
    put_section(path, KEY, f"{markdown(comparison)}\n```sh\n{command}\n```\n\n")


def markdown(comparison: Comparison) -> str:
    """The tables, and the command of each run."""
    lines = ["## Training runs compared", ""]
    if len(comparison.groups) > 1:
        lines += [NOT_COMPARABLE, ""]
    for group in comparison.groups:
        lines += [f"### {cell(group.protocol)}", "", f"{group.pairs}.", "", *_figures(group), ""]
        lines += [*_training(group), "", *_findings(group), *_remarks(group)]
    if any(len(group.rows) > 1 for group in comparison.groups):
        lines += [LEGEND, ""]
    commands = [
        (row.label, row.run.command)
        for group in comparison.groups
        for row in group.rows
        if row.run.command
    ]
    if commands:
        lines += ["```sh", *(f"{command}  # {label}" for label, command in commands), "```", ""]
    return "\n".join(lines)


def _figures(group: Group) -> list[str]:
    def cells(row: Row) -> list[list[str]]:
        return [list(map(cell, cell_words(row.cells[name]))) for name in group.columns]

    return _table(["Run", *(LABELS[name] for name in group.columns)], group, cells)


def _training(group: Group) -> list[str]:
    return _table(["Training", *TRAINING], group, training_words)


def _findings(group: Group) -> list[str]:
    names = findings(group)
    if not names:
        return []

    def cells(row: Row) -> list[list[str]]:
        return [finding_words(row, name) for name in names]

    return [*_table(["Finding people", *map(cell, names)], group, cells), ""]


def _table(
    header: Sequence[str], group: Group, cells: Callable[[Row], list[list[str]]]
) -> list[str]:
    return table(header, [[cell(row.label), *map("<br>".join, cells(row))] for row in group.rows])


def _remarks(group: Group) -> list[str]:
    lines = [
        f"- {cell(row.label)}: {cell('; '.join(said))}."
        for row in group.rows
        if (said := remarks(row))
    ]
    return [*lines, ""] if lines else []
