"""What makes a view of a face weak, in words."""

from __future__ import annotations

from typing import Protocol

MIN_EYE_DISTANCE = 14.0
MIN_SHARPNESS = 15.0
MAX_TURN = 0.8
"""Below and beyond these the share of genuine pairs that are rejected at a false-match rate of 1e-3
has about doubled for the default model; ``benchmarks/quality.py`` measures it. LFW holds few turned
heads, so the third bound is the least certain."""


class View(Protocol):
    """A face's measures, see ``Face``."""

    @property
    def eye_distance(self) -> float:
        """Pixels."""

    @property
    def turn(self) -> float:
        """0 frontal, about 1 in profile."""

    @property
    def sharpness(self) -> float:
        """Variance of the Laplacian."""


def weaknesses(face: View) -> list[str]:
    """Why a comparison with this face deserves less trust; empty for a good view."""
    found = []
    if face.eye_distance < MIN_EYE_DISTANCE:
        found.append(f"small ({face.eye_distance:.0f} pixels between the eyes)")
    if face.sharpness < MIN_SHARPNESS:
        found.append("blurred")
    if face.turn > MAX_TURN:
        found.append("turned aside")
    return found
