"""``visavis match``: on-site photos, each with its nearest reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import (
    DEFAULT_MODEL,
    AsJson,
    FaceChoice,
    ModelName,
    PriorShare,
    Threads,
    ThresholdValue,
)
from visavis.cli.outputs import check_folders, write_rows
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.pair_photos import Pair, Paired

COLUMNS = ("photo", "person", "nearest", "reference", "similarity", "distance", "probability")


def match(
    references: Annotated[
        Path, typer.Argument(help="A folder of known people: NAME/photo.jpg, or NAME_1.jpg.")
    ],
    onsite: Annotated[Path, typer.Argument(help="A folder of photos to name.")],
    open_set: Annotated[
        bool, typer.Option("--open-set", help="A photo may show nobody among the references.")
    ] = False,
    one_to_one: Annotated[
        bool, typer.Option("--one-to-one", help="Each person is on one on-site photo at most.")
    ] = False,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            max=0.5,
            help="With --open-set: the share of strangers that may pass.",
            show_default="0.01",
        ),
    ] = None,
    fmr: Annotated[
        float | None, typer.Option(help="With --open-set: the rate of one comparison instead.")
    ] = None,
    threshold: ThresholdValue = None,
    save: Annotated[
        Path | None, typer.Option(help="Show the pairs: .html, .png, .jpg, .pdf or .svg.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a row for each on-site photo.")] = None,
    model: ModelName = DEFAULT_MODEL,
    prior: PriorShare = 0.5,
    faces: FaceChoice = "one",
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Name each on-site photo after the reference it is most like.

    Exits with 4 where photos were skipped, 3 where none of a folder shows a face.
    """  # fmt: skip
    decided = (fpir, fmr, threshold) != (None, None, None)
    if decided and not open_set:
        raise DataError("--fpir, --fmr and --threshold say who is nobody: add --open-set")
    if faces == "all":
        raise DataError("match compares one face of each photo; choose one, largest or central")

    from visavis.data.folder import read_folder
    from visavis.matching.pair_photos import DEFAULT_FPIR, PairingRule, pair_photos
    from visavis.matching.pairing_picture import check_suffix, save_pairs
    from visavis.models.model import Model

    if save:
        check_suffix(save)
    check_folders(save, csv)
    known, asked = read_folder(references), read_folder(onsite)
    rule = PairingRule(open_set, one_to_one, fpir or DEFAULT_FPIR, fmr, threshold, prior, faces)
    loaded = Model.load(model, threads=threads)
    with show.progress() as advance:
        paired = pair_photos(loaded, known, asked, rule, advance)
    if save:
        save_pairs(paired, save)
    if csv:
        write_rows(csv, COLUMNS, [_cells(pair) for pair in paired.pairs])
    if as_json:
        show.print_json(paired.as_dict())
    else:
        _show(paired)
    for _, reason in paired.skipped:
        show.note(f"skipped: {reason}")
    raise typer.Exit(SOME_SKIPPED if paired.skipped else 0)


def _show(paired: Paired) -> None:
    from visavis.matching.pairing_picture import deciding, summary

    rows = [_cells(pair) for pair in paired.pairs]
    show.table(COLUMNS, [(row[0], row[1] or "nobody", *row[2:]) for row in rows])
    show.say(f"{deciding(paired)}.")
    show.say(summary(paired))


def _cells(pair: Pair) -> tuple[str, ...]:
    return (
        str(pair.onsite.photo),
        pair.person or "",
        pair.nearest,
        str(pair.reference.photo),
        f"{pair.similarity:.4f}",
        f"{pair.distance:.4f}",
        "" if pair.probability is None else f"{pair.probability:.9g}",
    )
