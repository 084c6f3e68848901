"""What the scores are worth: similarity histograms and the reliability of probabilities."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

from visavis.evaluation.evaluation import Evaluation
from visavis.models.scores import Scores
from visavis.report.curves import split_similarity
from visavis.report.plot import Plot
from visavis.report.style import (
    GENUINE,
    GRID,
    IMPOSTOR,
    INK,
    PLOT_SIZE,
    house_style,
    legend_above,
    new_plot,
    percent_ticks,
)
from visavis.report.svg import inline_svg
from visavis.report.wording import count, pairs_counted, stated

HISTOGRAM_BINS = 60
RELIABILITY_BINS = 15
"""Equal widths on P(same), as ECE is defined."""


def histograms(evaluation: Evaluation) -> Plot | None:
    """Genuine and impostor similarities, each as shares of its own kind, and the threshold."""
    binned = _binned(evaluation)
    if binned is None:
        return None
    with house_style():
        figure, axes = new_plot()
        draw_distributions(axes, *binned)
        _draw_threshold(axes, evaluation)
        axes.set_ylabel("share of each kind of pair (%)")
        legend_above(axes, columns=3)
        title = "Similarities of one person and of two"
        caption = (
            f"{pairs_counted(evaluation.figures)}, each kind as shares of its own; pairs right of "
            f"the threshold count as one person. {_threshold_words(evaluation)}"
        )
        svg = inline_svg(figure, "similarities", title)
    return Plot("similarities", title, svg, caption)


def draw_distributions(
    axes: Axes,
    edges: NDArray[np.float64],
    genuine: NDArray[np.float64],
    impostor: NDArray[np.float64],
) -> None:
    """Both distributions on ``axes``.

    Args:
        axes: to draw on.
        edges: (k + 1,) similarities.
        genuine, impostor: (k,) counts; each is drawn as shares of its own sum.
    """
    kinds = (
        (impostor, IMPOSTOR, "different people", (0, (4, 1.5))),
        (genuine, GENUINE, "same person", "solid"),
    )
    for counts, colour, label, dash in kinds:
        shares = counts / max(1.0, float(counts.sum()))
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.28)
        axes.stairs(shares, edges, color=colour, label=label, linestyle=dash)
    axes.set_xlabel("similarity (larger is more alike)")
    percent_ticks(axes.yaxis)
    axes.set_ylim(bottom=0)
    axes.grid(visible=False, axis="x")


def coarse(
    scores: Scores, bins: int = HISTOGRAM_BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A card's fine histograms over the range in use: (k + 1,) edges, (k,) genuine and impostor."""
    genuine, impostor = (
        np.asarray(counts, dtype=np.float64) for counts in (scores.genuine, scores.impostor)
    )
    used = np.flatnonzero(genuine + impostor)
    first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, genuine.size)
    step = max(1, -(-(last - first) // bins))
    starts = np.arange(first, last, step)
    edges = scores.edges[np.append(starts, last)]
    widths = np.diff(np.append(starts, last)) / step  # the last bin may be narrower
    return (
        edges,
        np.add.reduceat(genuine[:last], starts) / widths,
        np.add.reduceat(impostor[:last], starts) / widths,
    )


def _binned(
    evaluation: Evaluation,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    finite = evaluation.similarity[np.isfinite(evaluation.similarity)]
    if finite.size:
        edges = np.histogram_bin_edges(finite, HISTOGRAM_BINS)
        genuine, impostor = (
            np.histogram(kind[np.isfinite(kind)], edges)[0].astype(np.float64)
            for kind in split_similarity(evaluation)
        )
        return edges, genuine, impostor
    return coarse(evaluation.scores) if evaluation.scores is not None else None


def _draw_threshold(axes: Axes, evaluation: Evaluation) -> None:
    applied = evaluation.threshold
    if applied.size and np.ptp(applied) > 0:
        axes.axvspan(float(applied.min()), float(applied.max()), color=INK, alpha=0.12)
    axes.axvline(evaluation.figures.threshold, color=INK, linewidth=1.3, label="threshold")


def _threshold_words(evaluation: Evaluation) -> str:
    applied = evaluation.threshold
    if applied.size and np.ptp(applied) > 0:
        low, high = applied.min(), applied.max()
        mean = evaluation.figures.threshold
        return f"Each fold has its own threshold: {low:.4f} to {high:.4f}, mean {mean:.4f}."
    return f"Threshold: {evaluation.figures.threshold:.4f}."


def reliability(evaluation: Evaluation) -> Plot | None:
    """How often a stated probability comes true, in 15 bins (DeGroot and Fienberg, 1983)."""
    stated_at = np.isfinite(evaluation.probability)
    probability, same = evaluation.probability[stated_at], evaluation.pairs.same[stated_at]
    if not probability.size:
        return None
    bins = np.minimum((probability * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    with house_style():
        figure = Figure(figsize=PLOT_SIZE, layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=GRID, linewidth=1.2, label="perfect")
        _draw_bins(upper, probability, same, bins)
        edges = np.linspace(0, 1, RELIABILITY_BINS + 1)
        lower.stairs(
            np.bincount(bins, minlength=RELIABILITY_BINS),
            edges,
            fill=True,
            color=GENUINE,
            alpha=0.45,
        )
        lower.set_yscale("log")
        lower.set_ylim(bottom=0.7)
        lower.yaxis.set_major_formatter(FuncFormatter(lambda pairs, _: f"{pairs:,.0f}"))
        lower.set_ylabel("pairs")
        lower.set_xlabel("P(same) as stated (%)")
        upper.set_ylabel("came true (%)")
        upper.set(xlim=(0, 1), ylim=(-0.02, 1.02))
        percent_ticks(upper.xaxis)
        percent_ticks(upper.yaxis)
        legend_above(upper)
        title = "Reliability: do the probabilities hold?"
        svg = inline_svg(figure, "reliability", title)
    figures = evaluation.figures
    caption = (
        f"ECE {stated(figures.ece)}, Brier score {stated(figures.brier)}; "
        f"n = {count(probability.size, 'pair')} in {RELIABILITY_BINS} bins of equal width. Bars: "
        "95 % Wilson intervals of each bin. Below: pairs in each bin, log axis."
    )
    return Plot("reliability", title, svg, caption)


def _draw_bins(
    axes: Axes,
    probability: NDArray[np.float64],
    same: NDArray[np.bool_],
    bins: NDArray[np.int64],
) -> None:
    rows = []
    for index in np.unique(bins):
        inside = bins == index
        true, total = int(same[inside].sum()), int(inside.sum())
        ends = binomtest(true, total).proportion_ci(method="wilson")
        rows.append((float(probability[inside].mean()), true / total, ends.low, ends.high))
    mean, share, low, high = np.array(rows).T
    axes.errorbar(
        mean,
        share,
        yerr=[np.maximum(0, share - low), np.maximum(0, high - share)],
        fmt="o",
        markersize=4.5,
        color=GENUINE,
        elinewidth=1.2,
        label="measured",
    )
