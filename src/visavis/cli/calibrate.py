"""``visavis calibrate``: thresholds and probabilities for the user's own people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.options import (
    DEFAULT_FMR,
    DEFAULT_MODEL,
    AsJson,
    DataSpec,
    Fmr,
    ModelName,
    Threads,
)


def calibrate(
    data: DataSpec,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model folder to make.")],
    model: ModelName = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    view: Annotated[int | None, typer.Option(min=1, max=2, help="For LFW: 1 or 2.")] = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Fit a model's calibration and thresholds on your own people, into a copy of its folder.

    The rate asked for is refused, before anything is written, where there are too few comparisons
    of different people to support it.
    """
    from visavis.data.source import open_source
    from visavis.evaluation.calibrate import calibrate_model
    from visavis.models.model import Model

    source = open_source(data, view)
    with show.progress() as advance:
        card = calibrate_model(
            Model.load(model, threads=threads), source.fitting or source.pairs, output, fmr, advance
        )
    assert card.scores and card.calibration  # noqa: S101 - calibrate_model has just made them
    threshold = card.scores.threshold(fmr)
    if as_json:
        show.print_json(
            {
                "folder": str(output),
                "threshold": threshold.model_dump(),
                "calibration": card.calibration.model_dump(),
            }
        )
        return
    interval = "" if threshold.low is None else f" [{threshold.low:.4f}, {threshold.high:.4f}]"
    show.say(f"{output}: threshold {threshold.value:.4f}{interval} at FMR {fmr:g}")
    show.say(f"  from {threshold.comparisons:,} comparisons of {threshold.fitted_on}")
    show.say(f"  use it with --model {output}")
