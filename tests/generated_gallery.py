"""People whose embeddings are planted: galleries without a photo or a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection

from generated_evaluation import CALIBRATION, draw_card
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.directory import Directory
from visavis.matching.gallery.rows import Person, SeenFace
from visavis.matching.gallery.sealing import new_numbers, now
from visavis.matching.gallery.store import Store
from visavis.models.model import Model
from visavis.models.scores import Scores
from visavis.photos.face import Face
from visavis.photos.photo import Photo

SIZE = 64
LANDMARKS = np.float32([[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]])


def seen_face(seed: int, *, size: int = 4, crop: bool = False) -> SeenFace:
    """A face with an embedding of unit length, all drawn from a seed."""
    rng = np.random.default_rng(seed)
    kept = KeptCrop(rng.bytes(2000), rng.random(15, dtype=np.float32)) if crop else None
    return SeenFace(
        embedding=_unit(rng.standard_normal(size)),
        photo=rng.bytes(32),
        file=f"photo-{seed}.jpg",
        box=(1.5, 2.0, 30.0, 40.0),
        score=0.9,
        eye_distance=20.5,
        turn=0.1,
        sharpness=99.0,
        crop=kept,
    )


class PlantedModel(Model):
    """A model that embeds a face by the name of its photo: ``PERSON-NUMBER``, both numbers.

    Two photos of a person have a cosine of about 0.8, those of two people one of about 0.
    """

    def __init__(self, distance: str = "cosine", fingerprint: str = "f" * 64, **card: Any) -> None:
        known = {"calibration": CALIBRATION, "scores": planted_scores(), "name": "planted"}
        self.card = draw_card().model_copy(
            update={"distance": distance, "fingerprint": fingerprint, "embedding_size": SIZE}
            | known
            | card
        )
        self.threads = 1
        self._head = Nearness() if distance == "head" else None

    def encode(self, faces):
        return np.stack([embedding_of(face.photo.origin) for face in faces])


class Nearness:
    """A pair head: minus the summed absolute difference."""

    def compare(self, first, second):
        return -np.abs(first.astype(np.float64) - second).sum(axis=1)

    def matrix(self, rows, columns):
        return np.stack([self.compare(row, columns) for row in rows]).astype(np.float32)


def embedding_of(origin: str) -> np.ndarray:
    """(SIZE,) float32 of unit length."""
    person, number = (int(part) for part in origin.removesuffix(".jpg").split("-"))
    middle = _unit(np.random.default_rng([1, person]).standard_normal(SIZE))
    own = _unit(np.random.default_rng([2, person, number]).standard_normal(SIZE))
    return _unit(middle + 0.5 * own)


def planted_face(person: int, number: int = 0, **changes: Any) -> Face:
    """A face of a photo called ``PERSON-NUMBER.jpg``, of noise."""
    rng = np.random.default_rng([3, person, number])
    pixels = rng.integers(0, 255, (112, 112, 3), dtype=np.uint8)
    photo = Photo(pixels, f"{person}-{number}.jpg")
    return replace(Face(photo, (20.0, 20.0, 72.0, 90.0), LANDMARKS, 0.95), **changes)


def content(gallery: Directory) -> dict:
    """Everything that is known, without the numbers of rows."""
    known = {}
    for person in gallery.people():
        faces = gallery.show(person.name)[1]
        known[person.name] = (
            person.consent,
            person.expires,
            [
                (face.as_dict(), face.embedding.tolist(), face.crop and face.crop.to_bytes())
                for face in faces
            ],
        )
    with gallery._store.database.reading() as connection:
        wrong = gallery._store.faces.wrong_answers(connection)
    return known | {"wrong": [(answer.photo, answer.embedding.tolist()) for answer in wrong]}


def add_person(
    store: Store,
    connection: Connection,
    name: str,
    consent: str | None = None,
    expires: datetime | None = None,
) -> int:
    """A person without a photo, by number; no way of the gallery's own leaves one."""
    (number,) = new_numbers(1)
    store.people.add(connection, [Person(number, name, consent, expires, now(), 0)])
    return number


@cache
def planted_scores() -> Scores:
    """What the planted model gives: impostors at N(0, 1/8), genuine pairs at N(0.8, 0.05)."""
    rng = np.random.default_rng(5)
    impostor = rng.normal(0, 1 / 8, 1_000_000)
    genuine = rng.normal(0.8, 0.05, 10_000)

    def bins(values: np.ndarray) -> list[int]:
        return np.histogram(np.clip(values, -1, 1), 2000, (-1, 1))[0].tolist()

    return Scores(
        fitted_on="planted people", people=1500, photos=1500, low=-1, high=1,
        genuine=bins(genuine), impostor=bins(impostor),
        tail=np.sort(impostor)[::-1][:2000].tolist(),
    )  # fmt: skip


def _unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
