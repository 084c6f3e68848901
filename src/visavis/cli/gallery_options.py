"""Options of the verbs that use a gallery."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from visavis.matching.gallery import DEFAULT_URL
from visavis.matching.gallery.threshold import DEFAULT_FPIR

GalleryUrl = Annotated[
    str,
    typer.Option(
        "--gallery",
        "-g",
        envvar="VISAVIS_GALLERY",
        help="sqlite:///FILE, postgresql://…, or a file.",
    ),
]
Fpir = Annotated[
    float,
    typer.Option(
        help="False-positive identification rate: the share of searches for strangers that may "
        "name somebody."
    ),
]
Consent = Annotated[str | None, typer.Option(help="A note about it.")]
Expires = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day from which to know them no more."),
]

__all__ = ["DEFAULT_FPIR", "DEFAULT_URL"]
