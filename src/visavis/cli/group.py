"""``visavis group``: the faces of unlabelled photos, sorted into people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.embed import list_photos
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import DEFAULT_MODEL, AsJson, Fmr, ModelName, Threads, ThresholdValue
from visavis.cli.outputs import check_folders, write_rows
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.group_photos import People


def group(
    folder: Annotated[Path, typer.Argument(help="A folder of photos; those below it count too.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page with the people's faces.")
    ] = Path("groups.html"),
    to: Annotated[
        Path | None, typer.Option(help="Copy each person's photos to a folder in this one.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a row for each face.")] = None,
    model: ModelName = DEFAULT_MODEL,
    fmr: Fmr = 1e-4,
    threshold: ThresholdValue = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Sort all faces of a folder's photos into people, and show them on a page.

    Exits with 4 where photos were skipped, 3 where none shows a face.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give a folder of photos")
    photos = list_photos([folder])
    check_folders(output, csv)

    from visavis.matching.gallery.named_groups import COLUMNS
    from visavis.matching.group_page import summary, write_group_page
    from visavis.matching.group_photos import check_empty, group_photos, write_people
    from visavis.models.model import Model
    from visavis.report.wording import count

    if to:
        check_empty(to)
    loaded = Model.load(model, threads=threads)
    with show.progress() as advance:
        people = group_photos(loaded, photos, fmr=fmr, threshold=threshold, progress=advance)
    write_group_page(output, people, folder)
    if csv:
        write_rows(csv, COLUMNS, _rows(people))
    folders = write_people(people, to) if to else 0
    if as_json:
        show.print_json({**people.as_dict(), "page": str(output)})
    else:
        show.say(f"{summary(people)}; look at them, and name them, in {output}")
        if to:
            name = f"name each after its person, then visavis enrol --from {to}"
            show.say(f"{count(folders, 'folder')} in {to}: {name}")
    for _, reason in people.skipped:
        show.note(f"skipped: {reason}")
    raise typer.Exit(SOME_SKIPPED if people.skipped else 0)


def _rows(people: People) -> list[tuple[str, ...]]:
    return [
        (people.name(number), str(face.photo), *face.place.split(","))
        for number, group in enumerate(people.groups)
        for face in group
    ]
