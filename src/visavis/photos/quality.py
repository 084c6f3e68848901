"""What makes a view of a face weak, in words."""

from __future__ import annotations

from visavis.photos.face import Face

MIN_EYE_DISTANCE = 20.0
MIN_SHARPNESS = 25.0
MAX_TURN = 0.65
"""Where recognition falls off, measured by ``benchmarks/quality.py``; see docs/figures.md."""


def weaknesses(face: Face) -> list[str]:
    """Why a comparison with this face deserves less trust; empty for a good view."""
    found = []
    if face.eye_distance < MIN_EYE_DISTANCE:
        found.append(f"small ({face.eye_distance:.0f} pixels between the eyes)")
    if face.sharpness < MIN_SHARPNESS:
        found.append("blurred")
    if face.turn > MAX_TURN:
        found.append("turned aside")
    return found
