"""How the two kinds of error trade against each other: ROC and DET."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter
from scipy.special import ndtr, ndtri

from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import Estimate
from visavis.report.curves import error_curve, thin
from visavis.report.plot import Plot
from visavis.report.style import GENUINE, GRID, INK, house_style, legend_above, new_plot
from visavis.report.svg import inline_svg
from visavis.report.wording import pairs_counted, stated

_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.2, 0.4, 0.6)


def roc(evaluation: Evaluation) -> Plot | None:
    """Receiver operating characteristic, the false-match rate on a logarithmic axis."""
    curve = error_curve(evaluation)
    if curve is None:
        return None
    floor = 1 / evaluation.figures.n_impostor
    x, y = thin(np.log10(np.maximum(curve.fmr, floor)), 1 - curve.fnmr)
    with house_style():
        figure, axes = new_plot()
        axes.set_xscale("log")
        axes.step(10**x, y, where="post", color=GENUINE, label=evaluation.model[:24], zorder=3)
        _mark_thresholds(axes, evaluation, floor, accepted=True)
        lowest = y[x > np.log10(floor)].min(initial=float(y.max()))
        axes.set_ylim(max(0.0, lowest - max(0.01, 0.15 * (1 - lowest))), 1 + 0.02 * (1 - lowest))
        axes.set_xlim(floor, 1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: _plain_percent(rate)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel("FMR: different people accepted (%, log axis)")
        axes.set_ylabel("TAR: same person accepted (%)")
        legend_above(axes)
        title = "ROC: how many are accepted at each false-match rate"
        return Plot("roc", title, inline_svg(figure, "roc", title), _caption(evaluation, "auc"))


def det(evaluation: Evaluation) -> Plot | None:
    """Detection error trade-off on normal-deviate axes (Martin et al., 1997)."""
    curve = error_curve(evaluation)
    if curve is None:
        return None
    figures = evaluation.figures
    floor = min(0.01, 0.5 / max(figures.n_genuine, figures.n_impostor))
    shown = (curve.fmr <= 0.6) & (curve.fnmr <= 0.6)
    fmr, fnmr = (np.clip(rates[shown], floor, 0.6) for rates in (curve.fmr, curve.fnmr))
    x, y = thin(ndtri(fmr), ndtri(fnmr))
    with house_style():
        figure, axes = new_plot()
        axes.set_xscale("function", functions=(_probit, ndtr))
        axes.set_yscale("function", functions=(_probit, ndtr))
        axes.plot([floor, 0.6], [floor, 0.6], color=GRID, linewidth=1.2, label="equal errors")
        axes.step(ndtr(x), ndtr(y), where="post", color=GENUINE, label=evaluation.model[:24])
        _mark_thresholds(axes, evaluation, floor, accepted=False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator([tick for tick in _DET_TICKS if tick >= floor]))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda rate, _: _plain_percent(rate)))
        axes.set(xlim=(floor, 0.6), ylim=(floor, 0.6))
        axes.set_xlabel("FMR: different people accepted (%)")
        axes.set_ylabel("FNMR: same person refused (%)")
        legend_above(axes, columns=3)
        title = "DET: one kind of error against the other"
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
        clip_on=False,
    )


def _ends(estimate: Estimate) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
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


def _probit(rate: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(ndtri(np.clip(rate, 1e-12, 1 - 1e-12)))


def _plain_percent(rate: float) -> str:
    return f"{100 * rate:.10f}".rstrip("0").rstrip(".") + "%"
