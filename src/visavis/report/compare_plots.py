"""Runs drawn beside each other: accuracy with its interval, and how each learned."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from visavis.report.compare import Group, Row
from visavis.report.outcome_plots import draw_estimate
from visavis.report.plot import Plot
from visavis.report.style import (
    GENUINE,
    GRID,
    IMPOSTOR,
    INK,
    MUTED,
    PLOT_SIZE,
    house_style,
    legend_above,
    new_plot,
    percent_ticks,
)
from visavis.report.svg import inline_svg
from visavis.report.wording import count

_PANELS = 2  # beside each other: a plot is as wide as a phone


def compare_plots(group: Group, index: int) -> list[Plot]:
    """The plots of one group, which is the page's ``index``-th."""
    plots = (_accuracies(group, index), _curves(group, index))
    return [plot for plot in plots if plot is not None]


def _accuracies(group: Group, index: int) -> Plot | None:
    rows = [row for row in group.rows if row.cells["accuracy"].estimate.value is not None]
    if not rows:
        return None
    with house_style():
        figure, axes = new_plot(height=1.2 + 0.5 * len(rows))
        for place, row in enumerate(rows):
            cell = row.cells["accuracy"]
            colour = GENUINE if cell.standing in ("best", "level") else INK
            draw_estimate(axes, cell.estimate, place, vertical=False, colour=colour)
            if cell.published is not None:
                axes.plot(cell.published, place, "D", color=IMPOSTOR, markerfacecolor="none")
            # Over its bar a long name has the plot's whole width.
            axes.text(0, place - 0.28, row.label, transform=axes.get_yaxis_transform())
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(rows) - 0.6, -0.7)
        axes.set_xlabel("accuracy on the test pairs (%)")
        axes.margins(x=0.06)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        percent_ticks(axes.xaxis)
        axes.grid(visible=False, axis="y")
        _legend(axes, rows)
        title = "Accuracy of each run"
        name = f"accuracy-{index}"
        svg = inline_svg(figure, name, title)
    return Plot(name, title, svg, f"n = {group.pairs}. Bars: 95 % intervals, of each run alone.")


def _legend(axes: Axes, rows: list[Row]) -> None:
    standings = {row.cells["accuracy"].standing for row in rows}
    if "best" in standings:
        axes.plot([], [], "o", color=GENUINE, label="best, or level with it")
    if any(row.cells["accuracy"].published is not None for row in rows):
        axes.plot([], [], "D", color=IMPOSTOR, markerfacecolor="none", label="published")
    if axes.get_legend_handles_labels()[0]:
        legend_above(axes)


def _curves(group: Group, index: int) -> Plot | None:
    """Validation accuracy over time, a panel a run, all others behind it."""
    curves = [(row, *_curve(row)) for row in group.rows]
    curves = [curve for curve in curves if len(curve[1])]
    if not curves:
        return None
    beside = min(_PANELS, len(curves))
    lines = -(-len(curves) // beside)
    with house_style():
        size = (PLOT_SIZE[0], 0.8 + 1.35 * lines)
        figure = Figure(figsize=size, layout="constrained")
        panels = [*figure.subplots(lines, beside, sharex=True, sharey=True, squeeze=False).flat]
        for own, (axes, (row, minutes, shares)) in enumerate(zip(panels, curves, strict=False)):
            for other, (_, times, accuracies) in enumerate(curves):
                if other != own:
                    axes.plot(times, accuracies, color=GRID, linewidth=1)
            axes.plot(minutes, shares, color=GENUINE, marker="o" if len(shares) == 1 else None)
            _mark_best(axes, row, minutes, shares)
            axes.set_title(_short(row.label), fontsize=9.5, loc="left", pad=3)
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            percent_ticks(axes.yaxis)
            axes.tick_params(labelsize=9)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        figure.supxlabel("minutes of training", fontsize=10.5, color=INK)
        figure.supylabel("validation accuracy (%)", fontsize=10.5, color=INK)
        title = "How each run learned"
        name = f"curves-{index}"
        svg = inline_svg(figure, name, title)
    words = f"n = {count(len(curves), 'run')}; in each panel the others in grey. Dot: best epoch. "
    return Plot(name, title, svg, words + "Validation pairs are each run's own.")


def _curve(row: Row) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minutes at the end of each epoch, and its accuracy."""
    history = row.run.history
    values = np.array(
        [[epoch.get("seconds"), epoch.get("val_accuracy")] for epoch in history], dtype=np.float64
    ).reshape(-1, 2)
    minutes = np.cumsum(values[:, 0]) / 60
    known = np.isfinite(minutes) & np.isfinite(values[:, 1])
    return minutes[known], values[known, 1]


def _mark_best(
    axes: Axes, row: Row, minutes: NDArray[np.float64], shares: NDArray[np.float64]
) -> None:
    until = row.run.seconds_to_best
    if until is not None:
        at = int(np.argmin(np.abs(minutes - until / 60)))
        axes.plot(minutes[at], shares[at], "o", color=GENUINE, markersize=5.5, zorder=4)
    if row.run.stopped == "budget":
        axes.text(
            0.97, 0.06, "stopped by budget", ha="right", color=MUTED, fontsize=8,
            transform=axes.transAxes,
        )  # fmt: skip


def _short(label: str) -> str:
    return textwrap.shorten(label, 26, placeholder="…") if " " in label else label[:26]
