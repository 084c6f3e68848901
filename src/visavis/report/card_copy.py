"""A quantised copy beside its parent, in words and a table, for its card and the shell."""

from __future__ import annotations

from visavis.models.card import Card
from visavis.models.quantised import Pace, Quantised
from visavis.report.wording import number, percent, signed

AGREED = 0.999
"""Cosine that two runtimes of a float32 model reach."""


def copy_section(card: Card) -> list[str]:
    """The section of a copy's card, as lines of Markdown; none for a model that is no copy."""
    quantised = card.quantised
    if quantised is None:
        return []
    parent = card.parent or {}
    rows = comparison(quantised)
    return [
        f"## {quantised.precision} copy of {parent.get('name', 'its parent')}",
        "",
        f"Of the model with fingerprint `{parent.get('fingerprint', '')}`. {quantised.protocol}.",
        "",
        "| | Parent | Copy |",
        "| --- | ---: | ---: |",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        *(f"- {sentence}" for sentence in sentences(quantised)),
        "",
    ]


def comparison(quantised: Quantised) -> list[tuple[str, str, str]]:
    """Figure, parent's and copy's."""
    return [
        ("accuracy", number(quantised.parent_accuracy), number(quantised.accuracy)),
        ("encoder, MB", f"{quantised.parent_size / 1e6:.1f}", f"{quantised.size / 1e6:.1f}"),
        *(
            (f"ms a crop, {_at_once(pace)}", f"{pace.parent:.2f}", f"{pace.own:.2f}")
            for pace in quantised.speed
        ),
    ]


def sentences(quantised: Quantised) -> list[str]:
    """What the figures come to: accuracy, agreement, runtimes and speed, one sentence each."""
    agreement = (
        f"Embeddings agree with the parent's to a cosine of {quantised.agreement:.4f} on average "
        f"and {quantised.lowest:.4f} at the lowest, over {quantised.photos:,} photos; "
        f"{percent(quantised.verdicts)} of the verdicts are the same."
    )
    if quantised.calibrated_on:
        agreement += f" Its scales come from {quantised.calibrated_on}."
    return [_accuracy(quantised), agreement, *_runtimes(quantised), _speed(quantised)]


def _accuracy(quantised: Quantised) -> str:
    found = (
        f"Accuracy differs from the parent's by {signed(quantised.difference)} on the same "
        f"{quantised.n_pairs:,} pairs of {quantised.pairs}"
    )
    if quantised.low is None or quantised.high is None:
        return f"{found}; the people are too few to tell whether that is chance."
    span = f"(95 % interval {signed(quantised.low)} to {signed(quantised.high)})"
    if quantised.loses:
        return f"{found} {span}: the copy is worse than its parent by more than chance explains."
    if quantised.low > 0:
        return f"{found} {span}: the copy loses nothing here."
    return f"{found} {span}: within the interval, so no loss can be told from chance."


def _runtimes(quantised: Quantised) -> list[str]:
    if quantised.runtimes is None:
        return []
    found = (
        f"Its embeddings by {quantised.runtime} and by onnxruntime agree to a cosine of "
        f"{quantised.runtimes:.4f} at the lowest"
    )
    if quantised.runtimes >= AGREED:
        return [f"{found}."]
    return [f"{found}, below {AGREED}: enrol and compare by one runtime."]


def _speed(quantised: Quantised) -> str:
    paces = sorted(quantised.speed, key=lambda pace: not pace.faster)
    told = [
        f"{'' if pace.faster else 'no faster: '}{pace.times:.2f} times as fast {_at_once(pace)} "
        f"(95 % interval {pace.low:.2f} to {pace.high:.2f})"
        for pace in paces
    ]
    return (
        f"Beside its parent, by {quantised.runtime} on the machine that made it, it is "
        f"{' and '.join(told)}."
    )


def _at_once(pace: Pace) -> str:
    return "one at a time" if pace.batch == 1 else f"{pace.batch} at once"
