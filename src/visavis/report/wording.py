"""Numbers and verdicts in plain words, the same in every report."""

from __future__ import annotations

import math

import numpy as np

from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import LABELS, Estimate, Figures
from visavis.evaluation.intervals import of_share

MEANINGS = {
    "accuracy": "The share of all pairs that are decided rightly.",
    "precision": "Of the pairs called one person, the share that are.",
    "recall": "Of the pairs that are one person, the share that is found.",
    "f1": "Precision and recall in one number, their harmonic mean.",
    "fmr": "False-match rate: different people taken for one.",
    "fnmr": "False-non-match rate: one person taken for two.",
    "auc": "The chance that a pair of one person scores above a pair of two.",
    "eer": "The error rate where both kinds of error are equally frequent.",
    "tar_at_far_1e2": "Pairs of one person accepted while 1 in 100 pairs of two gets through.",
    "tar_at_far_1e3": "Pairs of one person accepted while 1 in 1,000 pairs of two gets through.",
    "brier": "Mean squared error of the probabilities: 0 is perfect, 0.25 a coin's toss.",
    "ece": "The mean gap between the probability stated and how often it comes true.",
    "loss": "The loss that training lowers, on these pairs.",
}
"""What each figure means, for somebody who meets it for the first time."""

LIMITS = (
    (
        "The figures hold for photos and people like these; other cameras, ages, origins or poses "
        "can do worse, so measure on your own before you decide."
    ),
    (
        "Intervals are at 95 % and come from resampling people; a rate of 0 means that no error "
        "was seen, not that none can happen."
    ),
    (
        "Public models are often trained on people who are also in public test sets, which "
        "flatters them."
    ),
    (
        "Nothing here tests whether a living person stood before the camera: a photo of a photo "
        "passes."
    ),
)
"""What no figure of a report says by itself."""

_NO_BREAK = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line


def figure_name(name: str) -> str:
    """A figure's name within a sentence: ``accuracy``, but ``AUC``."""
    plain = name in ("accuracy", "precision", "recall", "loss")
    return name if plain else LABELS[name]


def best_of_many(name: str, value: float, pairs: int) -> str:
    """What to think of the best of many validation figures.

    Args:
        name: of the figure: ``accuracy``, ``auc`` or ``loss``.
        value: the best.
        pairs: that it was measured on.
    """
    words = "The best of many validation figures flatters: some of its lead is luck."
    if name != "accuracy":
        return words
    known = interval(of_share(value, pairs))
    return (
        f"{words} On {count(pairs, 'pair')} it is known to no more than {known} (95 %, were they "
        "independent), and figures nearer to it than that may be its equals."
    )


def number(value: float) -> str:
    """Four decimals, or two digits and a power of ten where four decimals would show nothing."""
    if value == 0 or abs(value) >= 1e-3:
        return f"{value:.4f}"
    return rate(value, 1)


def signed(difference: float) -> str:
    """A difference with its sign: ``+0.0020``, ``-0.0130``, and no minus before zero."""
    return f"{round(difference, 4) + 0.0:+.4f}"


def rate(value: float, decimals: int = 0) -> str:
    """As ``1e-3`` is written in the field, without the zero that Python pads with."""
    digits, _, power = f"{value:.{decimals}e}".partition("e")
    return f"{digits}e{int(power)}"


def percent(share: float) -> str:
    """A share as per cent, never rounded to a certainty: 0.9996 is "over 99.9 %"."""
    if 0.999 < share < 1:
        return f"over 99.9{_NO_BREAK}%"
    if 0 < share < 0.001:
        return f"under 0.1{_NO_BREAK}%"
    decimals = 0 if share in (0, 1) else 1
    return f"{100 * share:.{decimals}f}{_NO_BREAK}%"


def interval(estimate: Estimate) -> str:
    """The interval as ``0.9912 to 0.9960``; why there is none, or nothing."""
    if estimate.low is None or estimate.high is None:
        return estimate.note.removeprefix("n/a, ")
    return f"{number(estimate.low)} to {number(estimate.high)}"


def value(estimate: Estimate) -> str:
    """The value alone, ``n/a`` where it cannot be stated."""
    return "n/a" if estimate.value is None else number(estimate.value)


def stated(estimate: Estimate) -> str:
    """Value and interval in one phrase, for captions."""
    if estimate.value is None:
        return estimate.note or "n/a"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def count(number_of: int, singular: str, plural: str | None = None) -> str:
    """``1 pair``, ``1,200 pairs``."""
    return f"{number_of:,} {singular if number_of == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """``0.42 s``, ``31 s``, ``12 min 5 s``, ``1 h 12 min``."""
    if seconds < 10:
        return f"{seconds:.2g}{_NO_BREAK}s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = ((hours, "h"), (minutes, "min")) if hours else ((minutes, "min"), (rest, "s"))
    return " ".join(f"{number_of}{_NO_BREAK}{unit}" for number_of, unit in parts if number_of)


def pairs_counted(figures: Figures) -> str:
    """What a plot is made from: the n of its caption."""
    return (
        f"n = {figures.n_genuine:,} genuine and {figures.n_impostor:,} impostor pairs of "
        f"{count(figures.n_people, 'person', 'people')}"
    )


def wrong_decisions(evaluation: Evaluation) -> tuple[int, int]:
    """How many genuine pairs were refused and how many impostor pairs accepted."""
    figures = evaluation.figures
    if len(evaluation.pairs):
        same, predicted = evaluation.pairs.same, evaluation.predicted
        return int(np.sum(same & ~predicted)), int(np.sum(~same & predicted))
    return (
        _times(figures.fnmr, figures.n_genuine),
        _times(figures.fmr, figures.n_impostor),
    )


def _times(estimate: Estimate, total: int) -> int:
    return 0 if estimate.value is None else round(estimate.value * total)


def verdict_sentence(evaluation: Evaluation) -> str:
    """The outcome in words that need no glossary."""
    figures = evaluation.figures
    refused, accepted = wrong_decisions(evaluation)
    opening = f"{evaluation.model} was asked about "
    opening += f"{count(figures.n_genuine + figures.n_impostor, 'pair')} of photos"
    accuracy = figures.accuracy
    if accuracy.value is not None and not math.isnan(accuracy.value):
        opening += f" and decided {percent(accuracy.value)} of them rightly"
        if accuracy.low is not None and accuracy.high is not None:
            opening += f" (95 % interval: {percent(accuracy.low)} to {percent(accuracy.high)})"
    parts = []
    if figures.n_genuine:
        parts.append(
            f"of {count(figures.n_genuine, 'pair')} of one person it failed to match {refused:,}"
        )
    if figures.n_impostor:
        parts.append(
            f"of {count(figures.n_impostor, 'pair')} of different people it took {accepted:,} for "
            "one person"
        )
    return f"{opening}: {', and '.join(parts)}." if parts else f"{opening}."
