"""A search for a better network as one self-contained HTML file."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from visavis.evaluation.figures import LABELS, Estimate
from visavis.files import write_output
from visavis.report.html import small_page
from visavis.report.results import cell, put_section, section_key, table
from visavis.report.toml import as_toml
from visavis.report.wording import best_of_many, count, duration, figure_name, number, stated

IMPOSSIBLE = "impossible"
KINDS = {
    IMPOSSIBLE: "not to be built, another was drawn instead",
    "repeated": "the same as another",
    "memory": "too large for the memory",
    "time": "too slow for the time left",
    "behind": "behind the others midway",
    "diverged": "without a finite loss",
    "died": "ended without a result",
}
"""Why a trial was not trained to its end, in words."""

HOW = ("Epochs", "Time", "Ended because", "Drawn")
"""What is told of a trial beside its figure."""


@dataclass(frozen=True)
class TunedTrial:
    """A configuration that was tried.

    Attributes:
        number: of the trial.
        params: what was drawn for it, in words, by dotted key.
        value: its best validation figure; ``None`` where it did not start.
        complete: whether it was trained to its end.
        epochs, seconds: of its training.
        kind: one of ``KINDS``, where it was not trained to its end; else empty.
        reason: why, in words; also where the budget ended it.
    """

    number: int
    params: dict[str, str]
    value: float | None
    complete: bool
    epochs: int = 0
    seconds: float = 0.0
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Tuning:
    """A search.

    Attributes:
        name: of the model that came of it.
        monitor: the validation figure that was searched for: ``accuracy``, ``auc`` or ``loss``.
        trials: by number.
        best: number of the best.
        recipe: of the best.
        importances: the share of each key in what makes a trial good; empty where it is unknown.
        pairs: validation pairs behind each figure.
        asked: trials that were asked for.
        tested: accuracy of the best trial's model on the test; ``None`` where it is elsewhere.
        warnings: what looked wrong in the best trial, such as photos that could not be read.
    """

    name: str
    monitor: str
    trials: list[TunedTrial]
    best: int
    recipe: dict[str, Any]
    pairs: int
    importances: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    tested: Estimate | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def best_trial(self) -> TunedTrial:
        """The best."""
        return next(trial for trial in self.trials if trial.number == self.best)

    @property
    def counted(self) -> int:
        """How many count as trials: all but those that cannot be built."""
        return sum(trial.kind != IMPOSSIBLE for trial in self.trials)

    def outcomes(self) -> dict[str, int]:
        """How many trials ended how, in words."""
        kinds = Counter(trial.kind for trial in self.trials if not trial.complete)
        trained = {"trained to the end": sum(trial.complete for trial in self.trials)}
        return trained | {KINDS[kind]: kinds[kind] for kind in KINDS if kinds[kind]}

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {**asdict(self), "outcomes": self.outcomes()}


def write_tuning(path: Path, tuning: Tuning, command: str = "") -> None:
    """Write the report to ``path``, whole or not at all.

    It shows the figure of each trial and the best so far, what mattered, every trial with what was
    drawn for it and why it ended, and the best trial's recipe.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        tuning: to show.
        command: the command line that searches again.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, tuning_html(tuning, command).encode("utf-8", "replace"))


def tuning_html(tuning: Tuning, command: str = "") -> str:
    """The report as one page, see ``write_tuning``."""
    from visavis.report.tune_plots import tune_plots

    content = {
        "tuning": tuning,
        "label": LABELS[tuning.monitor],
        "figure": figure_name(tuning.monitor),
        "summary": summary(tuning),
        "doubt": doubt(tuning),
        "facts": _facts(tuning),
        "plots": [(plot, Markup(plot.svg)) for plot in tune_plots(tuning)],  # noqa: S704
        "how": HOW,
        "rows": [(trial, _cells(trial)) for trial in _ranked(tuning)],
        "recipe": as_toml(tuning.recipe),
        "command": command,
    }
    return small_page(content, "tune.html.j2")


def write_tuning_section(path: Path, tuning: Tuning, command: str) -> None:
    """Add or replace the search's section in a Markdown file such as ``RESULTS.md``.

    Raises:
        DataError: see ``visavis.report.results.put_section``.
    """
    put_section(path, section_key(tuning.name), tuning_markdown(tuning, command))


def tuning_markdown(tuning: Tuning, command: str) -> str:
    """How many trials ended how, and those that began to train."""
    begun = [trial for trial in _ranked(tuning) if trial.value is not None]
    facts = [[cell(name), cell(fact)] for name, fact in _facts(tuning).items()]
    rows = [[str(trial.number), *map(cell, _cells(trial))] for trial in begun]
    lines = [f"## {cell(tuning.name)}: a search", "", summary(tuning), "", doubt(tuning), ""]
    lines += [*table(("Trials", "Number"), facts), "", "Those that began, the best first:", ""]
    lines += [*table(("Trial", LABELS[tuning.monitor], *HOW), rows), "", "```sh", command, "```"]
    return "\n".join([*lines, "", ""])


def summary(tuning: Tuning) -> str:
    """The outcome in one sentence."""
    best = tuning.best_trial
    assert best.value is not None  # noqa: S101 - it was trained
    words = f"Of {count(tuning.counted, 'trial')}, trial {best.number} is the best: validation "
    words += f"{figure_name(tuning.monitor)} {number(best.value)}"
    if tuning.tested is not None:
        words += f", test accuracy {stated(tuning.tested)}"
    return words + "."


def doubt(tuning: Tuning) -> str:
    """What to think of the best figure."""
    words = best_of_many(tuning.monitor, tuning.best_trial.value or 0.0, tuning.pairs)
    if tuning.tested is not None:
        words += " The test, which no trial saw, was looked at once, for the best trial alone."
    return words


def _ranked(tuning: Tuning) -> list[TunedTrial]:
    """Those trained to the end, the best first, then those that were cut off, then the rest."""
    sign = 1 if tuning.monitor == "loss" else -1

    def rank(trial: TunedTrial) -> tuple[bool, bool, float, int]:
        value = math.inf if trial.value is None else sign * trial.value
        return trial.value is None, not trial.complete, value, trial.number

    return sorted(tuning.trials, key=rank)


def _facts(tuning: Tuning) -> dict[str, str]:
    facts = {name.capitalize(): f"{many:,}" for name, many in tuning.outcomes().items()}
    facts["Time in training"] = duration(sum(trial.seconds for trial in tuning.trials))
    if tuning.counted < tuning.asked:
        facts["Asked for"] = f"{tuning.asked:,} trials; the search ended before"
    return facts


def _cells(trial: TunedTrial) -> list[str]:
    how = trial.reason or ("" if trial.complete else KINDS[trial.kind])
    return [
        "" if trial.value is None else number(trial.value),
        str(trial.epochs or ""),
        duration(trial.seconds) if trial.seconds else "",
        how,
        ", ".join(f"{key} {value}" for key, value in trial.params.items()),
    ]
