"""``visavis people``: whom a gallery knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_URL, Consent, Expires, GalleryUrl
from visavis.cli.options import DEFAULT_MODEL, AsJson, ModelName
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.gallery.answers import Forgotten
    from visavis.matching.gallery.gallery import Gallery

app = typer.Typer(help="List, name, merge and forget the people of a gallery.")

Name = Annotated[str, typer.Argument(help="A person's name, in any case.")]


@app.command("list")
def list_people(
    gallery: GalleryUrl = DEFAULT_URL, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """Everybody, in the order of their names."""
    with _open(gallery, key_file) as opened:
        everybody = opened.people()
    if as_json:
        show.print_json({"people": [person.as_dict() for person in everybody]})
        return
    show.table(
        ("person", "photos", "since", "expires", "consent"),
        [
            (
                person.name,
                str(person.photos),
                f"{person.created:%Y-%m-%d}",
                f"{person.expires:%Y-%m-%d}" if person.expires else "",
                person.consent or "",
            )
            for person in everybody
        ],
    )


@app.command("show")
def show_person(
    name: Name, gallery: GalleryUrl = DEFAULT_URL, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """What is known of somebody."""
    with _open(gallery, key_file) as opened:
        person, faces = opened.show(name)
    if as_json:
        plain = {**person.as_dict(), "photos": [face.as_dict() for face in faces]}
        show.print_json(plain)
        return
    show.say(person.name)
    show.say(f"  enrolled  {person.created:%Y-%m-%d %H:%M} UTC")
    if person.expires:
        show.say(f"  expires   {person.expires:%Y-%m-%d %H:%M} UTC")
    if person.consent:
        show.say(f"  consent   {person.consent}")
    show.table(
        ("photo", "eyes", "sharpness", "turn", "crop kept"),
        [
            (
                face.file,
                f"{face.eye_distance:.0f}",
                f"{face.sharpness:.0f}",
                f"{face.turn:.2f}",
                "yes" if face.crop else "no",
            )
            for face in faces
        ],
    )


@app.command("rename")
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="The new name; one that nobody has.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody another name."""
    with _open(gallery, key_file) as opened:
        person = opened.rename(name, new)
    _say(f"{name} is {person.name} now", person.as_dict(), as_json=as_json)


@app.command("merge")
def merge(
    name: Name,
    into: Annotated[str, typer.Argument(help="Who they are, too; this name stays.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Two people are one: all photos of the first become the second's."""
    with _open(gallery, key_file) as opened:
        person = opened.merge(name, into)
    _say(f"{person.name} has {person.photos} photos now", person.as_dict(), as_json=as_json)


@app.command("agree")
def agree(
    name: Name,
    consent: Consent = None,
    expires: Expires = None,
    no_consent: Annotated[bool, typer.Option("--no-consent", help="Take the note away.")] = False,
    no_expiry: Annotated[
        bool, typer.Option("--no-expiry", help="Know them until they are forgotten.")
    ] = False,
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Note what somebody agreed to, and until when; what is not named stays as it is."""
    if (consent is not None and no_consent) or (expires and no_expiry):
        raise DataError("a note or a day is given or taken away, not both")
    from visavis.matching.gallery.people_table import Agreement

    agreed = Agreement()
    if consent is not None or no_consent:
        agreed["consent"] = consent
    if expires or no_expiry:
        agreed["expires"] = expires
    if not agreed:
        raise DataError("say what changes: --consent, --expires, --no-consent or --no-expiry")
    with _open(gallery, key_file) as opened:
        person = opened.agree(name, **agreed)
    until = f"until {person.expires:%Y-%m-%d}" if person.expires else "until they are forgotten"
    note = f", with the note: {person.consent}" if person.consent else ""
    _say(f"{person.name} is known {until}{note}", person.as_dict(), as_json=as_json)


@app.command("forget")
def forget(
    names: Annotated[list[str], typer.Argument(help="People's names.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete people from every table, index and file of the gallery.

    Backups and exports are out of its reach.
    """
    with _open(gallery, key_file) as opened:
        _gone(opened.forget(*names), as_json=as_json)


@app.command("purge")
def purge(
    expired: Annotated[bool, typer.Option("--expired", help="Those whose time is over.")] = False,
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Forget everybody whose time is over."""
    if not expired:
        raise DataError("say whom to forget: visavis people purge --expired")
    with _open(gallery, key_file) as opened:
        _gone(opened.purge_expired(), as_json=as_json)


@app.command("not")
def reject(
    name: Name,
    photo: Annotated[
        str, typer.Argument(help="A photo that does not show them, or sha256:… of an enrolled one.")
    ],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    model: ModelName = DEFAULT_MODEL,
    as_json: AsJson = False,
) -> None:
    """Record a wrong answer: this photo, or one nearly equal, is not called so again."""
    with _open(gallery, key_file, model) as opened:
        removed = opened.reject(name, photo)
    also = f", and it is no photo of {name} any more" if removed else ""
    plain = {"name": name, "photo": photo, "was_enrolled": removed}
    _say(f"{photo} will not be called {name}{also}", plain, as_json=as_json)


@app.command("drop")
def drop(
    name: Name,
    photo: Annotated[
        str, typer.Argument(help="A photo of theirs, or sha256: and its first digits.")
    ],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a photo from somebody who has others, such as a blurred one or a double."""
    with _open(gallery, key_file) as opened:
        person = opened.drop(name, photo)
    left = "1 photo" if person.photos == 1 else f"{person.photos} photos"
    _say(f"{person.name} has {left} now", person.as_dict(), as_json=as_json)


def _open(url: str, key_file: Path | None, model: str = DEFAULT_MODEL) -> Gallery:
    from visavis.matching.gallery.gallery import Gallery

    return Gallery(url, model, key=gallery_key(url, key_file), create=False)


def _say(text: str, plain: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show.print_json(plain)
    else:
        show.say(text)


def _gone(gone: Forgotten, *, as_json: bool) -> None:
    names = ", ".join(gone.names) or "nobody"
    photos = "1 photo" if gone.photos == 1 else f"{gone.photos} photos"
    _say(f"forgotten: {names}; {photos}", gone.as_dict(), as_json=as_json)
    if not gone.scrubbed:
        show.note(
            "warning: another process has the gallery open, so traces may be left in its free "
            "space; close it and say `visavis gallery scrub`"
        )
