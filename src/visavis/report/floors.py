"""From what on a run of one of visavis's own recipes says something of the system it follows."""

from __future__ import annotations

from typing import Final

from visavis.report.run_file import SavedRun

SIDES: Final = {"koch": 105, "small": 96, "resnet50": 112, "resnet152": 112, "iresnet": 112}
"""Of the smallest square crop, in pixels, for each backbone; another shape holds as many pixels."""

EPOCHS: Final = 20
"""The fewest, where training did not end by itself."""

_ENDED_BY_ITSELF = ("patience", "nothing to learn")


def below_floors(run: SavedRun) -> str:
    """Why the figures of ``run`` do not count, in words; empty where they do."""
    reasons = []
    side = SIDES.get(run.backbone, 0)
    if run.width and run.height and run.width * run.height < side**2:
        reasons.append(f"crops of {run.width}x{run.height}, where {side}x{side} are asked for")
    epochs = run.epochs or 0
    if run.stopped not in _ENDED_BY_ITSELF and epochs < EPOCHS:
        reasons.append(f"{epochs} epochs without early stopping, where {EPOCHS} are asked for")
    return "; ".join(reasons)
