"""``visavis evaluate``: a model's figures on pairs, with a report and a gate."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import (
    DEFAULT_MODEL,
    AsJson,
    DataSpec,
    LfwView,
    ModelName,
    Results,
    Threads,
    ThresholdValue,
)
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.evaluation.evaluation import Evaluation


def evaluate(
    data: DataSpec,
    model: ModelName = DEFAULT_MODEL,
    view: LfwView = None,
    pairs: Annotated[
        Literal["listed", "all"], typer.Option(help="The listed pairs, or all comparisons.")
    ] = "listed",
    fmr: Annotated[
        float | None,
        typer.Option(help="Decide at this false-match rate; by default at best accuracy."),
    ] = None,
    threshold: ThresholdValue = None,
    by: Annotated[str | None, typer.Option(help="A tag: error rates for each group.")] = None,
    tags: Annotated[
        Path | None, typer.Option(help="A CSV of tags: column photo or person, and the tags.")
    ] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Fail unless it holds, such as 'fnmr<=0.02'.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report: one .html file.")] = None,
    results: Results = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Measure a model on pairs it was not fitted on, each figure with its interval.

    Exits with 1 where a --gate does not hold, 4 where photos could not be read.
    """
    from visavis.data.source import open_source
    from visavis.data.tags import source_with_tags
    from visavis.evaluation.gate import check_gates, parse_gate
    from visavis.evaluation.protocol import evaluate as run
    from visavis.models.model import Model
    from visavis.models.scores import Threshold

    if fmr is not None and threshold is not None:
        raise DataError("--fmr and --threshold both choose the threshold; give one of them")
    gates = [parse_gate(text) for text in gate or []]
    source = open_source(data, view)
    if tags:
        source = source_with_tags(source, tags)
    at: Literal["accuracy"] | float | Threshold = "accuracy" if fmr is None else fmr
    if threshold is not None:
        at = Threshold(value=threshold, fitted_on="given by the caller")
    with show.progress() as advance:
        evaluation = run(
            Model.load(model, threads=threads),
            source,
            pairs=pairs,
            at=at,
            by=by,
            progress=advance,
        )
    command = shlex.join(["visavis", *sys.argv[1:]])
    if report:
        from visavis.report.html import write_report

        write_report(report, evaluation, command)
    if results:
        from visavis.report.results import write_section

        write_section(results, evaluation, command)
    if as_json:
        show.print_json(evaluation.as_dict())
    else:
        _show(evaluation)
    check_gates(gates, evaluation)
    raise typer.Exit(SOME_SKIPPED if evaluation.unreadable else 0)


def _show(evaluation: Evaluation) -> None:
    from visavis.evaluation.figures import LABELS

    figures = evaluation.figures
    show.say(f"{evaluation.model} on {evaluation.protocol}")
    show.say(
        f"  {figures.n_genuine:,} genuine and {figures.n_impostor:,} impostor pairs of "
        f"{figures.n_people:,} people; threshold {figures.threshold:.4f} fitted on "
        f"{figures.threshold_fitted_on}"
    )
    rows = [(LABELS[name], str(estimate)) for name, estimate in figures.estimates()]
    show.table(("figure", "value [95 % interval]"), rows)
    show.say(f"  {decisions(evaluation)}")
    if evaluation.fold_accuracy:
        mean, error = evaluation.fold_accuracy
        show.say(f"  accuracy over {len(evaluation.folds)} folds: {mean:.4f} ± {error:.4f}")
    points = [(f"{point.threshold.fmr:g}", point) for point in evaluation.operating]
    if evaluation.halfway:
        points.append(("half-way", evaluation.halfway))
    if points:
        show.table(
            ("FMR asked", "threshold", "FMR measured", "FNMR measured", "accuracy"),
            [
                (name, f"{p.threshold.value:.4f}", str(p.fmr), str(p.fnmr), str(p.accuracy))
                for name, p in points
            ],
        )
    if evaluation.groups:
        show.table(
            ("group", "FMR", "FNMR", "people"),
            [(g.group, str(g.fmr), str(g.fnmr), str(g.n_people)) for g in evaluation.groups],
            title=f"by {evaluation.groups[0].tag}",
        )
        for rate, ratio in evaluation.worst_to_best.items():
            worst = "cannot be stated" if ratio is None else f"{ratio:.2f}"
            show.say(f"  {rate.upper()} worst to best: {worst}")
    for path in evaluation.missed:
        show.note(f"no face found, counted as an error: {path}")
    for path, reason in evaluation.unreadable:
        show.note(f"not read, counted as an error: {path}: {reason}")


def decisions(evaluation: Evaluation) -> str:
    """The confusion table in a line: right and wrong decisions of each kind of pair."""
    from visavis.report.wording import wrong_decisions

    figures = evaluation.figures
    refused, accepted = wrong_decisions(evaluation)
    return (
        f"genuine pairs: {figures.n_genuine - refused:,} accepted, {refused:,} refused; "
        f"impostor pairs: {accepted:,} accepted, {figures.n_impostor - accepted:,} refused"
    )
