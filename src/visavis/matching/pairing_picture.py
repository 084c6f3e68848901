"""On-site photos beside their references: as a picture, or as a page."""

from __future__ import annotations

import io
import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from visavis.errors import DataError
from visavis.files import write_output
from visavis.matching.found import FoundFace
from visavis.matching.pair_photos import Pair, Paired
from visavis.report.html import LISTED_PHOTOS, small_page
from visavis.report.picture_file import FORMATS, PAPER, save_picture
from visavis.report.style import GENUINE, IMPOSTOR, INK, MUTED, house_style
from visavis.report.wording import count, rate

DRAWN = 60
"""Pairs on a picture; a page holds more."""

PICTURES = 6_500_000
"""Bytes of JPEG in a page; in base64 a third more, within ``LARGEST_REPORT``."""

ACROSS, DOWN, GAP = 3.3, 1.5, 0.8  # of a pair, and between its faces, in sides of a face


def check_suffix(path: Path) -> None:
    """Refuse what pairs cannot be saved as, before anything is compared.

    Raises:
        DataError: another suffix than ``.html`` and those of a picture.
    """
    if path.suffix.lower() not in (".html", *FORMATS):
        known = ", ".join((".html", *FORMATS))
        raise DataError(f"cannot save pairs as {path.name}; end its name in one of {known}")


def save_pairs(paired: Paired, path: Path) -> None:
    """Write the page or, by its suffix, the picture.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    check_suffix(path)
    if path.suffix.lower() == ".html":
        write_output(path, pairs_page(paired).encode("utf-8", "replace"))
    else:
        _draw(paired, path)


def summary(paired: Paired) -> str:
    """What was paired, in a sentence or two."""
    named = sum(pair.matched for pair in paired.pairs)
    nobody = len(paired.pairs) - named
    words = (
        f"{count(len(paired.pairs), 'on-site photo')}, {count(paired.people, 'person', 'people')} "
        f"on {count(paired.references, 'reference photo')}: {named:,} named"
    )
    words += f", {nobody:,} nobody" if nobody else ""
    if paired.named:
        words += f". Right by their names: {paired.right:,} of {len(paired.named):,}"
    return words


def deciding(paired: Paired) -> str:
    """What decided between somebody and nobody, in a sentence."""
    threshold, one_to_one = paired.threshold, paired.rule.one_to_one
    words = "Every photo is taken for the person it is most like"
    if one_to_one:
        words = (
            "Each person is on one photo at most: of all such assignments this has the largest sum "
            "of similarities, and a photo that is left over is of nobody"
        )
    if threshold is None:
        return words
    words += f"; below a similarity of {threshold.value:.4f} it is of nobody"
    if threshold.fmr is None or paired.fpir is None:
        return words
    passing = f"{100 * paired.fpir:.3g}\N{NO-BREAK SPACE}%"
    return (
        f"{words}. One comparison of two people reaches that in {rate(threshold.fmr, 1)} of cases, "
        f"a stranger with one of all {paired.references:,} references in {passing}"
    )


def pairs_page(paired: Paired) -> str:
    """The page as one self-contained HTML file; the same pairs give the same bytes."""
    shown, left = [], PICTURES
    for pair in paired.pairs:
        left -= len(pair.onsite.tile) + len(pair.reference.tile)
        if left >= 0:
            shown.append(pair)
    content: dict[str, Any] = {
        "paired": paired,
        "summary": summary(paired),
        "deciding": deciding(paired),
        "pairs": shown,
        "more": len(paired.pairs) - len(shown),
        "skipped": [
            reason.replace(str(photo), photo.name)
            for photo, reason in paired.skipped[:LISTED_PHOTOS]
        ],
    }
    return small_page(content, "pairing.html.j2")


def _draw(paired: Paired, path: Path) -> None:
    shown = paired.pairs[:DRAWN]
    columns = max(1, round(math.sqrt(len(shown) * DOWN / ACROSS)))  # about a square
    rows = -(-len(shown) // columns)
    more = len(paired.pairs) - len(shown)
    with house_style(**PAPER):
        figure = Figure(figsize=(1.2 * ACROSS * columns, 1.2 * DOWN * rows + 1))
        axes = figure.add_axes((0, 0, 1, 1 - 1 / (1.2 * DOWN * rows + 1)))
        axes.set(xlim=(0, ACROSS * columns), ylim=(DOWN * rows, 0), aspect="equal")
        axes.axis("off")
        words = [summary(paired), f"the first {DRAWN} are drawn"] if more else [summary(paired)]
        title = textwrap.wrap("; ".join(words), 36 * columns)
        figure.suptitle("\n".join(title), x=0, ha="left", fontsize=13, fontweight="bold")
        for number, pair in enumerate(shown):
            down, across = divmod(number, columns)
            _draw_pair(axes, pair, across * ACROSS, down * DOWN)
        save_picture(figure, path)


def _draw_pair(axes: Axes, pair: Pair, left: float, top: float) -> None:
    right = left + 1 + GAP
    _draw_face(axes, pair.reference, left, top)
    _draw_face(axes, pair.onsite, right, top)
    sure = pair.matched and pair.right is not False
    axes.plot((left + 1, right), (top + 0.5, top + 0.5), color=GENUINE if sure else IMPOSTOR,
              linestyle="solid" if sure else "dashed", linewidth=2.5)  # fmt: skip
    middle = left + 1 + GAP / 2
    axes.text(middle, top + 0.42, f"{pair.similarity:.2f}", ha="center", color=INK, fontsize=11)
    axes.text(middle, top + 0.7, f"{pair.distance:.2f}\napart", ha="center", va="center",
              color=MUTED, fontsize=8)  # fmt: skip
    verdict = "" if pair.right is None else " ✓" if pair.right else " ✗"
    said = pair.nearest if pair.matched else "nobody"
    for x, words, colour in (
        (left, pair.nearest, INK),
        (
            right,
            f"{textwrap.shorten(said, 18, placeholder='…')}{verdict}",
            INK if sure else IMPOSTOR,
        ),
    ):
        axes.text(x, top + 1.16, textwrap.shorten(words, 20, placeholder="…"), color=colour,
                  fontsize=9)  # fmt: skip


def _draw_face(axes: Axes, face: FoundFace, left: float, top: float) -> None:
    with Image.open(io.BytesIO(face.tile)) as tile:
        pixels = np.asarray(tile)
    axes.imshow(pixels, extent=(left, left + 1, top + 1, top), aspect="auto")
