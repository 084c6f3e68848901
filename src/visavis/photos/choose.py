"""Which face of a photo is meant."""

from __future__ import annotations

from typing import Literal, get_args

from visavis.errors import CrowdError
from visavis.photos.face import Face

Choice = Literal["largest", "central", "one", "all"]
Box = tuple[float, float, float, float]
"""Left, top, width, height."""
CHOICES: tuple[Choice, ...] = get_args(Choice)


def choose_faces(faces: list[Face], choice: Choice) -> list[Face]:
    """The faces that are meant.

    Args:
        faces: of one photo.
        choice: ``largest`` by area of the box; ``central``, the one that holds the photo's central
            pixel, else the one nearest to it; ``one`` refuses a crowd; ``all``.

    Returns:
        ``faces`` for ``all``, else one face, or none where there is none.

    Raises:
        CrowdError: ``one`` and there are several.
        ValueError: an unknown choice.
    """
    if choice not in CHOICES:
        raise ValueError(f"faces are chosen by {', '.join(CHOICES)}, not {choice!r}")
    if choice == "all" or not faces:
        return faces
    if choice == "one" and len(faces) > 1:
        raise CrowdError(
            f"{faces[0].photo.origin} shows {len(faces)} faces where one is asked for; "
            "crop it, or choose one with --faces largest or central"
        )
    key = _from_centre if choice == "central" else _smaller
    return [min(faces, key=key)]


def _smaller(face: Face) -> float:
    return -face.box[2] * face.box[3]


def _from_centre(face: Face) -> tuple[bool, float]:
    """Sorts boxes that hold the central pixel first, then by distance of their centres to it."""
    left, top, width, height = face.box
    x, y = face.photo.width / 2, face.photo.height / 2
    outside = not (left <= x < left + width and top <= y < top + height)
    return outside, (left + width / 2 - x) ** 2 + (top + height / 2 - y) ** 2


def overlap(a: Box, b: Box) -> float:
    """The share of two boxes' union that both cover."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / max(a[2] * a[3] + b[2] * b[3] - shared, 1e-12)
