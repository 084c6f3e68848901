"""What may be wrong with a gallery's photos, to look at: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from visavis.files import write_output
from visavis.matching.found import data_uri, tile
from visavis.matching.gallery.findings import KINDS, EnrolledPhoto, Finding, Health, Kind
from visavis.photos.face import Face
from visavis.report.html import small_page
from visavis.report.wording import count

Faces = Callable[[Sequence[EnrolledPhoto]], Iterator[Face | None]]

TITLES: dict[Kind, str] = {
    "mislabelled": "Photos that look like somebody else's",
    "unlike": "Photos that look like a stranger's",
    "alike": "People who may be one",
    "duplicate": "Photos that are there twice",
    "weak": "Weak photos",
    "single": "People with one photo",
}
MEANINGS: dict[Kind, str] = {
    "mislabelled": "Searched for among all others, each would be called somebody else.",
    "unlike": "Each is as unlike the same person's other photos as strangers' photos are.",
    "alike": "Two of their photos are alike enough for a search to name somebody.",
    "duplicate": "Each adds nothing to the other photo, which is larger or older.",
    "weak": "Small, blurred or turned aside: enrolling refuses such photos unless it is forced.",
    "single": "Several photos, in other light and poses, find a person surer.",
}
SHOWN = 120
"""Findings of one kind on a page: two pictures of 5 kB each, six kinds, within what mail lets
through."""


def write_health_page(path: Path, health: Health, faces_of: Faces) -> None:
    """Write the page to ``path``, whole or not at all.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        health: to show.
        faces_of: the faces of enrolled photos; ``None`` for those whose crops were not kept.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, health_page(health, faces_of).encode("utf-8", "replace"))


def health_page(health: Health, faces_of: Faces) -> str:
    """The page, see ``write_health_page``."""
    sections = [_section(kind, health.of(kind), faces_of) for kind in KINDS if health.of(kind)]
    shown = [photo for section in sections for card in section["cards"] for photo in card["photos"]]
    content: dict[str, Any] = {
        "health": health,
        "name": Path(health.gallery).name,
        "summary": summary(health),
        "sections": sections,
        "without_picture": sum(photo["picture"] is None for photo in shown),
        "with_picture": sum(photo["picture"] is not None for photo in shown),
    }
    return small_page(content, "health.html.j2")


def summary(health: Health) -> str:
    """What was found, in a sentence without its stop."""
    if not health.whole:
        return f"{health.gallery} is broken: {count(len(health.problems), 'problem')}"
    looked = f"{count(health.people, 'person', 'people')} with {count(health.photos, 'photo')}"
    found = count(len(health.findings), "finding") if health.findings else "nothing to mend"
    return f"{health.gallery} is whole; {looked}: {found}"


def _section(kind: Kind, findings: Sequence[Finding], faces_of: Faces) -> dict[str, Any]:
    cards = [
        {
            "finding": finding,
            "photos": [
                {"of": photo, "picture": data_uri(tile(face)) if face else None}
                for photo, face in zip(finding.photos, faces_of(finding.photos), strict=True)
            ],
        }
        for finding in findings[:SHOWN]
    ]
    return {
        "kind": kind,
        "title": TITLES[kind],
        "meaning": MEANINGS[kind],
        "cards": cards,
        "total": len(findings),
    }
