"""A search in pictures: its history, and what mattered."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from visavis.evaluation.figures import LABELS
from visavis.report.plot import Plot
from visavis.report.style import (
    GENUINE,
    IMPOSTOR,
    INK,
    house_style,
    legend_above,
    new_plot,
    percent_ticks,
)
from visavis.report.svg import inline_svg
from visavis.report.tune import Tuning
from visavis.report.wording import count

MOST = 15
"""Keys drawn, the most important first."""


def tune_plots(tuning: Tuning) -> list[Plot]:
    """The history, and the importances where they are known."""
    plots = [_history(tuning)]
    if tuning.importances:
        plots.append(_importances(tuning))
    return plots


def _history(tuning: Tuning) -> Plot:
    title, label = "The search, trial by trial", LABELS[tuning.monitor]
    done = [(t.number, t.value) for t in tuning.trials if t.complete and t.value is not None]
    cut = [(t.number, t.value) for t in tuning.trials if not t.complete and t.value is not None]
    never = [t.number for t in tuning.trials if t.value is None]
    numbers, values = np.array(done).T
    best = np.minimum if tuning.monitor == "loss" else np.maximum
    with house_style():
        figure, axes = new_plot()
        axes.step(numbers, best.accumulate(values), where="post", color=INK, label="best so far")
        axes.plot(numbers, values, "o", color=GENUINE, markersize=5, label="trained to the end")
        if cut:
            axes.plot(*np.array(cut).T, "x", color=IMPOSTOR, markersize=6, label="ended midway")
        if never:
            axes.plot(
                never,
                np.zeros(len(never)),
                "|",
                color=IMPOSTOR,
                markersize=9,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                label="not started",
            )
        axes.set_xlabel("trial")
        axes.set_ylabel("validation loss" if tuning.monitor == "loss" else f"{label} (%)")
        if tuning.monitor != "loss":
            percent_ticks(axes.yaxis)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        legend_above(axes)
        svg = inline_svg(figure, "history", title)
    caption = (
        f"n = {count(len(tuning.trials), 'configuration')}, {len(done)} of them trained to the "
        f"end, {len(cut)} ended midway, {len(never)} not started. Validation figures, each of the "
        "trial's best epoch."
    )
    return Plot("history", title, svg, caption)


def _importances(tuning: Tuning) -> Plot:
    title = "What mattered"
    shares = list(tuning.importances.items())[:MOST][::-1]
    with house_style():
        figure, axes = new_plot(1.2 + 0.24 * len(shares))
        axes.barh([key for key, _ in shares], [share for _, share in shares], color=GENUINE)
        axes.set_xlabel("share of what makes a trial good (%)")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", labelsize=8)
        percent_ticks(axes.xaxis)
        svg = inline_svg(figure, "importances", title)
    trained = sum(trial.complete for trial in tuning.trials)
    left_out = len(tuning.importances) - len(shares)
    caption = (
        f"n = {count(trained, 'trial')} trained to the end, by PED-ANOVA (Watanabe et al., 2023). "
        "With few trials the order is a hint, no more."
        + (f" {count(left_out, 'less important key')} left out." if left_out else "")
    )
    return Plot("importances", title, svg, caption)
