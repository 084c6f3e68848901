"""Smaller copies of a model folder: quantised, calibrated, and measured beside their parent.

Without torch: a copy is made of the parent's graph.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import Source
from visavis.data.source import open_source
from visavis.errors import ModelError
from visavis.evaluation.calibrate import calibrated_card
from visavis.evaluation.embed import EmbeddedPhotos, Progress
from visavis.models.card import Card
from visavis.models.folder import (
    ENCODER,
    HEAD,
    WEIGHTS,
    fingerprint,
    network_files,
    read_folder,
    write_folder,
)
from visavis.models.model import Model
from visavis.models.quantised import Precision, Quantised
from visavis.models.zoo import locate
from visavis.report.card_page import card_files
from visavis.training.quantise_compare import (
    compared,
    measure,
    measure_speed,
    runtimes_agree,
)
from visavis.training.quantise_people import CopyMaterial, choose_people, draw_crops

CROPS = 128
"""Crops that the int8 scales are found with; more changed the agreement by nothing."""
STAGE = "quantising"


@dataclass(frozen=True)
class Copied:
    """What ``quantise`` made.

    Attributes:
        folder: of the copy.
        card: as written.
        missed: photos in which no face was found; unreadable: photos that could not be opened,
            with the reason.
    """

    folder: Path
    card: Card
    missed: list[Path]
    unreadable: list[tuple[Path, str]]


def quantise(
    model: str,
    precision: Precision,
    source: str | Source,
    folder: str | Path,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Copied:
    """Write a quantised copy of a model, with a calibration and figures of its own.

    Both are fitted on the same pairs and compared on the same pairs of other people; see
    ``visavis.training.quantise_people``. The copy takes the same crops and gives float32
    embeddings, which are compared with its own kind only: its fingerprint is another.

    Args:
        model: a known name or a model folder.
        precision: ``int8`` or ``fp16``.
        source: people to calibrate, fit and report on, or their spec, such as ``folder:people``.
        folder: to make; it may be there if it is empty.
        threads: CPU threads; all cores by default.
        progress: called with the stage, steps done and steps in all.

    Raises:
        ModelError: no such model, one that is a quantised copy itself or cannot be copied, or a
            folder that is taken or cannot be written.
        DataError: too few people, or none with a face.
    """
    origin, folder = locate(model), Path(folder)
    card = read_folder(origin)
    _check(card, origin, folder)
    material = choose_people(open_source(source) if isinstance(source, str) else source, card)
    parent = Model.load(origin, threads=threads)
    crops = draw_crops(parent, material.crops, CROPS, progress)
    files = _copied_files(parent, precision, crops, progress)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            place = Path(scratch) / "model"
            write_folder(place, _bare_card(card, precision, files), files)
            copy = Model.load(place, threads=threads)
            finished, walk = _finish(
                parent, copy, material, crops, precision=precision, progress=progress
            )
            write_folder(place, finished, {**files, **card_files(finished)})
            if folder.exists():
                folder.rmdir()  # it is empty, and not every system renames onto a folder
            place.rename(folder)
    except OSError as error:
        raise ModelError(f"cannot write the model folder {folder}: {error.strerror}") from None
    return Copied(folder, read_folder(folder), walk.missed, walk.unreadable)


def _check(card: Card, origin: Path, folder: Path) -> None:
    """Refuse what would fail, or do harm, after minutes of embedding."""
    if card.quantised is not None:
        parent = (card.parent or {}).get("name", "its parent")
        raise ModelError(
            f"{origin} is an {card.quantised.precision} copy already; export {parent}, which it "
            "was made of"
        )
    try:
        free = not any(folder.iterdir()) if folder.is_dir() else not folder.exists()
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror}") from None
    if not free:
        raise ModelError(f"{folder} exists already; choose another folder or remove it first")


def _copied_files(
    parent: Model, precision: Precision, crops: NDArray[np.uint8], progress: Progress | None
) -> dict[str, bytes]:
    """The copy's network: its encoder, and the parent's head where there is one."""
    from visavis.training.quantise_graph import to_fp16, to_int8

    if progress:
        progress(STAGE, 0, 1)
    files = network_files(parent.folder, parent.card)
    files.pop(WEIGHTS, None)  # of the parent: who trains on, trains the parent on
    try:
        encoder = files[ENCODER]
        files[ENCODER] = to_int8(encoder, crops) if precision == "int8" else to_fp16(encoder)
    except Exception as error:  # graphs hold anything, and the quantiser's errors share no base
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise ModelError(f"{parent.name} cannot be copied in {precision}: {reason}") from None
    if progress:
        progress(STAGE, 1, 1)
    return files


def _bare_card(card: Card, precision: Precision, files: dict[str, bytes]) -> Card:
    """The copy's card before it is calibrated: what its parent's says of the network."""
    described = f"{card.description.rstrip('.')}; an" if card.description else "An"
    bare = card.model_copy(
        update={
            "name": f"{card.name}-{precision}",
            "description": f"{described} {precision} copy of {card.name}",
            "parent": {"name": card.name, "fingerprint": card.fingerprint},
            "calibration": None,
            "scores": None,
            "best_accuracy": None,
            "halfway": None,
            "figures": {},
        }
    )
    digest = fingerprint(bare, files[ENCODER], files.get(HEAD, b""))
    return bare.model_copy(update={"fingerprint": digest})


def _finish(
    parent: Model,
    copy: Model,
    material: CopyMaterial,
    crops: NDArray[np.uint8],
    *,
    precision: Precision,
    progress: Progress | None,
) -> tuple[Card, EmbeddedPhotos]:
    """The copy's card with its calibration, its figures, and its parent beside it."""
    runtimes = runtimes_agree(copy, crops)
    (before, after), walk = measure([parent, copy], material, progress)
    card = calibrated_card(copy, after.fitted)
    quantised = Quantised(
        precision=precision,
        calibrated_on=f"{len(crops)} crops of {material.crops_of}" if precision == "int8" else "",
        runtimes=runtimes,
        protocol=material.words,
        size=(copy.folder / ENCODER).stat().st_size,
        parent_size=(parent.folder / ENCODER).stat().st_size,
        runtime=copy.encoder.runtime,
        speed=measure_speed(parent, copy, crops, progress),
        **compared(before, after),
    )
    return card.model_copy(
        update={
            "parent": {**(card.parent or {}), "agreement": quantised.agreement},
            "quantised": quantised,
            "figures": {material.reported.name: after.listed.figures().as_dict()},
        }
    ), walk
