"""How training went: the loss and the validation figures of each epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from visavis.report.plot import Plot
from visavis.report.run_file import Run
from visavis.report.style import GENUINE, INK, house_style, legend_above, new_plot, percent_ticks
from visavis.report.svg import inline_svg
from visavis.report.wording import count, duration

_DASH = (0, (4, 1.5))
WIDE = 24
"""Letters of names that no longer fit one line of a legend, beside the best epoch."""


def learning_curves(run: Run) -> list[Plot]:
    """The loss; accuracy and AUC. What is NaN throughout is left out."""
    losses = (("loss", "training", INK, _DASH), ("val_loss", "validation", GENUINE, "solid"))
    figures = (
        ("accuracy", "training accuracy", INK, _DASH),
        ("val_accuracy", "validation accuracy", GENUINE, "solid"),
        ("val_auc", "validation AUC", GENUINE, "dotted"),
    )
    plots = [
        _plot(run, "learning-loss", "The loss, epoch by epoch", "loss", losses),
        _plot(run, "learning-figures", "Pairs told apart, epoch by epoch", "share (%)", figures),
    ]
    return [plot for plot in plots if plot is not None]


def series(history: list[dict[str, float]], name: str) -> NDArray[np.float64]:
    """(epochs,) values of a history, NaN where there is none."""
    return np.array([row.get(name, np.nan) for row in history], dtype=np.float64)


def _plot(
    run: Run,
    name: str,
    title: str,
    axis: str,
    lines: tuple[tuple[str, str, str, Any], ...],
) -> Plot | None:
    drawn = [line for line in lines if np.isfinite(series(run.history, line[0])).any()]
    if not drawn:
        return None
    with house_style():
        figure, axes = new_plot()
        if run.best_epoch is not None:
            axes.axvline(run.best_epoch, color=INK, linewidth=1.1, alpha=0.5, label="best epoch")
        for key, label, colour, dash in drawn:
            _draw(axes, run, key, label=label, colour=colour, dash=dash)
        axes.set_xlabel("epoch")
        axes.set_ylabel(axis)
        axes.xaxis.set_major_locator(
            MaxNLocator(6, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        )
        if "%" in axis:
            percent_ticks(axes.yaxis)
        wide = sum(len(label) for _, label, *_ in drawn) > WIDE
        legend_above(axes, columns=2 if wide else 3)
        svg = inline_svg(figure, name, title)
    return Plot(name, title, svg, f"{_epochs(run)} {_last(run, drawn)}")


def _draw(axes: Axes, run: Run, key: str, *, label: str, colour: str, dash: Any) -> None:
    values = series(run.history, key)
    epochs = np.arange(1, len(values) + 1)
    few = len(values) <= 30
    axes.plot(
        epochs,
        values,
        color=colour,
        linestyle=dash,
        label=label,
        marker="o" if few else None,
        markersize=3,
    )
    if run.best_epoch is not None and run.best_epoch <= len(values):
        axes.plot(run.best_epoch, values[run.best_epoch - 1], "o", color=colour, markersize=7)


def _epochs(run: Run) -> str:
    each = series(run.history, "seconds")
    words = f"n = {count(len(run.history), 'epoch')}"
    if np.isfinite(each).all():
        words += f" in {duration(float(each.sum()))}, {duration(float(np.median(each)))} each"
    return words + "."


def _last(run: Run, drawn: list[tuple[str, str, str, Any]]) -> str:
    best = run.best_epoch
    if best is None or best > len(run.history):
        return ""
    values = [(label, run.history[best - 1].get(key, np.nan)) for key, label, *_ in drawn]
    found = ", ".join(f"{label} {value:.4f}" for label, value in values if np.isfinite(value))
    return f"At the best epoch, {best}: {found}."
