"""``visavis gallery``: what a gallery is, whether it is whole, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.gallery_check import check
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_migrate import migrate
from visavis.cli.gallery_options import DEFAULT_URL, GalleryUrl
from visavis.cli.gallery_secrets import decrypt, encrypt, make_key
from visavis.cli.options import AsJson
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.gallery.gallery import Gallery

app = typer.Typer(help="Look at, check, copy and bring back a gallery.")

app.command("check")(check)
app.command("encrypt")(encrypt)
app.command("decrypt")(decrypt)
app.command("new-key")(make_key)
app.command("migrate")(migrate)


@app.command("info")
def info(
    gallery: GalleryUrl = DEFAULT_URL, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """Its model, how many people it knows, its size."""
    with _open(gallery, key_file) as opened:
        facts = opened.info()
    if as_json:
        show.print_json(facts)
        return
    show.say(facts["gallery"])
    show.say(f"  model    {facts['model']} ({facts['fingerprint'][:12]})")
    show.say(f"  people   {facts['people']:,} with {facts['photos']:,} photos")
    if facts["expired"]:
        show.say(f"  expired  {facts['expired']:,}: visavis people purge --expired")
    show.say(f"  wrong    {facts['wrong_answers']:,} answers on record")
    show.say(f"  sealed   {_sealed(facts)}")
    show.say(f"  size     {facts['bytes'] / 2**20:,.1f} MiB")
    show.say(f"  made     {facts['created'][:10]}, schema {facts['schema']}")


@app.command("scrub")
def scrub(
    gallery: GalleryUrl = DEFAULT_URL, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """Wipe what forgotten people left in the file's free space, as `forget` does by itself."""
    with _open(gallery, key_file) as opened:
        scrubbed = opened.scrub()
    if not scrubbed:
        raise DataError(f"{gallery} is in use by another process; close it and try again")
    if as_json:
        show.print_json({"gallery": gallery, "scrubbed": True})
    else:
        show.say(f"{gallery} holds no traces of who was forgotten")


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(help="A new folder, or a new .zip file.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write everything to JSON, npz and JPEG files in the clear, for any program to read."""
    with _open(gallery, key_file) as opened:
        people = opened.export(target)
    _done("exported", people, target, as_json=as_json)


@app.command("import")
def import_gallery(
    source: Annotated[Path, typer.Argument(help="What `export` wrote.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Add an exported gallery; people whose names are known get more photos."""
    from visavis.matching.gallery.transfer import import_

    people, photos = import_(source, gallery, gallery_key(gallery, key_file))
    if as_json:
        show.print_json({"imported": people, "photos": photos, "gallery": gallery})
    else:
        show.say(f"{people:,} people imported into {gallery}, with {photos:,} new photos")


@app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(help="A new file.")],
    gallery: GalleryUrl = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Copy the gallery as it is now, also while it is in use."""
    from visavis.matching.gallery.backup import back_up

    _done("backed up", back_up(gallery, target), target, as_json=as_json)


@app.command("restore")
def restore_backup(
    source: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    gallery: GalleryUrl = DEFAULT_URL,
    force: Annotated[
        bool, typer.Option("--force", help="In the place of a gallery that holds somebody.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back, whole or not at all."""
    from visavis.matching.gallery.backup import restore

    people = restore(source, gallery, force=force)
    if as_json:
        show.print_json({"restored": people, "gallery": gallery})
    else:
        show.say(f"{people:,} people restored into {gallery}")


def _open(url: str, key_file: Path | None) -> Gallery:
    from visavis.matching.gallery.gallery import Gallery

    return Gallery(url, key=gallery_key(url, key_file), create=False)


def _sealed(facts: dict[str, Any]) -> str:
    if facts["key"] is None:
        return "no: visavis gallery encrypt"
    return f"by {facts['cipher']}, opened by a {'key ' * (facts['key'] == 'file')}{facts['key']}"


def _done(what: str, people: int, target: Path, *, as_json: bool) -> None:
    if as_json:
        show.print_json({what.replace(" ", "_"): people, "target": str(target)})
    else:
        clear = ", in the clear" if what == "exported" else ""
        show.say(f"{people:,} people {what} to {target}{clear}; keep it as safe as the gallery")
