"""A figure as a file that stands by itself, in the format that its name asks for."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from visavis.errors import DataError
from visavis.files import write_output

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".pdf": "pdf", ".svg": "svg"}
"""What a picture can be saved as, by its file's suffix."""

PAPER = {"figure.facecolor": "white", "savefig.bbox": "tight", "savefig.pad_inches": 0.3}
"""Settings for ``house_style``: no page stands behind the picture."""


def picture_format(path: Path | io.BytesIO) -> str:
    """What matplotlib calls the format; asked before anything is measured or drawn.

    Args:
        path: a file by its suffix; in memory a picture is a PNG.

    Raises:
        DataError: another suffix than those of ``FORMATS``.
    """
    if isinstance(path, io.BytesIO):
        return "png"
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(FORMATS)
        raise DataError(f"cannot save a picture as {path.name}; end its name in one of {known}")
    return kind


def save_picture(figure: Figure, path: Path | io.BytesIO) -> None:
    """Write the figure to a file or into memory, the same bytes each time.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    kind = picture_format(path)
    undated = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150, metadata=undated.get(kind))
    if isinstance(path, io.BytesIO):
        path.write(buffer.getvalue())
    else:
        write_output(path, buffer.getvalue())
