"""``visavis gallery check``: is it whole, and are its photos of whom they are said to be?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_FPIR, DEFAULT_URL, Fpir, GalleryUrl
from visavis.cli.options import DEFAULT_MODEL, AsJson, ModelName
from visavis.cli.outputs import check_folders

if TYPE_CHECKING:
    from visavis.matching.gallery.findings import Health

BROKEN = 1
LISTED = 20
"""Findings of one kind that are printed; a page and JSON hold more."""


def check(
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    model: ModelName = DEFAULT_MODEL,
    fpir: Fpir = DEFAULT_FPIR,
    report: Annotated[
        Path | None, typer.Option(help="Write a page that shows what was found.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether the database is whole, and which photos may be of somebody else or of no use.

    Exits with 1 where the database is broken. What is found in the photos is for a person to
    judge and changes no exit code.
    """
    check_folders(report)
    from visavis.matching.gallery.gallery import Gallery
    from visavis.matching.gallery.health_page import write_health_page

    key = gallery_key(gallery, key_file)
    with Gallery(gallery, model, key=key, create=False) as opened:
        health = opened.check(fpir=fpir)
        if gallery != (os.environ.get("VISAVIS_GALLERY") or DEFAULT_URL):
            health = health.addressed("--gallery", opened.name)
        if key_file:
            health = health.addressed("--key-file", str(key_file))
        if report:
            write_health_page(report, health, opened.faces_of)
    if as_json:
        show.print_json({**health.as_dict(), **({"page": str(report)} if report else {})})
    else:
        _say(health, report)
    if health.not_compared:
        show.note(f"warning: the photos were not compared: {health.not_compared}")
    raise typer.Exit(0 if health.whole else BROKEN)


def _say(health: Health, report: Path | None) -> None:
    from visavis.matching.gallery.findings import KINDS
    from visavis.matching.gallery.health_page import TITLES, summary

    for line in health.problems:
        show.say(line)
    if health.whole:
        show.say(f"{summary(health)}" + (f"; see {report}" if report else ""))
    for kind in KINDS:
        found = health.of(kind)
        if found:
            show.say(f"\n{TITLES[kind]} ({len(found):,})")
        for finding in found[:LISTED]:
            show.say(f"  {finding.why}")
            for line in finding.mend:
                show.say(f"    {line}")
            for line in finding.otherwise:
                show.say(f"    or, if it is right as it is: {line}")
        if len(found) > LISTED:
            show.say(f"  … and {len(found) - LISTED:,} more; --json lists all of them")
