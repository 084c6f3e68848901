"""One look for every picture: colours, type and line weights.

The two colours are those of Okabe and Ito (2008), told apart under every common colour blindness;
kinds are told apart by a dash as well, never by colour alone.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK = "#1b1f24"
MUTED = "#57606a"
GRID = "#d8dee4"
SURFACE = "#f6f8fa"
GENUINE = "#0072b2"
IMPOSTOR = "#d55e00"

CSS_COLOURS = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    SURFACE: "surface",
    GENUINE: "genuine",
    IMPOSTOR: "impostor",
}
"""The style-sheet variable that stands for each colour in a page, light or dark."""

PLOT_SIZE = (5.0, 3.75)
"""Inches. 5 inches are 360 points, and so many CSS pixels are left on a phone 390 wide: there a
point of type is a pixel, which keeps 10 point type readable."""

_SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.borderaxespad": 0,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "patch.linewidth": 1.4,
    "pdf.fonttype": 42,
    "svg.hashsalt": "visavis",
    "text.color": INK,
    "text.parse_math": False,  # a group or a file may have a dollar sign in its name
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}
_LOCK = threading.RLock()


@contextmanager
def house_style(**settings: object) -> Iterator[None]:
    """Draw and save within: the settings hold here, for one thread at a time, and nowhere else."""
    every: Any = {**_SETTINGS, **settings}  # matplotlib types the keys one by one
    with _LOCK, mpl.rc_context(every), warnings.catch_warnings():
        # A file named in Chinese is no reason to warn: the page shows the name as text as well.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_plot(height: float = PLOT_SIZE[1]) -> tuple[Figure, Axes]:
    """A figure of one set of axes, as wide as every other plot; ``height`` in inches."""
    figure = Figure(figsize=(PLOT_SIZE[0], height), layout="constrained")
    return figure, figure.add_subplot()


def percent_ticks(axis: Axis) -> None:
    """Label the shares of an axis as per cent; the sign stands in the axis' own label."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g}"))


def legend_above(axes: Axes, columns: int = 2) -> None:
    """The legend over the axes, where it hides no data."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.02),
        ncols=columns,
        handlelength=1.6,
        columnspacing=1.4,
    )
