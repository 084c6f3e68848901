"""A gallery as files that any program can read: JSON, numpy's npz, JPEG; and back.

``gallery.json`` names the model; ``people.jsonl`` has one person a line with their photos in the
order of the rows of ``embeddings.npz`` (``faces`` and ``wrong``); ``crops/`` the crops, where some
were kept. They are in the clear, whether or not the gallery is encrypted.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from visavis.errors import DataError, ModelError
from visavis.matching.gallery.changes import Newcomer, enrol_all
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.key import GalleryKey
from visavis.matching.gallery.names import clean_name, lookup_key
from visavis.matching.gallery.rows import SeenFace, WrongAnswer
from visavis.matching.gallery.store import Store

FORMAT = 1
_Wrong = list[tuple[bytes, NDArray[np.float32]]]
_Imported = tuple[Newcomer, _Wrong]
MEASURES = ("score", "eye_distance", "turn", "sharpness")


def export(store: Store, target: Path) -> int:
    """Write a gallery to a new folder, or a ``.zip``, that only its owner may read.

    Returns:
        How many people it holds.

    Raises:
        DataError: ``target`` exists or cannot be written.
    """
    if target.exists():
        raise DataError(f"{target} exists; name a new folder or .zip file")
    try:
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            people = _write(store, folder)
            if target.suffix.lower() == ".zip":
                _pack(folder).replace(target)
            else:
                folder.replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror or error}") from None
    return people


def _pack(folder: Path) -> Path:
    """The files of a folder as a zip file in it."""
    packed = folder / "packed"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    packed.touch(mode=0o600)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return packed


def _write(store: Store, folder: Path) -> int:
    faces: list[NDArray[np.float32]] = []
    wrong: list[NDArray[np.float32]] = []
    with store.database.reading() as connection, (folder / "people.jsonl").open("w") as lines:
        everybody = store.people.everybody(connection)
        not_them: dict[int, list[WrongAnswer]] = {}
        for answer in store.faces.wrong_answers(connection):
            not_them.setdefault(answer.person, []).append(answer)
        for person in everybody:
            rows = []
            for face in store.faces.of(connection, person.number):
                rows.append(_face_row(face, len(faces), folder))
                faces.append(face.embedding)
            answers = not_them.get(person.number, [])
            wrong += [answer.embedding for answer in answers]
            line = {
                **person.as_dict(),
                "photos": rows,
                "wrong": [answer.photo.hex() for answer in answers],
            }
            lines.write(json.dumps(line) + "\n")
    size = store.facts.embedding_size
    head = {"format": FORMAT, **store.facts.as_dict(), "people": len(everybody)}
    (folder / "gallery.json").write_text(json.dumps(head, indent=2) + "\n")
    np.savez(
        folder / "embeddings.npz",
        faces=np.array(faces, dtype=np.float32).reshape(-1, size),
        wrong=np.array(wrong, dtype=np.float32).reshape(-1, size),
    )
    return len(everybody)


def _face_row(face: SeenFace, number: int, folder: Path) -> dict[str, Any]:
    row = {
        "file": face.file,
        "sha256": face.photo.hex(),
        "box": list(face.box),
        **{name: getattr(face, name) for name in MEASURES},
        "created": face.created and face.created.isoformat(),
    }
    if face.crop:
        name = f"crops/{number:07}.jpg"
        (folder / "crops").mkdir(exist_ok=True)
        (folder / name).write_bytes(face.crop.picture)
        row |= {"crop": name, "crop_places": face.crop.places.tolist()}
    return row


def import_(
    source: Path, url: str | os.PathLike[str], key: GalleryKey | None = None
) -> tuple[int, int]:
    """Add an exported gallery to a gallery, which is made where there is none.

    A person whose name is known gets more photos, and a photo that is known is not added again. It
    is one transaction: whole, or not at all.

    Args:
        source: what ``export`` wrote.
        url: the gallery.
        key: opens the gallery, or encrypts a new one.

    Returns:
        How many people it held, and how many photos were added.

    Raises:
        DataError: ``source`` is damaged, or no exported gallery; then nothing is changed.
        ModelError: the gallery was made with another model.
    """
    try:
        read = _reader(source)
        head = json.loads(read("gallery.json"))
        people = _people(read, head)
    except DataError:
        raise
    except (KeyError, OSError, ValueError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise DataError(f"{source} is no exported gallery, or damaged: {error}") from None
    database = Database(url)
    try:
        return len(people), _import(database, key, source, head, people)
    finally:
        database.close()


def _import(
    database: Database,
    key: GalleryKey | None,
    source: Path,
    head: dict[str, Any],
    people: list[_Imported],
) -> int:
    store = Store.open(database, key) or Store.create(
        database, str(head["model"]), str(head["fingerprint"]), int(head["embedding_size"]), key
    )
    if store.facts.fingerprint != head["fingerprint"]:
        raise ModelError(
            f"{source} was made with {head['model']} ({str(head['fingerprint'])[:12]}), and "
            f"{database.name} with {store.facts.model} ({store.facts.fingerprint[:12]}); import "
            "it into a new gallery"
        )
    with database.writing() as connection:
        newcomers = [newcomer for newcomer, _ in people]
        enrolled = enrol_all(store, connection, newcomers, force=True)
        _add_wrong_answers(store, connection, people)
    return sum(len(each.added) for each in enrolled)


def _people(read: Callable[[str], bytes], head: dict[str, Any]) -> list[_Imported]:
    """Everybody, checked: all of it is read before anything is written."""
    if head["format"] != FORMAT:
        raise ValueError(f"it is of format {head['format']}, and {FORMAT} is known")
    with np.load(BytesIO(read("embeddings.npz")), allow_pickle=False) as arrays:
        faces, wrong = arrays["faces"], arrays["wrong"]
    for rows in (faces, wrong):
        sound = rows.dtype == np.float32 and rows.ndim == 2 and np.isfinite(rows).all()
        if not sound or rows.shape[1] != head["embedding_size"]:
            raise ValueError("embeddings.npz holds no embeddings of the model")
    people: list[_Imported] = []
    next_face = next_wrong = 0
    for line in read("people.jsonl").decode().splitlines():
        person = json.loads(line)
        photos, answers = person["photos"], person["wrong"]
        seen = [_seen(read, row, faces[next_face + i]) for i, row in enumerate(photos)]
        not_them = [(bytes.fromhex(p), wrong[next_wrong + i]) for i, p in enumerate(answers)]
        next_face, next_wrong = next_face + len(photos), next_wrong + len(answers)
        expires = _moment(person["expires"])
        newcomer = Newcomer(clean_name(person["name"]), seen, person["consent"], expires)
        people.append((newcomer, not_them))
    if (next_face, next_wrong) != (len(faces), len(wrong)):
        raise ValueError("embeddings.npz and people.jsonl do not belong together")
    return people


def _seen(
    read: Callable[[str], bytes], row: dict[str, Any], embedding: NDArray[np.float32]
) -> SeenFace:
    crop = None
    if "crop" in row:
        crop = KeptCrop(read(row["crop"]), np.array(row["crop_places"], dtype=np.float32))
    left, top, width, height = (float(value) for value in row["box"])
    return SeenFace(
        embedding=embedding,
        photo=bytes.fromhex(row["sha256"]),
        file=str(row["file"]),
        box=(left, top, width, height),
        **{name: float(row[name]) for name in MEASURES},
        crop=crop,
        created=_moment(row["created"]),
    )


def _add_wrong_answers(store: Store, connection: Connection, people: list[_Imported]) -> None:
    """Record those that are not, of people who are known."""
    some = [(newcomer.name, wrong) for newcomer, wrong in people if wrong]
    known = store.people.known(connection, [name for name, _ in some])
    before = {(each.person, each.photo) for each in store.faces.wrong_answers(connection)}
    for name, wrong in some:
        person = known.get(lookup_key(name))
        for photo, embedding in wrong:
            if person and (person.number, photo) not in before:
                answer = WrongAnswer(person.number, photo, embedding)
                store.faces.add_wrong_answer(connection, answer)
    if known:
        store.changed(connection)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _reader(source: Path) -> Callable[[str], bytes]:
    """What reads a file of an exported gallery by its name."""
    if source.is_dir():
        root = source.resolve()

        def from_folder(name: str) -> bytes:
            path = (root / name).resolve()
            if not path.is_relative_to(root):
                raise ValueError(f"{name} lies outside of it")
            return path.read_bytes()

        return from_folder
    if not source.is_file():
        raise DataError(f"there is no exported gallery {source}")
    archive = zipfile.ZipFile(source)
    return archive.read
