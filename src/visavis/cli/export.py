"""``visavis export``: a smaller copy of a model, measured beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import AsJson, DataSpec, Threads
from visavis.errors import ModelError

if TYPE_CHECKING:
    from visavis.models.quantised import Precision
    from visavis.training.quantise import Copied


def export(
    model: Annotated[str, typer.Argument(help="A known model's name, or a model folder.")],
    data: DataSpec,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model folder to make.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights and multiplications of 8 bits.")
    ] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Weights of half precision.")] = False,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Write a quantised copy of a model, calibrated anew and compared with it.

    What the copy costs and gains, in accuracy, size and speed, stands in its card.
    """
    from visavis.training.quantise import quantise

    if int8 == fp16:
        raise ModelError("a copy is in one precision; give either --int8 or --fp16")
    precision: Precision = "int8" if int8 else "fp16"
    with show.progress() as advance:
        copied = quantise(model, precision, data, output, threads=threads, progress=advance)
    skipped = [f"no face found in {path}" for path in copied.missed]
    skipped += [reason for _, reason in copied.unreadable]
    for text in skipped:
        show.note(f"skipped: {text}")
    if as_json:
        card = copied.card.model_dump(include={"name", "fingerprint", "parent", "quantised"})
        show.print_json({"folder": str(output), **card, "skipped": skipped})
    else:
        _show(copied)
    raise typer.Exit(SOME_SKIPPED if skipped else 0)


def _show(copied: Copied) -> None:
    from visavis.report.card_copy import comparison, sentences

    card = copied.card
    if card.quantised is None:
        return
    show.say(f"{card.name}: {card.quantised.protocol}")
    show.table(("figure", "parent", "copy"), comparison(card.quantised))
    for sentence in sentences(card.quantised):
        show.say(f"  {sentence}")
    show.say(f"  use it with --model {copied.folder}")
