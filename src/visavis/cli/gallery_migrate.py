"""``visavis gallery migrate``: the same people, known to another model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_URL, GalleryUrl
from visavis.cli.options import AsJson, ModelName, Threads
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.gallery.reembed import Migration


def migrate(
    model: ModelName,
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    drop_missing: Annotated[
        bool,
        typer.Option(
            "--drop-missing",
            help="Forget photos without a crop, and people who have no other photos.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it takes.")] = False,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Embed everybody's photos by another model, from the crops that were kept of them.

    Where a photo has no crop, it says whose, exits with 2 and changes nothing.
    """
    from visavis.matching.gallery.reembed import migrate as move
    from visavis.models.model import Model

    key = gallery_key(gallery, key_file)
    loaded = Model.load(model, threads=threads)
    with show.progress() as advance:
        moved = move(
            gallery, loaded, key=key, drop_missing=drop_missing, dry_run=dry_run, progress=advance
        )
    if as_json:
        show.print_json({"gallery": gallery, **moved.as_dict()})
    elif moved or not moved.needed or dry_run:
        show.say(_outcome(gallery, moved))
    for name, files in moved.missing.items():
        whom = f"{name}, who has no other photo" if name in moved.left_out else name
        show.note(f"{'forgotten' if moved else 'no crop is kept'}: {', '.join(files)} of {whom}")
    _warn(moved, calibrated=loaded.card.scores is not None)
    if moved.needed and not moved and not dry_run:
        sentence = _refusal(moved)
        if not as_json:
            raise DataError(sentence)
        show.note(f"visavis: {sentence}")  # the object on stdout has said more already
        raise typer.Exit(DataError.exit_code)


def _outcome(gallery: str, moved: Migration) -> str:
    if not moved.needed:
        return f"{gallery} is {moved.after}'s already; there is nothing to do"
    photos = "1 photo" if moved.photos == 1 else f"{moved.photos:,} photos"
    done = "embedded" if moved else "to be embedded"
    return f"{photos} of {gallery} {done} by {moved.after} instead of {moved.before}"


def _refusal(moved: Migration) -> str:
    missing = sum(map(len, moved.missing.values()))
    return (
        f"no crop is kept of {missing:,} of {missing + moved.photos:,} photos, so nothing was "
        "changed; enrol them again with --keep-crops, or give --drop-missing to forget them"
    )


def _warn(moved: Migration, *, calibrated: bool) -> None:
    if moved.needed and moved.wrong_answers:
        show.note(
            f"note: {moved.wrong_answers:,} recorded wrong answers hold for the same photos alone "
            "from then on, and no longer for nearly equal ones"
        )
    if moved and not calibrated:
        show.note(
            f"warning: {moved.after} has no calibration, so identify takes --threshold alone; "
            "see `visavis calibrate`"
        )
    if not moved.scrubbed:
        show.note(
            "warning: another process has the gallery open, so traces may be left in its free "
            "space; close it and say `visavis gallery scrub`"
        )
