"""``visavis calibrate``: thresholds and probabilities for the user's own people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import (
    DEFAULT_FMR,
    DEFAULT_MODEL,
    AsJson,
    DataSpec,
    Fmr,
    LfwView,
    ModelName,
    Threads,
)


def calibrate(
    data: DataSpec,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model folder to make.")],
    model: ModelName = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    view: LfwView = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Fit a model's calibration and thresholds on your own people, into a copy of its folder.

    The rate asked for is refused, before anything is written, where there are too few comparisons
    of different people to support it.
    """
    from visavis.data.source import open_source
    from visavis.evaluation.calibrate import calibrate as fit
    from visavis.evaluation.calibrate import calibrated_card
    from visavis.models.folder import network_files, write_folder
    from visavis.models.model import Model
    from visavis.report.card_page import card_files

    source = open_source(data, view)
    loaded = Model.load(model, threads=threads)
    with show.progress() as advance:
        found = fit(loaded, source.fitting or source.pairs, fmr, advance)
    card = calibrated_card(loaded, found.fitted)
    write_folder(output, card, {**network_files(loaded.folder, card), **card_files(card)})
    threshold = found.fitted.scores.threshold(fmr)
    skipped = [f"no face found in {path}" for path in found.missed]
    skipped += [reason for _, reason in found.unreadable]
    for text in skipped:
        show.note(f"skipped: {text}")
    if as_json:
        show.print_json(
            {
                "folder": str(output),
                "threshold": threshold.model_dump(),
                "calibration": found.fitted.calibration.model_dump(),
                "skipped": skipped,
            }
        )
    else:
        interval = "" if threshold.low is None else f" [{threshold.low:.4f}, {threshold.high:.4f}]"
        show.say(f"{output}: threshold {threshold.value:.4f}{interval} at FMR {fmr:g}")
        show.say(f"  from {threshold.comparisons:,} comparisons: {threshold.fitted_on}")
        show.say(f"  use it with --model {output}")
    raise typer.Exit(SOME_SKIPPED if skipped else 0)
