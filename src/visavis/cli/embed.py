"""``visavis embed``: photos to embeddings in an .npz file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import DEFAULT_MODEL, AsJson, FaceChoice, ModelName, Output, Threads
from visavis.errors import DataError, VisavisError


def embed(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of them.")],
    output: Output = Path("embeddings.npz"),
    model: ModelName = DEFAULT_MODEL,
    faces: FaceChoice = "largest",
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Write the embedding of each face, one row each, with its photo, box and the model.

    The file holds ``embeddings`` (n, d) float32, ``photos`` (n,), ``boxes`` (n, 4) in pixels,
    ``model`` and ``fingerprint``. Exits with 4 where photos were skipped, 3 where all lack a face.
    """
    import numpy as np
    from numpy.typing import NDArray

    from visavis.files import write_output
    from visavis.models.embed import embed_photos
    from visavis.models.model import Model

    paths = list_photos(photos)
    loaded = Model.load(model, threads=threads)
    rows: list[NDArray[np.float32]] = []
    names: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []
    skipped: list[VisavisError] = []
    with show.progress() as advance:
        for done, photo in enumerate(embed_photos(loaded, paths, faces, threads), start=1):
            advance("embedding photos", done, len(paths))
            if photo.error:
                skipped.append(photo.error)
            rows.extend(photo.embeddings)
            names.extend([str(photo.source)] * len(photo.faces))
            boxes.extend(face.box for face in photo.faces)
    if not rows and len(skipped) == 1:
        raise skipped[0]
    for error in skipped:
        show.note(f"skipped: {error}")
    if not rows:
        raise type(skipped[0])(f"none of {len(skipped)} photos has a face that can be embedded")
    content = io.BytesIO()
    np.savez(
        content,
        embeddings=np.array(rows, dtype=np.float32),
        photos=np.array(names),
        boxes=np.array(boxes, dtype=np.float32),
        model=loaded.name,
        fingerprint=loaded.card.fingerprint,
    )
    write_output(output, content.getvalue())
    if as_json:
        skips = [str(error) for error in skipped]
        show.print_json({"output": str(output), "embeddings": len(rows), "skipped": skips})
    else:
        show.say(f"{len(rows)} embeddings of {loaded.name} in {output}")
    raise typer.Exit(SOME_SKIPPED if skipped else 0)


def list_photos(paths: list[Path]) -> list[Path]:
    """The paths given, with each folder replaced by the photos in it and below, sorted."""
    from visavis.photos.photo import SUFFIXES

    listed: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise DataError(f"{path} holds no photos")
            listed.extend(inside)
        else:
            listed.append(path)
    return listed
