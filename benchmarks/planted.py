"""Galleries of any size without a photo: people with ten planted ones, about as alike as SFace's.

python benchmarks/planted.py people.db 10000
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from visavis.matching.gallery.changes import Newcomer, enrol_all
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.rows import SeenFace
from visavis.matching.gallery.store import Store
from visavis.models.model import Model

SIZE = 128
PHOTOS = 10  # of each person
NOISE = 0.75  # gives two photos of a person a cosine of about 0.64


def planted(faces: int, searches: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings, those of one person in a row, and others of some of the people."""
    rng = np.random.default_rng(0)
    people = unit(rng.standard_normal((faces // PHOTOS, SIZE), dtype=np.float32))

    def photos(of: NDArray[np.int64]) -> NDArray[np.float32]:
        noise = rng.standard_normal((len(of), SIZE), dtype=np.float32) / np.sqrt(SIZE)
        return unit(people[of] + NOISE * noise)

    return photos(np.repeat(np.arange(len(people)), PHOTOS)), photos(
        rng.integers(0, len(people), searches)
    )


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def seen(number: int, vector: NDArray[np.float32]) -> SeenFace:
    photo = number.to_bytes(32, "little")
    return SeenFace(vector, photo, f"{number}.jpg", (0.0, 0.0, 80.0, 90.0), 0.9, 40.0, 0.1, 200.0)


def name(person: int) -> str:
    return f"Person {person}"


def fill(url: str, faces: int, model: str = "planted", fingerprint: str = "f" * 64) -> float:
    """Enrol them as `gallery import` does; the seconds that it takes."""
    vectors, _ = planted(faces)
    people = [
        Newcomer(
            name(first // PHOTOS), [seen(row, vectors[row]) for row in range(first, first + PHOTOS)]
        )
        for first in range(0, faces, PHOTOS)
    ]
    store = Store.create(Database(url), model, fingerprint, SIZE)
    begun = time.perf_counter()
    with store.database.writing() as connection:
        enrol_all(store, connection, people, force=True)
    seconds = time.perf_counter() - begun
    store.database.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("gallery", help="a new one")
    parser.add_argument("faces", type=int)
    options = parser.parse_args()
    card = Model.load("sface").card
    seconds = fill(options.gallery, options.faces, card.name, card.fingerprint)
    print(f"{options.faces:,} faces of {card.name} in {seconds:.1f} s")


if __name__ == "__main__":
    main()
