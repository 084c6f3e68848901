"""Photos as small pictures inside a page, and the pairs that are worth a look."""

from __future__ import annotations

import base64
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from visavis.evaluation.evaluation import Evaluation

SHOWN_PAIRS = 8


@dataclass(frozen=True)
class HardPair:
    """A pair near or beyond the threshold.

    Attributes:
        photos: both paths; people: both names.
        similarity: finite; probability: ``None`` without a calibration.
        wrong: whether it was decided wrongly.
    """

    photos: tuple[Path, Path]
    people: tuple[str, str]
    similarity: float
    probability: float | None
    wrong: bool


def hardest_pairs(
    evaluation: Evaluation, *, genuine: bool, limit: int = SHOWN_PAIRS
) -> list[HardPair]:
    """The genuine pairs of lowest similarity, or the impostor pairs of highest, hardest first."""
    pairs = evaluation.pairs
    kind = np.flatnonzero((pairs.same == genuine) & np.isfinite(evaluation.similarity))
    towards = evaluation.similarity[kind] if genuine else -evaluation.similarity[kind]
    # Stable, so that equal similarities come in the order of the list, on every machine.
    rows = kind[np.argsort(towards, kind="stable")[:limit]]
    return [_hard_pair(evaluation, int(row)) for row in rows]


def _hard_pair(evaluation: Evaluation, row: int) -> HardPair:
    faces = evaluation.pairs.faces
    first, second = int(evaluation.pairs.first[row]), int(evaluation.pairs.second[row])
    probability = float(evaluation.probability[row])
    return HardPair(
        photos=(faces.photos[first], faces.photos[second]),
        people=(faces.names[faces.people[first]], faces.names[faces.people[second]]),
        similarity=float(evaluation.similarity[row]),
        probability=None if math.isnan(probability) else probability,
        wrong=bool(evaluation.predicted[row] != evaluation.pairs.same[row]),
    )


def thumbnail(path: Path, size: int) -> str | None:
    """The photo as a ``data:`` URI of a JPEG at most ``size`` pixels a side.

    ``None`` where it cannot be opened any more: a report outlives its photos.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.draft("RGB", (2 * size, 2 * size))  # a JPEG is decoded small at once
                small = _eight_bit(ImageOps.exif_transpose(image))
        small.thumbnail((size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _eight_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        if image.mode in ("RGBA", "LA", "PA", "P"):
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    values: NDArray[np.float64] = np.asarray(image, dtype=np.float64)
    span = max(float(np.ptp(values)), 1.0)
    return Image.fromarray(((values - values.min()) / span * 255).astype(np.uint8)).convert("RGB")
