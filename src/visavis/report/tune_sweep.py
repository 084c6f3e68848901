"""A sweep as one self-contained HTML file: a table and a picture for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from numpy.typing import NDArray

from visavis.evaluation.figures import LABELS
from visavis.evaluation.intervals import of_share
from visavis.files import write_output
from visavis.report.html import small_page
from visavis.report.plot import Plot
from visavis.report.results import cell, put_section, section_key, table
from visavis.report.style import GENUINE, IMPOSTOR, INK, house_style, new_plot, percent_ticks
from visavis.report.svg import inline_svg
from visavis.report.toml import as_toml
from visavis.report.wording import best_of_many, count, duration, figure_name, number

FIGURES = ("accuracy", "auc", "loss")
BESIDE = ("Best epoch", "Time", "Remark")
"""What is told of a value beside its figures."""
LONGEST = 18
"""Letters of a label in a picture."""


@dataclass(frozen=True)
class SweptValue:
    """A value of an axis.

    Attributes:
        label: the value in words.
        value: the validation figure that is compared; ``None`` where it was not trained.
        figures: all of ``FIGURES`` that are known.
        best_epoch, epochs, seconds: of training.
        reason: why it was not trained to its end, or how it was cut short.
    """

    label: str
    value: float | None
    figures: dict[str, float]
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class SweptAxis:
    """An axis.

    Attributes:
        key: of the recipe.
        values: in order.
        best: the place of the best of them.
        drawn: whether there is a picture of it.
    """

    key: str
    values: list[SweptValue]
    best: int
    drawn: bool = True


@dataclass(frozen=True)
class Swept:
    """A sweep.

    Attributes:
        name: of the best recipe.
        monitor: the validation figure that was compared.
        axes: in the order in which they were swept; of a grid, last, all of it.
        recipe: the best.
        pairs: validation pairs behind each figure.
        grid: whether every value met every other.
        warnings: what looked wrong, such as photos that could not be read.
    """

    name: str
    monitor: str
    axes: list[SweptAxis]
    recipe: dict[str, Any]
    pairs: int
    grid: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def best(self) -> SweptValue:
        """The best configuration."""
        last = up_to_best(self.axes, self.monitor)[-1]
        return last.values[last.best]

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return asdict(self)


def up_to_best(axes: Sequence[SweptAxis], monitor: str) -> Sequence[SweptAxis]:
    """The axes up to the one that holds the best configuration, the last of equals.

    All of them, but where a later axis lacks the value that was fixed before it and has only worse
    ones.
    """
    sign = -1 if monitor == "loss" else 1
    chosen = [sign * (axis.values[axis.best].value or 0.0) for axis in axes]
    return axes[: len(chosen) - chosen[::-1].index(max(chosen))]


def write_sweep(path: Path, swept: Swept, command: str = "") -> None:
    """Write the report to ``path``, whole or not at all.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        swept: to show.
        command: the command line that sweeps again.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, sweep_html(swept, command).encode("utf-8", "replace"))


def write_sweep_section(path: Path, swept: Swept, command: str) -> None:
    """Add or replace the sweep's section in a Markdown file such as ``RESULTS.md``.

    Raises:
        DataError: see ``visavis.report.results.put_section``.
    """
    put_section(path, section_key(swept.name), sweep_markdown(swept, command))


def sweep_markdown(swept: Swept, command: str) -> str:
    """All axes in one table; what was chosen is set in bold."""
    figures, beside = _columns(swept)
    rows = []
    for axis in swept.axes:
        for place, value in enumerate(axis.values):
            label = f"**{cell(value.label)}**" if place == axis.best else cell(value.label)
            rows.append([cell(axis.key), label, *map(cell, _cells(value, figures, beside))])
    header = ("Axis", "Value", *(LABELS[name] for name in figures), *beside)
    lines = [f"## {cell(swept.name)}: {how(swept)}", "", cell(summary(swept)), "", doubt(swept), ""]
    return "\n".join([*lines, *table(header, rows), "", "```sh", command, "```", "", ""])


def how(swept: Swept) -> str:
    """How the values were gone through, in words."""
    return "the full grid" if swept.grid else "one axis after another"


def sweep_html(swept: Swept, command: str = "") -> str:
    """The report as one page, see ``write_sweep``."""
    figures, beside = _columns(swept)
    axes = [
        (
            axis,
            [(value, _cells(value, figures, beside)) for value in axis.values],
            [(plot, Markup(plot.svg)) for plot in _plots(swept, axis, place)],  # noqa: S704
        )
        for place, axis in enumerate(swept.axes)
    ]
    content = {
        "swept": swept,
        "figure": figure_name(swept.monitor),
        "figures": figures,
        "summary": summary(swept),
        "how": how(swept),
        "doubt": doubt(swept),
        "beside": beside,
        "axes": axes,
        "recipe": as_toml(swept.recipe),
        "command": command,
    }
    return small_page(content, "tune_sweep.html.j2")


def summary(swept: Swept) -> str:
    """The outcome in one sentence."""
    fixed = up_to_best(swept.axes, swept.monitor)
    chosen = "; ".join(f"{a.key} {a.values[a.best].label}" for a in fixed if a.drawn)
    if swept.grid:
        chosen = swept.best.label
    best = swept.best.value
    assert best is not None  # noqa: S101 - it was trained
    name = figure_name(swept.monitor)
    later = ", ".join(axis.key for axis in swept.axes[len(fixed) :])
    worse = f"; no value of {later} was better" if later else ""
    return f"The best validation {name}, {number(best)}, is reached with {chosen}{worse}."


def doubt(swept: Swept) -> str:
    """What to think of the best figure."""
    words = best_of_many(swept.monitor, swept.best.value or 0.0, swept.pairs)
    return f"{words} The test was not looked at."


def rows(axis: SweptAxis) -> list[list[str]]:
    """The table of an axis, for a terminal."""
    return [[value.label, *_cells(value, FIGURES, BESIDE)] for value in axis.values]


def _columns(swept: Swept) -> tuple[Sequence[str], Sequence[str]]:
    """The figures that are known of some value, and what is told beside them."""
    values = [value for axis in swept.axes for value in axis.values]
    figures = [name for name in FIGURES if any(name in value.figures for value in values)]
    return figures, BESIDE if any(value.reason for value in values) else BESIDE[:-1]


def _cells(value: SweptValue, figures: Sequence[str], beside: Sequence[str]) -> list[str]:
    told = (
        f"{value.best_epoch} of {value.epochs}" if value.epochs else "",
        duration(value.seconds) if value.seconds else "",
        value.reason,
    )
    known = (number(value.figures[name]) if name in value.figures else "" for name in figures)
    return [*known, *told[: len(beside)]]


def _plots(swept: Swept, axis: SweptAxis, place: int) -> list[Plot]:
    return [_plot(swept, axis, f"axis-{place}")] if axis.drawn else []


def _plot(swept: Swept, axis: SweptAxis, name: str) -> Plot:
    title = f"{axis.key}, value by value"
    values = np.array([np.nan if v.value is None else v.value for v in axis.values])
    places = np.arange(len(values))
    lost = places[np.isnan(values)]
    with house_style():
        figure, axes = new_plot(3.0)
        axes.plot(places, values, color=INK, linewidth=1.1, alpha=0.5)
        axes.plot(places, values, "o", color=GENUINE, markersize=5)
        if swept.monitor == "accuracy":
            _whiskers(axes, places, values, swept.pairs)
        axes.plot(axis.best, values[axis.best], "o", color=GENUINE, markersize=10)
        axes.plot(
            lost,
            np.full(len(lost), 0.03),
            "x",
            color=IMPOSTOR,
            transform=axes.get_xaxis_transform(),
        )
        turned = max(len(value.label) for value in axis.values) * len(values) > 40
        axes.set_xticks(
            places,
            [_short(value.label) for value in axis.values],
            rotation=30 if turned else 0,
            ha="right" if turned else "center",
        )
        axes.set_xlim(-0.5, len(values) - 0.5)
        label = LABELS[swept.monitor]
        axes.set_ylabel("validation loss" if swept.monitor == "loss" else f"{label} (%)")
        if swept.monitor != "loss":
            percent_ticks(axes.yaxis)
        svg = inline_svg(figure, name, title)
    caption = f"n = {count(len(values), 'configuration')}; the large dot is the best."
    if swept.grid:
        caption += " Each dot is the best of all configurations with that value."
    if swept.monitor == "accuracy":
        caption += (
            f" Whiskers: 95 % intervals of {count(swept.pairs, 'pair')}, were they independent."
        )
    if len(lost):
        caption += f" {count(len(lost), 'cross', 'crosses')}: not trained."
    return Plot(name, title, svg, caption)


def _whiskers(
    axes: Axes, places: NDArray[np.int64], values: NDArray[np.float64], pairs: int
) -> None:
    """How far each accuracy is known."""
    known = ~np.isnan(values)
    ends = [of_share(float(value), pairs) for value in values[known]]
    low, high = np.array([(each.low, each.high) for each in ends]).T
    axes.vlines(places[known], low, high, color=GENUINE, linewidth=1.1, alpha=0.6)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
