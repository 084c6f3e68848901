"""What the tables of a comparison say, line by line of a cell, wherever they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from visavis.evaluation.figures import Estimate
from visavis.report.compare import COLUMNS, NOT_RUN, Cell, Group, Row, Standing
from visavis.report.wording import duration, interval, number, signed, value

LEGEND = (
    "Signed: the paired difference to the best run, on the same pairs, with its 95 % interval by "
    "resampling people. ≈ best: that interval holds 0, so the difference may be noise. ?: too few "
    "people to tell."
)
NOT_COMPARABLE = (
    "Runs under different headings were tested on different pairs: their figures are not "
    "comparable with each other."
)
TRAINING = (
    "Epochs", "Best epoch", "Training accuracy", "Validation accuracy", "Validation loss", "Time",
    "Time to converge", "Parameters", "Speed",
)  # fmt: skip
"""The columns of ``training_words``."""

_MARKS: dict[Standing, str] = {"best": "best", "level": "≈ best", "untold": "?"}
_PUBLISHED_TRAINING = (
    "train_accuracy", "validation_accuracy", "validation_loss", "seconds_to_converge",
)  # fmt: skip


def cell_words(cell: Cell) -> list[str]:
    """The figure, its interval, its standing and the published one, a line each."""
    if cell.estimate == NOT_RUN:
        lines = [NOT_RUN.note]
    else:
        lines = [value(cell.estimate), interval(cell.estimate), _standing_words(cell)]
    if cell.published is not None:
        lines.append(f"published {number(cell.published)}")
    return [line for line in lines if line]


def training_words(row: Row) -> list[list[str]]:
    """How training went, under the headings of ``TRAINING``; published figures beneath ours."""
    run = row.run
    speed = run.seconds_per_photo
    return [
        [_known(run.epochs, str)],
        [_known(run.best_epoch, str)],
        list(_at_best(row, "accuracy", "train_accuracy")),
        list(_at_best(row, "val_accuracy", "validation_accuracy")),
        list(_at_best(row, "val_loss", "validation_loss")),
        [_known(run.seconds, duration)],
        list(_converged(row)),
        [_known(run.parameters, "{:,}".format)],
        [f"{1 / speed:.3g} photos/s" if speed else "n/a"],
    ]


def findings(group: Group) -> list[str]:
    """The names of the figures of finding people that any run has, in their order."""
    names = [finding["name"] for row in group.rows for finding in row.run.findings]
    return list(dict.fromkeys(names))


def finding_words(row: Row, name: str) -> list[str]:
    """How many were found, and the share with its interval; ``n/a`` where it was not asked."""
    for finding in row.run.findings:
        if finding["name"] == name and finding["value"] is not None and not row.uncounted:
            share = Estimate(finding["value"], finding["low"], finding["high"])
            counted = f"{finding['right']:,} of {finding['asked']:,}"
            return [line for line in (counted, number(finding["value"]), interval(share)) if line]
    return ["n/a"]


def remarks(row: Row) -> list[str]:
    """What else there is to know of a run."""
    words = [f"not run: {row.uncounted}"] if row.uncounted else []
    if row.run.stopped == "budget":
        words.append("stopped by budget")
    words += [
        f"published {name.replace('_', ' ')} {number(figure)}"
        for name, figure in row.run.published.items()
        if name not in (*COLUMNS, *_PUBLISHED_TRAINING)
    ]
    if row.run.outside_data not in ("", "none"):
        words.append(f"outside data: {row.run.outside_data}")
    return words


def _at_best(row: Row, key: str, name: str) -> Iterator[str]:
    """A figure of the history at the best epoch, and the one published under ``name``."""
    yield NOT_RUN.note if row.uncounted else _known(row.run.best.get(key), number)
    if (published := row.run.published.get(name)) is not None:
        yield f"published {number(published)}"


def _converged(row: Row) -> Iterator[str]:
    yield _known(row.run.seconds_to_best, duration)
    if (published := row.run.published.get("seconds_to_converge")) is not None:
        yield f"published {duration(published)}"


def _known(figure: float | None, words: Callable[[Any], str]) -> str:
    return "n/a" if figure is None else words(figure)


def _standing_words(cell: Cell) -> str:
    words = [_MARKS.get(cell.standing, "")]
    if (difference := cell.difference) is not None and difference.value is not None:
        words.append(signed(difference.value))
        if difference.low is not None and difference.high is not None:
            words.append(f"({signed(difference.low)} to {signed(difference.high)})")
    return " ".join(filter(None, words))
