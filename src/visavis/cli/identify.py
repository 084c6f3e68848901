"""``visavis identify``: who is this, or nobody we know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.embed import list_photos
from visavis.cli.exits import DIFFERENT, SAME, SOME_SKIPPED
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_FPIR, DEFAULT_URL, Fpir, GalleryUrl
from visavis.cli.identify_video import identify_video
from visavis.cli.options import (
    DEFAULT_MODEL,
    AsJson,
    FaceChoice,
    ModelName,
    Threads,
    ThresholdValue,
)
from visavis.errors import DataError
from visavis.photos.video import DEFAULT_FPS, is_video

if TYPE_CHECKING:
    from visavis.matching.gallery.answers import Identification, SearchedPhoto

COLUMNS = ("photo", "person", "similarity", "probability", "why")


def identify(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of them; or one video.")],
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    model: ModelName = DEFAULT_MODEL,
    fpir: Fpir = DEFAULT_FPIR,
    threshold: ThresholdValue = None,
    margin: Annotated[
        float | None,
        typer.Option(help="How much more alike than the second person the first has to be."),
    ] = None,
    prior: Annotated[
        float,
        typer.Option(min=1e-9, max=1 - 1e-9, help="Share of photos of people who are enrolled."),
    ] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to list.")] = 5,
    faces: FaceChoice = "largest",
    fps: Annotated[
        float, typer.Option(min=0.01, help="Of a video, so many frames each second are looked at.")
    ] = DEFAULT_FPS,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Say who is on a photo or in a video, or that it is nobody we know.

    Exits with 0 where somebody is named, 1 for nobody, 2 for a photo that cannot be read, 3 where
    no face is found; of several photos with 4 where some were skipped.
    """
    video = _video(photos)
    listed = [] if video else list_photos(photos)

    from visavis.matching.gallery.decide import SearchRule
    from visavis.matching.gallery.gallery import Gallery
    from visavis.models.model import Model

    few, key = not video and len(listed) < 3, gallery_key(gallery, key_file)
    with Gallery(gallery, model, key=key, create=False) as opened:
        opened.use(Model.load(model, threads=threads, runtime="uncompiled" if few else "auto"))
        rule = SearchRule(fpir, threshold, margin, prior, top)
        if video:
            identify_video(opened, video, rule, fps, as_json=as_json)
        searched = _walk(opened.identify_many(listed, rule, faces), len(listed))
    if len(searched) == 1 and searched[0].error:
        raise searched[0].error
    _show(searched, as_json=as_json)


def _video(paths: list[Path]) -> Path | None:
    """The video, where one is asked for; photos beside it would have no times."""
    videos = [path for path in paths if is_video(path)]
    if videos and len(paths) > 1:
        raise DataError(f"{videos[0]} is a video; give one video by itself, or photos")
    return videos[0] if videos else None


def _walk(results: Any, count: int) -> list[SearchedPhoto]:
    if count == 1:
        return list(results)
    searched = []
    with show.progress() as advance:
        for done, photo in enumerate(results, start=1):
            advance("searching photos", done, count)
            searched.append(photo)
    return searched


def _show(searched: list[SearchedPhoto], *, as_json: bool) -> None:
    answers = [answer for photo in searched for answer in photo.answers]
    skipped = [photo.error for photo in searched if photo.error]
    if as_json:
        plain: dict[str, Any] = {"answers": [answer.as_dict() for answer in answers]}
        if len(searched) == len(answers) == 1:
            plain = answers[0].as_dict()
        elif skipped:
            plain["skipped"] = [str(error) for error in skipped]
        show.print_json(plain)
    elif len(answers) == 1:
        _show_one(answers[0])
    else:
        show.table(COLUMNS, [_row(answer) for answer in answers])
    for text in dict.fromkeys(text for answer in answers for text in answer.warnings):
        show.note(f"warning: {text}")
    for error in skipped:
        show.note(f"skipped: {error}")
    if skipped:
        raise typer.Exit(SOME_SKIPPED)
    raise typer.Exit(SAME if any(answers) else DIFFERENT)


def _show_one(answer: Identification) -> None:
    show.say(answer.name or "Nobody we know")
    show.say(f"  {answer.why}")
    if answer.candidates:
        show.say()
        show.table(
            ("candidate", "similarity", "mean", "photos", "P(same)"),
            [
                (
                    candidate.name,
                    f"{candidate.similarity:.3f}",
                    f"{candidate.mean_similarity:.3f}",
                    str(candidate.photos),
                    _probability(candidate.probability),
                )
                for candidate in answer.candidates
            ],
        )


def _row(answer: Identification) -> tuple[str, ...]:
    first = answer.candidates[0] if answer.candidates else None
    return (
        answer.face.photo.origin,
        answer.name or "nobody",
        f"{first.similarity:.3f}" if first else "",
        _probability(first.probability) if first else "",
        answer.why,
    )


def _probability(probability: float | None) -> str:
    if probability is None:
        return ""
    return ">0.9999" if probability > 0.9999 else f"{probability:.4f}"  # nothing is certain
