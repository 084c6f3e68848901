"""``visavis identify`` for a video: one row for each person seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from visavis.cli import show
from visavis.cli.exits import DIFFERENT, SAME, SOME_SKIPPED

if TYPE_CHECKING:
    from visavis.matching.gallery.decide import SearchRule
    from visavis.matching.gallery.gallery import Gallery
    from visavis.matching.gallery.video import SearchedVideo

COLUMNS = ("person", "first", "last", "seconds", "frames", "similarity", "why")


def identify_video(
    gallery: Gallery, video: Path, rule: SearchRule, fps: float, *, as_json: bool
) -> None:
    """Search for everybody in a video, print who they are, and exit as ``identify`` does."""
    with show.progress() as advance:
        searched = gallery.identify_video(video, rule, fps=fps, progress=advance)
    if as_json:
        show.print_json(searched.as_dict())
    else:
        show.table(COLUMNS, _rows(searched))
    for warning in searched.warnings:
        show.note(f"warning: {warning}")
    if searched.cut_short:
        raise typer.Exit(SOME_SKIPPED)
    raise typer.Exit(SAME if searched else DIFFERENT)


def _rows(searched: SearchedVideo) -> list[tuple[str, ...]]:
    return [
        (
            person.label,
            _clock(person.first),
            _clock(person.last),
            f"{person.seconds:.1f}",
            str(len(person.times)),
            "" if person.similarity is None else f"{person.similarity:.3f}",
            person.answer.why,
        )
        for person in searched.people
    ]


def _clock(seconds: float) -> str:
    """``0:07.4``, ``1:02:07.4``."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    front = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{front}:{rest // 10:02}.{rest % 10}"
