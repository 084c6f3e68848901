"""``visavis explain``: what moved the similarity of two faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.options import (
    DEFAULT_FMR,
    DEFAULT_MODEL,
    AsJson,
    FaceChoice,
    Fmr,
    ModelName,
    Threads,
)
from visavis.errors import DataError


def explain(
    first: Annotated[Path, typer.Argument(help="A photo.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    save: Annotated[Path, typer.Option(help="Where to draw both maps.")] = Path("explanation.png"),
    model: ModelName = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    faces: FaceChoice = "largest",
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Cover both faces patch by patch, and draw where the similarity comes from."""
    if faces == "all":
        raise DataError("explain draws one face of each photo; choose largest, central or one")

    from visavis.matching import explain as explaining
    from visavis.matching.picture import draw_explanation
    from visavis.models.model import Model

    loaded = Model.load(model, threads=threads)
    found = explaining.explain(first, second, model=loaded, fmr=fmr, faces=faces)
    draw_explanation(
        found.crops,
        found.maps,
        found.outside_shares,
        found.verdict.similarity,
        save,
        outside_area=found.outside_area,
    )
    if as_json:
        show.print_json({**found.as_dict(), "picture": str(save)})
        return
    show.say(f"similarity {found.verdict.similarity:.3f}; the maps are in {save}")
    for photo, share in zip((first, second), found.outside_shares, strict=True):
        show.say(
            f"  {photo}: {share:.0%} of the change lies outside the face's oval "
            f"(which leaves {found.outside_area:.0%} of the crop outside)"
        )
