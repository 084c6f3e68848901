"""The model folder on disk: written whole, read only where every file is what the card says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from visavis.errors import ModelError
from visavis.files import write_atomically
from visavis.models.card import Card
from visavis.photos.align import ALIGNMENT_VERSION
from visavis.photos.detect import detector_digest

CARD = "card.json"
ENCODER = "encoder.onnx"
HEAD = "head.onnx"
WEIGHTS = "weights.safetensors"
NETWORK = frozenset({ENCODER, HEAD, WEIGHTS})
PAGE = frozenset({"README.md", "scores.png"})


def read_folder(folder: Path) -> Card:
    """The card of a model folder whose files are all there and unchanged.

    Raises:
        ModelError: no such folder, no card, or a file that is missing or not the card's.
    """
    card = Card.read(folder / CARD)
    check_files(folder, card)
    return card


def check_files(folder: Path, card: Card) -> None:
    """Raise ``ModelError`` unless every file that the card names is there and unchanged."""
    if ENCODER not in card.files:
        raise ModelError(f"{folder / CARD} names no {ENCODER}; the model cannot be run")
    for name, expected in card.files.items():
        if not _plain(name):
            raise ModelError(f"{folder / CARD} names a file outside its folder: {name}")
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            raise ModelError(f"{folder} lacks {name}, which its card names") from None
        if found != expected:
            raise ModelError(f"{folder / name} is damaged; remove {folder} and get the model again")


def network_files(folder: Path, card: Card) -> dict[str, bytes]:
    """The content of the files that make the network, without the page that describes it."""
    return {name: (folder / name).read_bytes() for name in sorted(NETWORK & card.files.keys())}


def write_folder(folder: Path, card: Card, files: Mapping[str, bytes]) -> Card:
    """Write a model folder: the files first, the card last, so that a card vouches for the rest.

    Args:
        folder: made where it is missing; files of the same names are replaced.
        card: its ``files`` are filled in here.
        files: name to content.

    Returns:
        The card as written.

    Raises:
        ModelError: the folder cannot be written.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    card = card.model_copy(update={"files": digests})
    try:
        for name, content in files.items():
            write_atomically(folder / name, content)
        write_atomically(folder / CARD, card.text().encode())
    except OSError as error:
        raise ModelError(f"cannot write the model folder {folder}: {error.strerror}") from None
    return card


def fingerprint(card: Card, encoder: bytes, head: bytes = b"") -> str:
    """sha256 of what an embedding means.

    Covers the graph and its weights (see ``visavis.runtime.graph.content_digest``), the head, the
    input spec, the detector and the alignment; not the calibration, nor how a file was written.
    """
    from visavis.runtime.graph import content_digest

    parts = (
        content_digest(encoder),
        content_digest(head) if head else "",
        card.input.model_dump_json(),
        card.distance + (", unit length" if card.unit_length else ""),
        card.detector,
        ALIGNMENT_VERSION,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def current_detector() -> str:
    """sha256 of the face detector that this version of visavis uses."""
    return detector_digest()


def _plain(name: str) -> bool:
    return name == Path(name).name and name not in {"", ".", "..", CARD}
