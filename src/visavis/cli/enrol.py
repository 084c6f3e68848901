"""``visavis enrol``: make people known by their photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.embed import list_photos
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_URL, Consent, Expires, GalleryUrl
from visavis.cli.options import DEFAULT_MODEL, AsJson, FaceChoice, ModelName, Threads
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.gallery.answers import Enrolled
    from visavis.matching.gallery.named_groups import FaceAt


def enrol(
    name: Annotated[str | None, typer.Argument(help="Who it is.")] = None,
    photos: Annotated[
        list[Path] | None, typer.Argument(help="Photos of them, or folders of such.")
    ] = None,
    people: Annotated[
        Path | None, typer.Option("--from", help="A folder with one folder for each person.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(help="The names that the page of `visavis group` saved.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--photos", help="The folder that was grouped, for --groups.")
    ] = Path(),
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    model: ModelName = DEFAULT_MODEL,
    faces: FaceChoice = "one",
    force: Annotated[
        bool, typer.Option("--force", help="Take weak, crowded and already enrolled photos too.")
    ] = False,
    keep_crops: Annotated[
        bool, typer.Option("--keep-crops", help="Keep the faces' pixels, to change models later.")
    ] = False,
    consent: Consent = None,
    expires: Expires = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Make somebody known, or better known: a name that exists gets more photos.

    Small, blurred and turned faces, photos of several people and photos that are enrolled for
    somebody else are skipped, each with its reason; then it exits with 4, or with 2 or 3 where
    nothing was enrolled.
    """
    listed = _listed(name, photos, people, groups, folder)

    from visavis.matching.gallery.gallery import Gallery
    from visavis.models.model import Model

    key = gallery_key(gallery, key_file)
    loaded = Model.load(model, threads=threads)
    options: dict[str, Any] = {"force": force, "keep_crops": keep_crops, "faces": faces}
    done: list[Enrolled] = []
    with Gallery(gallery, loaded, key=key) as opened, show.progress() as advance:
        seen = 0
        for enrolled in opened.enrol_many(listed, consent=consent, expires=expires, **options):
            done.append(enrolled)
            seen += len(enrolled.added) + len(enrolled.already) + len(enrolled.skipped)
            advance("enrolling photos", min(seen, len(listed)), len(listed))
    _report(done, gallery, as_json=as_json)


def _listed(
    name: str | None,
    photos: Sequence[Path] | None,
    people: Path | None,
    groups: Path | None,
    folder: Path,
) -> Sequence[tuple[str, Path | FaceAt]]:
    ways = (name, people, groups)
    if sum(way is not None for way in ways) != 1 or (name is not None and not photos):
        raise DataError(
            "enrol takes a name and photos of them, or --from with a folder of people, or --groups "
            "with the names that the page of `visavis group` saved"
        )
    if groups is not None:
        from visavis.matching.gallery.named_groups import read_groups

        return read_groups(groups, folder)
    if people is not None:
        from visavis.data.folder import read_folder

        known = read_folder(people)
        owners = (known.names[person] for person in known.people)
        return list(zip(owners, known.photos, strict=True))

    from visavis.matching.gallery.names import clean_name

    cleaned = clean_name(name or "")
    return [(cleaned, photo) for photo in list_photos(list(photos or []))]


def _report(done: Sequence[Enrolled], gallery: str, *, as_json: bool) -> None:
    skipped = [reason for enrolled in done for reason in enrolled.skipped]
    if not any(done):
        if len(skipped) > 1:
            for reason in skipped:
                show.note(f"skipped: {reason}")
            raise type(skipped[0])(f"none of {len(skipped)} photos could be enrolled")
        raise skipped[0]
    if as_json:
        show.print_json({"gallery": gallery, "people": [enrolled.as_dict() for enrolled in done]})
    else:
        for enrolled in done:
            show.say(_line(enrolled))
    for reason in skipped:
        show.note(f"skipped: {reason}")
    raise typer.Exit(SOME_SKIPPED if skipped else 0)


def _line(enrolled: Enrolled) -> str:
    photos = "1 photo" if len(enrolled.added) == 1 else f"{len(enrolled.added)} photos"
    line = f"{enrolled.name}: {photos} enrolled"
    if enrolled.already:
        line += f", {len(enrolled.already)} were before"
    if enrolled.skipped:
        line += f", {len(enrolled.skipped)} skipped"
    return line
