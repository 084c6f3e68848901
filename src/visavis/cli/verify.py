"""``visavis verify``: two photos, or a list of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from visavis.cli import show
from visavis.cli.exits import DIFFERENT, SAME, SOME_SKIPPED
from visavis.cli.options import (
    DEFAULT_FMR,
    DEFAULT_MODEL,
    AsJson,
    FaceChoice,
    Fmr,
    ModelName,
    PriorShare,
    Threads,
    ThresholdValue,
)
from visavis.errors import DataError, VisavisError

if TYPE_CHECKING:
    from visavis.matching.verdict import Verdict
    from visavis.matching.verify import Rule
    from visavis.models.model import Model
    from visavis.photos.choose import Choice

COLUMNS = ("first", "second", "same", "probability", "similarity", "threshold", "note")


def verify(
    photos: Annotated[list[Path] | None, typer.Argument(help="Two photos.")] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="A CSV of pairs instead: columns first, second.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="With --pairs: a CSV of verdicts.")
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    fmr: Fmr = DEFAULT_FMR,
    threshold: ThresholdValue = None,
    prior: PriorShare = 0.5,
    faces: FaceChoice = "largest",
    save: Annotated[
        Path | None, typer.Option(help="Draw the answer: .png, .jpg, .pdf or .svg.")
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Say whether two photos show the same person.

    Exits with 0 for the same person, 1 for different people, 2 for a photo that cannot be read,
    3 where no face is found; with --pairs 0, or 4 where pairs were skipped.
    """
    if (pairs is None) == (not photos) or (photos and len(photos) != 2):
        raise DataError("verify takes two photos, or --pairs with a CSV of them")
    if pairs and (save or faces == "all"):
        raise DataError("--save and --faces all are for two photos, not for --pairs")
    if output and not pairs:
        raise DataError("--output goes with --pairs; to draw one verdict use --save picture.png")
    if save and faces == "all":
        raise DataError("--save draws one comparison; choose the face with --faces")

    from visavis.matching.verify import Rule, verify_all
    from visavis.models.model import Model

    loaded = Model.load(model, threads=threads, runtime="auto" if pairs else "uncompiled")
    if pairs:
        verify_list(pairs, loaded, Rule(fmr, threshold, prior), faces, output, as_json=as_json)
    first, second = photos or []
    verdicts = verify_all(
        first, second, model=loaded, fmr=fmr, threshold=threshold, prior=prior, faces=faces
    )
    if save:
        from visavis.matching.picture import draw_verdict

        draw_verdict(verdicts[0], loaded.card, save)
    if faces == "all":
        _show_all(verdicts, as_json=as_json)
    else:
        _show_one(verdicts[0], as_json=as_json)
    raise typer.Exit(SAME if any(verdicts) else DIFFERENT)


def _show_one(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        show.print_json(verdict.as_dict())
        return
    show.say("Same person" if verdict.same else "Different people")
    if verdict.probability is not None:
        show.say(f"  P(same)     {_percent(verdict.probability)} at a prior of {verdict.prior:.0%}")
    show.say(f"  similarity  {verdict.similarity:.3f}")
    show.say(f"  threshold   {_threshold(verdict)}")
    for face, count in zip(verdict.faces, verdict.face_counts, strict=True):
        found = "1 face" if count == 1 else f"{count} faces"
        show.say(f"  {face.photo.origin}: {found}, {face.eye_distance:.0f} pixels between the eyes")
    for warning in verdict.warnings:
        show.note(f"warning: {warning}")


def _show_all(verdicts: list[Verdict], *, as_json: bool) -> None:
    if as_json:
        show.print_json({"verdicts": [verdict.as_dict() for verdict in verdicts]})
        return
    show.table(
        ("face of the first", "face of the second", "same", "probability", "similarity"),
        [
            (*(_place(face.box) for face in verdict.faces), *_cells(verdict)[:3])
            for verdict in verdicts
        ],
        title=f"threshold {_threshold(verdicts[0])}",
    )
    for warning in dict.fromkeys(text for verdict in verdicts for text in verdict.warnings):
        show.note(f"warning: {warning}")


def verify_list(
    path: Path, model: Model, rule: Rule, faces: Choice, output: Path | None, *, as_json: bool
) -> NoReturn:
    """Verify the pairs of a CSV; bad photos are listed and skipped."""
    from visavis.data.pairs_csv import read_pairs
    from visavis.matching.verify import verify_pairs

    listed = read_pairs(path)
    results = verify_pairs([(pair.first, pair.second) for pair in listed], model, rule, faces)
    rows = [
        (str(pair.first), str(pair.second), *_cells(result))
        for pair, result in zip(listed, results, strict=True)
    ]
    skipped = [result for result in results if isinstance(result, VisavisError)]
    if output:
        from visavis.cli.outputs import write_rows

        write_rows(output, COLUMNS, rows)
    if as_json:
        show.print_json({"verdicts": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})
    elif not output:
        show.table(COLUMNS, rows, title=f"{model.name}, {path}")
    else:
        show.say(f"{len(rows) - len(skipped)} verdicts in {output}")
    for error in dict.fromkeys(map(str, skipped)):
        show.note(f"skipped: {error}")
    raise typer.Exit(SOME_SKIPPED if skipped else 0)


def _cells(result: Verdict | VisavisError) -> tuple[str, str, str, str, str]:
    if isinstance(result, VisavisError):
        return "", "", "", "", str(result)
    return (
        "same" if result.same else "different",
        "" if result.probability is None else f"{result.probability:.9g}",
        f"{result.similarity:.4f}",
        f"{result.threshold.value:.4f}",
        "; ".join(result.warnings),
    )


def _threshold(verdict: Verdict) -> str:
    threshold = verdict.threshold
    rate = "" if threshold.fmr is None else f"false-match rate {threshold.fmr:g}, "
    where = threshold.fitted_on if threshold.fmr is None else f"fitted on {threshold.fitted_on}"
    return f"{threshold.value:.3f} ({rate}{where})"


def _percent(probability: float) -> str:
    """Never 100 %: what is not certain is not called so."""
    if probability > 0.9999:
        return "over 99.99 %"
    if probability < 0.0001:
        return "under 0.01 %"
    return f"{probability:.2%}".replace("%", " %")


def _place(box: tuple[float, float, float, float]) -> str:
    left, top, width, height = box
    return f"{width:.0f}x{height:.0f} at {left:.0f},{top:.0f}"
