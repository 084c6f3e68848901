"""What was decided: the confusion matrix, the folds, and the groups."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from visavis.evaluation.evaluation import Evaluation, GroupRates
from visavis.evaluation.figures import Estimate
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
from visavis.report.wording import count, pairs_counted, percent, stated, wrong_decisions

GROUPS_DRAWN = 20
"""More rows than that are a table's work, not a picture's."""


def confusion(evaluation: Evaluation) -> Plot | None:
    """Right and wrong decisions, counted."""
    figures = evaluation.figures
    refused, accepted = wrong_decisions(evaluation)
    rows = (
        ("one person", figures.n_genuine - refused, refused, figures.n_genuine),
        ("different\npeople", accepted, figures.n_impostor - accepted, figures.n_impostor),
    )
    with house_style():
        figure, axes = new_plot(height=3.1)
        for row, (_, as_same, as_different, total) in enumerate(rows):
            for column, cell in enumerate((as_same, as_different)):
                _draw_cell(axes, column, row, cell, total)
        axes.set(xlim=(-0.5, 1.5), ylim=(1.5, -0.5))
        axes.set_xticks([0, 1], ["called one\nperson", "called different\npeople"])
        axes.set_yticks([0, 1], [f"truly\n{row[0]}" for row in rows])
        axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        title = "Confusion matrix: right and wrong"
        svg = inline_svg(figure, "confusion", title)
    caption = (
        f"{pairs_counted(figures)}; per cent of each row. "
        f"FNMR {stated(figures.fnmr)}, FMR {stated(figures.fmr)}."
    )
    return Plot("confusion", title, svg, caption)


def _draw_cell(axes: Axes, column: int, row: int, cell: int, total: int) -> None:
    right = column == row
    colour = GENUINE if right else IMPOSTOR
    share = cell / total if total else 0.0
    corner = (column - 0.48, row - 0.47)
    axes.add_patch(
        Rectangle(corner, 0.96, 0.94, facecolor=colour, alpha=0.06 + 0.26 * share, linewidth=0)
    )
    axes.add_patch(Rectangle(corner, 0.96, 0.94, facecolor="none", edgecolor=colour, linewidth=1))
    axes.text(column, row - 0.1, f"{cell:,}", ha="center", va="center", fontsize=18)
    word = "right" if right else "wrong"
    axes.text(column, row + 0.22, f"{word}, {percent(share)}", ha="center", va="center")


def folds(evaluation: Evaluation) -> Plot | None:
    """Accuracy of each fold, everything fitted on the others."""
    accuracies = [fold.accuracy for fold in evaluation.folds]
    if not any(accuracy.value is not None for accuracy in accuracies):
        return None
    with house_style():
        figure, axes = new_plot(height=3.1)
        if evaluation.fold_accuracy is not None:
            mean, error = evaluation.fold_accuracy
            axes.axhspan(mean - error, mean + error, color=GENUINE, alpha=0.18, linewidth=0)
            axes.axhline(mean, color=GENUINE, linewidth=1.3, label="mean ± standard error")
        for number, accuracy in enumerate(accuracies, start=1):
            if accuracy.value is not None:
                draw_estimate(axes, accuracy, number, vertical=True)
        axes.set_xticks(range(1, len(accuracies) + 1))
        axes.set_xlabel("fold")
        axes.set_ylabel("accuracy (%)")
        percent_ticks(axes.yaxis)
        axes.grid(visible=False, axis="x")
        if evaluation.fold_accuracy is not None:
            legend_above(axes)
        title = "Accuracy of each fold"
        svg = inline_svg(figure, "folds", title)
    caption = f"n = {count(len(accuracies), 'fold')}, {pairs_counted(evaluation.figures)}."
    if evaluation.fold_accuracy is not None:
        mean, error = evaluation.fold_accuracy
        caption = f"Mean {mean:.4f} ± {error:.4f} standard error; {caption}"
    return Plot("folds", title, svg, caption + " Bars: 95 % intervals, where the fold has one.")


def groups(evaluation: Evaluation) -> list[Plot]:
    """Both error rates of each group, one plot for each tag."""
    tags = dict.fromkeys(group.tag for group in evaluation.groups)
    return [
        _group_plot(tag, index, [group for group in evaluation.groups if group.tag == tag])
        for index, tag in enumerate(tags)
    ]


def _group_plot(tag: str, index: int, found: list[GroupRates]) -> Plot:
    worst = sorted(found, key=lambda group: -(group.fnmr.value or 0.0))[:GROUPS_DRAWN]
    shown = [group for group in found if group in worst]
    panels = (
        ("FNMR: same person refused (%)", GENUINE, [(g.fnmr, g.n_genuine) for g in shown]),
        ("FMR: different people accepted (%)", IMPOSTOR, [(g.fmr, g.n_impostor) for g in shown]),
    )
    names = [_shortened(group.group or "unknown") for group in shown]
    with house_style():
        height = 1.3 + 0.8 * len(shown)
        figure = Figure(figsize=(PLOT_SIZE[0], height), layout="constrained")
        for axes, (label, colour, rates) in zip(figure.subplots(2, 1), panels, strict=True):
            _draw_groups(axes, names, rates, colour)
            axes.set_xlabel(label)
        name = f"groups-{index}"
        title = f"Error rates by {tag}"
        svg = inline_svg(figure, name, title)
    left_out = len(found) - len(shown)
    more = f" {count(left_out, 'group')} of lower FNMR not drawn." if left_out else ""
    caption = f"n: genuine pairs above, impostor pairs below. Bars: 95 % intervals.{more}"
    return Plot(name, title, svg, caption)


def _draw_groups(
    axes: Axes, names: Sequence[str], rates: Sequence[tuple[Estimate, int]], colour: str
) -> None:
    for row, (rate, _) in enumerate(rates):
        if rate.value is None:
            note = rate.note or "n/a"
            axes.text(
                0.02, row, note, color=MUTED, va="center", transform=axes.get_yaxis_transform()
            )
        else:
            draw_estimate(axes, rate, row, vertical=False, colour=colour)
    labels = [f"{name}\nn = {n:,}" for name, (_, n) in zip(names, rates, strict=True)]
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    percent_ticks(axes.xaxis)
    axes.grid(visible=True, axis="x", color=GRID)
    axes.grid(visible=False, axis="y")


def draw_estimate(
    axes: Axes, estimate: Estimate, position: float, *, vertical: bool, colour: str = INK
) -> None:
    """A figure as a dot with its interval, at ``position`` on the other axis."""
    value = 0.0 if estimate.value is None else estimate.value
    bar = None
    if estimate.low is not None and estimate.high is not None:
        bar = [[max(0.0, value - estimate.low)], [max(0.0, estimate.high - value)]]
    point = (position, value) if vertical else (value, position)
    axes.errorbar(
        *point,
        xerr=None if vertical else bar,
        yerr=bar if vertical else None,
        fmt="o",
        markersize=5.5,
        color=colour,
        elinewidth=1.3,
        clip_on=False,
    )


def _shortened(name: str, limit: int = 18) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"
