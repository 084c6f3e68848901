"""The people found in a folder, to look at: one self-contained HTML file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visavis.files import write_output
from visavis.matching.found import FoundFace
from visavis.matching.gallery.named_groups import COLUMNS
from visavis.matching.group_photos import People
from visavis.report.html import LISTED_PHOTOS, small_page
from visavis.report.wording import count

FACES_SHOWN = (60, 24, 12, 6, 3)
"""Of one person, tried in turn until the page is small enough."""

NAMES = "names.csv"
"""What the page saves the names as."""

PICTURES = 6_500_000
"""Bytes of JPEG in a page; in base64 a third more, within ``LARGEST_REPORT``."""


def write_group_page(path: Path, people: People, folder: Path) -> None:
    """Write the page to ``path``, whole or not at all.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        people: to show.
        folder: where the photos are; they are named from there on.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, group_page(people, folder).encode("utf-8", "replace"))


def group_page(people: People, folder: Path) -> str:
    """The page, see ``write_group_page``; the same people give the same bytes."""
    several, singles = people.several, people.singles
    shown, left = _shown(several)
    once = _first(singles, left)
    content: dict[str, Any] = {
        "title": folder.resolve().name,
        "summary": summary(people),
        "people": people,
        "groups": [
            {
                "name": people.name(number),
                "size": len(group),
                "faces": faces,
                "photos": [_place(face.photo, folder) for face in group],
            }
            for number, (group, faces) in enumerate(zip(several, shown, strict=False))
        ],
        "unshown": len(several) - len(shown),
        "singles": once,
        "single_photos": [_place(face.photo, folder) for face in once],
        "more_singles": len(singles) - len(once),
        "skipped": [
            reason.replace(str(photo), _place(photo, folder))
            for photo, reason in people.skipped[:LISTED_PHOTOS]
        ],
        "place": lambda photo: _place(photo, folder),
        "columns": COLUMNS,
        "command": shlex.join(
            ["visavis", "enrol", "--groups", NAMES, "--photos", folder.resolve().name]
        ),
        "names_file": NAMES,
    }
    return small_page(content, "groups.html.j2")


def summary(people: People) -> str:
    """What was found, in a sentence."""
    faces = sum(map(len, people.groups))
    several, singles = len(people.several), len(people.singles)
    photos = people.photos - len(people.skipped)
    return (
        f"{count(faces, 'face')} in {count(photos, 'photo')}: "
        f"{count(several, 'person', 'people')} seen more than once, {singles:,} seen once"
    )


def _shown(groups: Sequence[list[FoundFace]]) -> tuple[list[list[FoundFace]], int]:
    """The first faces of each group, of as many groups as a page holds, and the bytes left."""
    for limit in FACES_SHOWN:
        shown = [group[:limit] for group in groups]
        sizes = [sum(len(face.tile) for face in group) for group in shown]
        if sum(sizes) <= PICTURES:
            return shown, PICTURES - sum(sizes)
    left, fitting = PICTURES, 0
    while sizes[fitting] <= left:
        left -= sizes[fitting]
        fitting += 1
    return shown[:fitting], 0


def _first(faces: Sequence[FoundFace], left: int) -> list[FoundFace]:
    """As many faces as fit into so many bytes."""
    fitting = []
    for face in faces:
        left -= len(face.tile)
        if left < 0:
            break
        fitting.append(face)
    return fitting


def _place(photo: Path, folder: Path) -> str:
    """Where the folder lies is nobody's business to whom the page is sent."""
    return photo.relative_to(folder).as_posix() if photo.is_relative_to(folder) else photo.name
