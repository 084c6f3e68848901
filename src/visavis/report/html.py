"""One evaluation as one self-contained HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from visavis.evaluation.evaluation import Evaluation, OperatingPoint
from visavis.evaluation.figures import LABELS, Estimate
from visavis.files import write_output
from visavis.report import wording
from visavis.report.photographs import hardest_pairs, thumbnail
from visavis.report.plots import all_plots

LARGEST_REPORT = 10_000_000
"""Bytes; what mail and chat let through."""

THUMBNAIL_SIZES = (224, 112, 56)
"""Pixels a side, tried in turn until the report is small enough."""

LISTED_PHOTOS = 200
"""Photos named one by one; beyond that the count is what matters."""

HEADLINES = ("accuracy", "eer", "tar_at_far_1e3", "ece")
"""The figures shown large."""


def write_report(path: Path, evaluation: Evaluation, command: str = "") -> None:
    """Write the report to ``path``, whole or not at all.

    The same evaluation gives the same bytes: no date, no run time.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        evaluation: drawn and tabled; its photos are opened once more for their thumbnails, and one
            that has vanished is named in place of its picture.
        command: the command line that makes the report again.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, report_html(evaluation, command).encode("utf-8", "replace"))


def report_html(evaluation: Evaluation, command: str = "") -> str:
    """The report as one page under ``LARGEST_REPORT`` bytes, see ``write_report``."""
    return small_page(evaluation_content(evaluation, command), "report.html.j2")


def small_page(content: dict[str, Any], template: str) -> str:
    """A template filled, its thumbnails as large as ``LARGEST_REPORT`` allows.

    Args:
        content: what the template names; it calls ``thumbnail(photo)`` for a large picture and
            ``thumbnail(photo, part)`` for one whose side is so many times smaller.
        template: a file of ``templates/``.
    """
    for size in THUMBNAIL_SIZES:
        page = _render(content, template, partial(_picture, size))
        if len(page.encode("utf-8", "replace")) < LARGEST_REPORT:
            return page
    return _render(content, template, lambda *_: None)


def _picture(size: int, photo: Path, part: int = 1) -> str | None:
    return thumbnail(photo, size // part)


def _render(content: dict[str, Any], template: str, picture: Callable[..., str | None]) -> str:
    return str(_template(template).render(content, thumbnail=picture))


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("visavis.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (wording.interval, wording.value, wording.percent, wording.number, wording.rate)
    environment.filters.update({rule.__name__: rule for rule in filters})
    environment.filters["count"] = wording.count
    environment.globals.update(labels=LABELS, meanings=wording.MEANINGS, limits=wording.LIMITS)
    return environment.get_template(name)


def evaluation_content(evaluation: Evaluation, command: str) -> dict[str, Any]:
    """What ``report.html.j2`` names, and every template that extends it."""
    figures = dict(evaluation.figures.estimates())
    place = partial(_place, folder=_common_folder(evaluation))
    return {
        "evaluation": evaluation,
        "verdict": wording.verdict_sentence(evaluation),
        "command": command,
        "figures": figures,
        "headlines": {name: figures[name] for name in HEADLINES},
        "operating": _operating(evaluation),
        "operating_fitted_on": _common_source(evaluation),
        "plots": [(plot, Markup(plot.svg)) for plot in all_plots(evaluation)],  # noqa: S704
        "hardest": {
            "genuine": hardest_pairs(evaluation, genuine=True),
            "impostor": hardest_pairs(evaluation, genuine=False),
        },
        "missed": [place(photo) for photo in evaluation.missed[:LISTED_PHOTOS]],
        "unreadable": [(place(photo), why) for photo, why in evaluation.unreadable[:LISTED_PHOTOS]],
        "bounds": _bounds,
    }


def _common_folder(evaluation: Evaluation) -> Path | None:
    """The folder of all photos: where it lies is nobody's business to whom a report is sent."""
    photos = evaluation.pairs.faces.photos
    try:
        return Path(os.path.commonpath([photo.parent for photo in photos])) if photos else None
    except ValueError:  # two drives, or relative and absolute
        return None


def _place(photo: Path, folder: Path | None) -> str:
    if folder is not None and photo.is_relative_to(folder):
        return photo.relative_to(folder).as_posix()
    return photo.as_posix()


def _operating(evaluation: Evaluation) -> list[tuple[str, str, OperatingPoint]]:
    """Label, what it means where that is not plain, and the point."""
    rows = [
        (wording.rate(point.threshold.fmr), "", point)
        for point in evaluation.operating
        if point.threshold.fmr is not None
    ]
    if evaluation.halfway is not None:
        words = f"between the mean similarities of {evaluation.halfway.threshold.fitted_on}"
        rows.append(("half-way", words, evaluation.halfway))
    return rows


def _common_source(evaluation: Evaluation) -> str:
    """Where the operating points were fitted, in words: once where they agree."""
    sources = dict.fromkeys(
        f"{point.threshold.fitted_on} ({point.threshold.comparisons:,} comparisons)"
        for point in evaluation.operating
    )
    return "; ".join(sources)


def _bounds(low: float | None, high: float | None) -> str:
    return wording.interval(Estimate(None, low, high))
