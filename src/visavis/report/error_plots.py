"""How the two kinds of error trade against each other: ROC and DET."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import Estimate
from visavis.report.curves import error_curve, thin
from visavis.report.plot import Plot
from visavis.report.style import (
    GENUINE,
    GRID,
    INK,
    house_style,
    legend_above,
    new_plot,
    percent_ticks,
)
from visavis.report.svg import inline_svg
from visavis.report.wording import pairs_counted, stated

_DET_TICKS = (1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.2, 0.6)
_LOWEST_RATE = 1e-5  # the axes end there; ticks of rarer errors would run into each other


def roc(evaluation: Evaluation) -> Plot | None:
    """Receiver operating characteristic, the false-match rate on a logarithmic axis."""
    curve = error_curve(evaluation)
    if curve is None:
        return None
    floor = max(1 / evaluation.figures.n_impostor, 1e-7)
    x, y = thin(np.log10(np.maximum(curve.fmr, floor)), 1 - curve.fnmr)
    with house_style():
        figure, axes = new_plot()
        axes.set_xscale("log")
        axes.step(10**x, y, where="post", color=GENUINE, label="this model", zorder=3)
        _mark_thresholds(axes, evaluation, floor, accepted=True)
        lowest = _lowest_acceptance(evaluation, y[x > np.log10(floor)])
        axes.set_ylim(lowest - 0.1 * (1 - lowest), 1 + 0.03 * (1 - lowest))
        axes.set_xlim(0.8 * floor, 1)
        percent_ticks(axes.xaxis)
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
        percent_ticks(axes.yaxis)
        axes.set_xlabel("FMR: different people accepted (%, log axis)")
        axes.set_ylabel("TAR: same person accepted (%)")
        legend_above(axes)
        title = "ROC: right and false acceptance"
        return Plot("roc", title, inline_svg(figure, "roc", title), _caption(evaluation, "auc"))


def _lowest_acceptance(evaluation: Evaluation, drawn: NDArray[np.float64]) -> float:
    """Where the axis of acceptance begins: below all that is worth seeing, at most at 98 %."""
    marks = [point.fnmr for point in evaluation.operating] + [evaluation.figures.fnmr]
    refused = [mark.value for mark in marks if mark.value is not None]
    return float(min(0.98, drawn.min(initial=1.0), 1 - max(refused, default=0.0)))


def det(evaluation: Evaluation) -> Plot | None:
    """Detection error trade-off on normal-deviate axes (Martin et al., 1997)."""
    curve = error_curve(evaluation)
    if curve is None:
        return None
    figures = evaluation.figures
    floor = float(np.clip(0.5 / max(figures.n_genuine, figures.n_impostor), _LOWEST_RATE, 0.01))
    shown = (curve.fmr <= 0.6) & (curve.fnmr <= 0.6)
    fmr, fnmr = (np.clip(rates[shown], floor, 0.6) for rates in (curve.fmr, curve.fnmr))
    x, y = thin(ndtri(fmr), ndtri(fnmr))
    with house_style():
        figure, axes = new_plot()
        axes.set_xscale("function", functions=(_probit, ndtr))
        axes.set_yscale("function", functions=(_probit, ndtr))
        axes.plot([floor, 0.6], [floor, 0.6], color=GRID, linewidth=1.2, label="equal errors")
        axes.step(ndtr(x), ndtr(y), where="post", color=GENUINE, label="this model")
        _mark_thresholds(axes, evaluation, floor, accepted=False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator([tick for tick in _DET_TICKS if tick >= floor]))
            axis.set_minor_locator(NullLocator())
            percent_ticks(axis)
        axes.set(xlim=(0.8 * floor, 0.6), ylim=(0.8 * floor, 0.6))
        axes.set_xlabel("FMR: different people accepted (%)")
        axes.set_ylabel("FNMR: same person refused (%)")
        legend_above(axes, columns=3)
        title = "DET: one error against the other"
        return Plot("det", title, inline_svg(figure, "det", title), _caption(evaluation, "eer"))


def _mark_thresholds(axes: Axes, evaluation: Evaluation, floor: float, *, accepted: bool) -> None:
    figures = evaluation.figures
    _mark(axes, figures.fmr, figures.fnmr, floor, accepted=accepted, filled=True)
    for point in evaluation.operating:
        _mark(axes, point.fmr, point.fnmr, floor, accepted=accepted, filled=False)


def _mark(
    axes: Axes, fmr: Estimate, fnmr: Estimate, floor: float, *, accepted: bool, filled: bool
) -> None:
    """One threshold with its intervals; a rate of 0 stands at the axis' end."""
    if fmr.value is None or fnmr.value is None:
        return
    horizontal = np.maximum(_ends(fmr), floor)
    vertical = 1 - _ends(fnmr)[[0, 2, 1]] if accepted else np.maximum(_ends(fnmr), floor)
    axes.errorbar(
        horizontal[0],
        vertical[0],
        xerr=[[horizontal[0] - horizontal[1]], [horizontal[2] - horizontal[0]]],
        yerr=[[vertical[0] - vertical[1]], [vertical[2] - vertical[0]]],
        fmt="o",
        markersize=6 if filled else 4,
        color=INK,
        markerfacecolor=INK if filled else "none",
        elinewidth=1.1 if filled else 0.6,
        label="threshold applied" if filled else None,
        zorder=5 if filled else 4,
    )


def _ends(estimate: Estimate) -> NDArray[np.float64]:
    middle = 0.0 if estimate.value is None else estimate.value
    low = middle if estimate.low is None else min(estimate.low, middle)
    high = middle if estimate.high is None else max(estimate.high, middle)
    return np.array([middle, low, high])


def _caption(evaluation: Evaluation, figure: str) -> str:
    label = {"auc": "AUC", "eer": "EER"}[figure]
    text = f"{label} {stated(getattr(evaluation.figures, figure))}; "
    text += f"{pairs_counted(evaluation.figures)}. "
    text += "Filled dot: the threshold applied"
    if evaluation.operating:
        text += "; open dots: those fitted for the standard false-match rates"
    return text + ". Bars: 95 % intervals."


def _probit(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndtri(np.clip(rate, 1e-12, 1 - 1e-12)))
