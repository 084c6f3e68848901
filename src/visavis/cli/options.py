"""Options that several verbs share, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.models.model import DEFAULT_FMR
from visavis.models.zoo import DEFAULT_MODEL
from visavis.photos.choose import Choice

ModelName = Annotated[
    str, typer.Option("--model", "-m", help="A known model's name, or a model folder.")
]
Fmr = Annotated[
    float,
    typer.Option(help="False-match rate: the share of strangers that may pass. Such as 1e-3."),
]
ThresholdValue = Annotated[
    float | None, typer.Option("--threshold", help="Decide at this similarity instead.")
]
PriorShare = Annotated[
    float,
    typer.Option("--prior", min=1e-9, max=1 - 1e-9, help="Share of same pairs you expect."),
]
FaceChoice = Annotated[
    Choice, typer.Option("--faces", help="Which face, where a photo shows several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads; all cores by default.", show_default=False)
]
DataSpec = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        help="lfw:DIR, att:DIR, celeba:DIR, folder:DIR, csv:FILE, or a path that says it.",
    ),
]
LfwView = Annotated[int | None, typer.Option("--view", min=1, max=2, help="For LFW: 1 or 2.")]
RecipeName = Annotated[str, typer.Argument(help="A recipe of ours by name, or a TOML file.")]
RunFolder = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The run's folder; runs/NAME by default."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a killed run.")]
Budget = Annotated[
    str | None, typer.Option(help="End after so long with the best epoch: 90s, 40m, 2h.")
]
Devices = Annotated[int, typer.Option(min=1, help="Processes or GPUs of this machine.")]
Nodes = Annotated[int, typer.Option(min=1, help="Machines, started by torchrun or SLURM.")]
Results = Annotated[
    Path | None, typer.Option(help="Add or replace what was found as a section of a .md file.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where to write.")]

__all__ = ["DEFAULT_FMR", "DEFAULT_MODEL"]
