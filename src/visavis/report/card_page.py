"""A model's card for people: the README of its folder, with a picture of its scores."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure

from visavis.evaluation.figures import LABELS, Estimate
from visavis.models.card import Card
from visavis.models.scores import Scores
from visavis.report.card_copy import copy_section
from visavis.report.score_plots import coarse, draw_distributions
from visavis.report.style import INK, house_style, legend_above
from visavis.report.wording import interval, rate, value

PICTURE = "scores.png"


def card_files(card: Card) -> dict[str, bytes]:
    """What stands in the model folder for people to read: ``README.md``, and its picture.

    The picture is there only where the card holds scores. The same card gives the same bytes.
    """
    files = {"README.md": card_page(card).encode()}
    if card.scores is not None:
        files[PICTURE] = _picture(card.scores, card.name)
    return files


def card_page(card: Card) -> str:
    """The card as Markdown."""
    spec = card.input
    calibration = card.calibration
    fitted = "none yet: run `visavis calibrate`"
    if calibration is not None:
        fitted = (
            f"fitted on {calibration.pairs:,} pairs of {calibration.fitted_on}, at a prior of "
            f"{calibration.prior:g}"
        )
    facts = {
        "Input": f"{spec.width}x{spec.height} pixels, {spec.colour}, template `{spec.template}`",
        "Embedding": f"{card.embedding_size} numbers, compared by {card.distance}",
        "Licence": card.licence,
        "Outside data": card.outside_data or "none",
        "Calibration": fitted,
        "Fingerprint": f"`{card.fingerprint}`",
    }
    lines = [f"# {card.name}", "", card.description, "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {_cell(fact)} |" for name, fact in facts.items()]
    lines += [
        "",
        *_usage(card),
        *copy_section(card),
        *_thresholds(card),
        *_figures(card),
        *_limits(),
    ]
    return "\n".join(lines) + "\n"


def _usage(card: Card) -> list[str]:
    return [
        "## Use",
        "",
        "```python",
        "import visavis",
        f'model = visavis.load("{card.name}")  # or the path of this folder',
        'print(model.verify("one.jpg", "other.jpg"))',
        "```",
        "",
    ]


def _thresholds(card: Card) -> list[str]:
    scores = card.scores
    if scores is None:
        return []
    lines = [
        "## Thresholds",
        "",
        (
            "Two photos show one person where the similarity is at or above the threshold. "
            f"Fitted on {scores.fitted_on}: {scores.people:,} people, {scores.photos:,} photos, "
            f"{sum(scores.impostor):,} comparisons of different people."
        ),
        "",
        "| False-match rate | Threshold | 95 % interval |",
        "| --- | ---: | :---: |",
    ]
    named = [("" if point.fmr is None else rate(point.fmr), point) for point in scores.standard]
    own = (("best accuracy", card.best_accuracy), ("half-way between the means", card.halfway))
    for name, point in named + [(name, point) for name, point in own if point is not None]:
        span = interval(Estimate(None, point.low, point.high))
        lines.append(f"| {name} | {point.value:.4f} | {span} |")
    return [*lines, "", f"![Similarities of one person and of different people]({PICTURE})", ""]


def _figures(card: Card) -> list[str]:
    lines: list[str] = []
    for protocol, figures in card.figures.items():
        lines += [f"### {protocol}", "", "| Figure | Value | 95 % interval |"]
        lines += ["| --- | ---: | :---: |"]
        for name, label in LABELS.items():
            estimate = _estimate(figures.get(name))
            if estimate is not None:
                lines.append(f"| {label} | {value(estimate)} | {_cell(interval(estimate))} |")
        lines.append("")
    return ["## Figures", "", *lines] if lines else []


def _estimate(entry: Any) -> Estimate | None:
    """A figure as ``Figures.as_dict`` writes it, or a bare number as a publication states it."""
    if isinstance(entry, dict):
        return Estimate(**entry)
    return Estimate(float(entry)) if isinstance(entry, int | float) else None


def _limits() -> list[str]:
    return [
        "## Limits",
        "",
        (
            "The figures hold for photos and people like those they were measured on. There is no "
            "test of whether a living person stood before the camera. Measure on your own "
            "photos with `visavis evaluate`, and fit your own threshold with `visavis calibrate`, "
            "before you decide anything about a person."
        ),
    ]


def _picture(scores: Scores, name: str) -> bytes:
    buffer = io.BytesIO()
    with house_style(**{"figure.facecolor": "white"}):
        figure = Figure(figsize=(7, 3.4), layout="constrained")
        axes = figure.add_subplot()
        draw_distributions(axes, *coarse(scores))
        for point in scores.standard:
            if point.fmr is not None:
                axes.axvline(point.value, color=INK, linewidth=0.8)
                axes.text(
                    point.value,
                    1.0,
                    f" {rate(point.fmr)}",
                    rotation=90,
                    va="top",
                    ha="left",
                    fontsize=8,
                    transform=axes.get_xaxis_transform(),
                )
        axes.set_ylabel("share of each kind (%)")
        axes.set_title(
            f"{name}: n = {sum(scores.genuine):,} genuine and {sum(scores.impostor):,} impostor "
            "comparisons",
            loc="left",
            fontsize=10,
            pad=24,
        )
        legend_above(axes)
        figure.savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    return buffer.getvalue()


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
