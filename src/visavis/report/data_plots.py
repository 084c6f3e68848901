"""A data set drawn: photos a person, splits, pairs by class, and the photos' sizes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from visavis.data.info import SourceInfo
from visavis.report.picture_file import PAPER, picture_format, save_picture
from visavis.report.style import GENUINE, IMPOSTOR, INK, MUTED, house_style, legend_above
from visavis.report.wording import count

_STEPS = (1, 2, 3, 5, 10, 20, 50, 100)  # photos a person, from each to below the next
_MOST_SIZES = 8
_MOST_LISTS = 12


def draw_source(info: SourceInfo, path: Path) -> None:
    """Save a picture of what a source holds.

    Args:
        info: of ``visavis.data.info.describe``.
        path: its suffix is one of ``visavis.report.picture_file.FORMATS``.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    picture_format(path)
    with house_style(**PAPER):
        figure = Figure(figsize=(10, 7.4), layout="constrained")
        title = f"{count(info.n_photos, 'photo')} of {info.n_people:,} people"
        figure.suptitle(title, x=0.01, ha="left", fontsize=17, fontweight="bold", color=INK)
        (people, splits), (pairs, sizes) = figure.subplots(2, 2)
        _draw_people(people, info)
        _draw_splits(splits, info)
        _draw_pairs(pairs, info)
        _draw_sizes(sizes, info)
        words = "\n".join(textwrap.wrap(f"{info.protocol}. {_faults(info)}", 118))
        figure.supxlabel(words, x=0.01, ha="left", fontsize=10, color=MUTED)
        save_picture(figure, path)


def _draw_people(axes: Axes, info: SourceInfo) -> None:
    photos = np.array(list(info.people_by_photos), dtype=np.int64)
    people, _ = np.histogram(photos, [*_STEPS, np.inf], weights=[*info.people_by_photos.values()])
    used = int(np.flatnonzero(people)[-1]) + 1 if people.any() else 1
    labels = [
        str(low) if low + 1 == high else f"{low}-{high - 1}" for low, high in pairwise(_STEPS)
    ]
    labels = [*labels, f"{_STEPS[-1]}+"][:used]
    bars = axes.bar(labels, people[:used], color=GENUINE, alpha=0.75)
    axes.bar_label(bars, [f"{int(n):,}" for n in people[:used]], fontsize=9, color=MUTED, padding=2)
    axes.set_xlim(-0.6, max(used, 4) - 0.4)  # few bars stay slender
    axes.margins(y=0.12)
    axes.grid(visible=False, axis="x")
    _whole_numbers(axes, "y")
    axes.set_xlabel("photos a person")
    axes.set_ylabel("people")


def _draw_splits(axes: Axes, info: SourceInfo) -> None:
    splits = info.photos_by_split or {"all": info.n_photos}
    people = info.people_by_split or {"all": info.n_people}
    kinds = (("photos", GENUINE, [*splits.values()]), ("people", INK, [people[s] for s in splits]))
    _grouped(axes, list(splits), kinds)
    axes.set_xlabel("photos and people of each split")


def _draw_pairs(axes: Axes, info: SourceInfo) -> None:
    lists = info.pairs[:_MOST_LISTS]
    kinds = (
        ("genuine", GENUINE, [pairs.genuine for pairs in lists]),
        ("impostor", IMPOSTOR, [pairs.impostor for pairs in lists]),
    )
    _grouped(axes, [pairs.name for pairs in lists], kinds)
    left = len(info.pairs) - len(lists)
    axes.set_xlabel("pairs" + (f" (and {left} more lists)" if left else ""))


def _draw_sizes(axes: Axes, info: SourceInfo) -> None:
    shown = list(info.sizes.items())[:_MOST_SIZES]
    rest = sum(info.sizes.values()) - sum(photos for _, photos in shown)
    if rest:
        shown.append((f"{len(info.sizes) - len(shown)} others", rest))
    _grouped(
        axes, [size for size, _ in shown], (("photos", GENUINE, [photos for _, photos in shown]),)
    )
    axes.set_xlabel(f"width x height in pixels of {count(info.n_sized, 'photo')}")


def _grouped(
    axes: Axes, labels: Sequence[str], kinds: Sequence[tuple[str, str, Sequence[int]]]
) -> None:
    """Lying bars, one of each kind (name, colour, lengths) beside each label, the first on top."""
    place, height = np.arange(len(labels)), 0.8 / len(kinds)
    for i, (name, colour, lengths) in enumerate(kinds):
        offset = (i - (len(kinds) - 1) / 2) * height
        bars = axes.barh(
            place + offset, lengths, 0.9 * height, color=colour, alpha=0.75, label=name
        )
        if len(labels) <= 6:
            axes.bar_label(bars, [f"{n:,}" for n in lengths], fontsize=9, color=MUTED, padding=3)
    axes.set_yticks(place, [textwrap.shorten(label, 28, placeholder="…") for label in labels])
    axes.set_ylim(max(len(labels), 3) - 0.4, -0.6)  # from the top; few bars stay slender
    axes.margins(x=0.16)
    axes.grid(visible=False, axis="y")
    _whole_numbers(axes, "x")
    if len(kinds) > 1:
        legend_above(axes)


def _whole_numbers(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _faults(info: SourceInfo) -> str:
    """What is wrong with the photos, in a sentence."""
    twice = f"{count(len(info.duplicates), 'file')} in two or more places"
    across = f", {len(info.leaks)} of them across splits" if info.leaks else ""
    unread = f"; {count(len(info.unreadable), 'unreadable photo')}" if info.unreadable else ""
    return f"{twice}{across}{unread}."
