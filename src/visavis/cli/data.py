"""``visavis data``: the known data sets, making one ready, and what one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson, LfwView

app = typer.Typer(help="List, prepare and look at data sets.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def data(context: typer.Context, as_json: AsJson = False) -> None:
    """List the known data sets, or run one of the commands below."""
    if context.invoked_subcommand is None:
        list_data(as_json)


@app.command("list")
def list_data(as_json: AsJson = False) -> None:
    """The public data sets that visavis knows, and where a person gets them."""
    from visavis.data.known import known_sets

    known = known_sets()
    if as_json:
        rows = {name: {"title": k.title, "licence": k.licence} for name, k in known.items()}
        show.print_json({"data": rows})
        return
    show.table(
        ("data set", "what it is", "licence", "get it"),
        [(name, k.title, k.licence, k.where) for name, k in known.items()],
    )


@app.command("prepare")
def prepare(
    name: Annotated[str, typer.Argument(help="lfw or att.")],
    archive: Annotated[Path | None, typer.Option(help="Your copy: .tgz or .zip.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch what is missing.")] = False,
    target: Annotated[
        Path | None, typer.Option("--to", help="The folder to make; data/NAME by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Unpack or download a public data set, checked, ready for --data."""
    from visavis.data import prepare as preparing

    folder = target or Path("data") / name
    with show.progress() as advance:
        preparing.prepare(name, folder, archive, download, advance)
    if as_json:
        show.print_json({"name": name, "data": f"{name}:{folder}"})
    else:
        show.say(f"ready: --data {name}:{folder}")


@app.command("info")
def info(
    source: Annotated[
        str, typer.Argument(help="lfw:DIR, att:DIR, celeba:DIR, folder:DIR, csv:FILE or a path.")
    ],
    view: LfwView = None,
    save: Annotated[
        Path | None, typer.Option(help="Draw it: .png, .jpg, .pdf or .svg.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """People, photos, sizes, pairs, and files that are in two places."""
    from visavis.data.info import describe
    from visavis.data.source import open_source

    if save is not None:
        from visavis.report.picture_file import picture_format

        picture_format(save)  # before minutes of hashing
    found = describe(open_source(source, view))
    if save is not None:
        from visavis.report.data_plots import draw_source

        draw_source(found, save)
    if as_json:
        show.print_json(found.as_dict())
        return
    per_person = found.photos_per_person
    show.say(found.protocol)
    show.say(f"  {found.n_photos:,} photos of {found.n_people:,} people")
    for split, photos in found.photos_by_split.items():
        show.say(f"    {split}: {photos:,} photos of {found.people_by_split[split]:,} people")
    show.say(
        f"  photos a person: {per_person['min']:g} to {per_person['max']:g}, "
        f"median {per_person['median']:g}"
    )
    sizes = ", ".join(f"{size} ({count:,})" for size, count in list(found.sizes.items())[:5])
    show.say(f"  sizes of {found.n_sized:,} photos: {sizes}")
    for pairs in found.pairs:
        show.say(f"  {pairs.name}: {pairs.genuine:,} genuine, {pairs.impostor:,} impostor pairs")
    for group in found.duplicates:
        where = "ACROSS SPLITS: " if group in found.leaks else ""
        show.say(f"  {where}one file in {len(group.photos)} places: {', '.join(group.photos)}")
    for name in found.unreadable:
        show.note(f"unreadable: {name}")
