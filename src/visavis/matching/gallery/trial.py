"""A gallery that is made, filled, read and searched, to see whether it works here and how fast."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visavis.errors import DataError, ModelError
from visavis.matching.gallery import changes
from visavis.matching.gallery.cipher import Aes256Gcm
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.enrolment import seen
from visavis.matching.gallery.key import KEY_BYTES
from visavis.matching.gallery.searching import Searcher
from visavis.matching.gallery.store import Store
from visavis.models.embed import EmbeddedPhoto
from visavis.models.model import Model
from visavis.photos.align import TEMPLATES
from visavis.photos.face import Face
from visavis.photos.photo import Photo

PEOPLE = 20
PHOTOS = 5
"""Of each: enough to time, in a moment."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A gallery of faces drawn by chance.

    Attributes:
        store: where they go.
        model: decides.
        faces: (PEOPLE, PHOTOS, d) float32, their embeddings.
    """

    store: Store
    model: Model
    faces: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]

    @property
    def steps(self) -> dict[str, Callable[[], str]]:
        """What is tried, in order, by name; each says how fast it went."""
        return {
            "gallery write": self._write,
            "gallery read": self._read,
            "gallery decrypt": self._decrypt,
            "gallery search": self._search,
        }

    def _write(self) -> str:
        people = [
            [seen(_noise(person, photo), row) for photo, row in enumerate(rows)]
            for person, rows in enumerate(self.faces)
        ]
        start = time.perf_counter()
        for person, found in enumerate(people):
            changes.enrol(self.store, f"p{person}", found, consent=None, expires=None, force=True)
        each = (time.perf_counter() - start) / PEOPLE * 1e3
        return f"{each:.1f} ms a person of {PHOTOS} photos, each kept for good"

    def _read(self) -> str:
        start = time.perf_counter()
        with self.store.database.reading() as connection:
            _, rows = self.store.faces.embeddings(connection)
        took = (time.perf_counter() - start) * 1e3
        written = self.faces.reshape(-1, rows.shape[1])
        if sorted(map(bytes, rows)) != sorted(map(bytes, written)):
            raise DataError(
                f"{self.store.database.name} gives other faces than were written to it: the disk "
                "or SQLite is at fault; check the disk, or set TMPDIR to another one"
            )
        return f"{took:.1f} ms for {len(rows)} photos"

    def _decrypt(self) -> str:
        try:
            cipher = Aes256Gcm(secrets.token_bytes(KEY_BYTES), self.store.database.name)
        except ImportError as error:
            raise ModelError(
                f"cryptography cannot be loaded ({error}); pip install --force-reinstall "
                "cryptography"
            ) from None
        rows = [row.tobytes() for row in self.faces.reshape(PEOPLE * PHOTOS, -1)]
        sealed = [cipher.seal(row, b"trial") for row in rows]
        start = time.perf_counter()
        if [cipher.open(row, b"trial") for row in sealed] != rows:
            raise ModelError(
                "what was encrypted is decrypted to something else; pip install --force-reinstall "
                "cryptography"
            )
        return f"{(time.perf_counter() - start) * 1e3:.1f} ms for {len(rows)} embeddings"

    def _search(self) -> str:
        try:
            import faiss  # noqa: F401  # only large galleries use it, and would fail much later
        except ImportError as error:
            raise ModelError(
                f"faiss cannot be loaded ({error}); pip install --force-reinstall faiss-cpu"
            ) from None
        searcher, face = Searcher(self.store, lambda: self.model), _noise(0, PHOTOS)
        start = time.perf_counter()
        for person, rows in enumerate(self.faces):
            probe = EmbeddedPhoto(face.photo, [face], rows[:1], 1)
            (answer,) = searcher.search(probe, SearchRule())
            if answer.name != f"p{person}":
                raise ModelError(
                    f"a search does not find who was enrolled ({answer.why}); reinstall numpy and "
                    "visavis"
                )
        each = (time.perf_counter() - start) / PEOPLE * 1e3
        return f"{each:.1f} ms a search, the log's line included"


@contextmanager
def trial(model: Model) -> Iterator[Trial]:
    """A gallery in a temporary folder, which is gone afterwards.

    Raises:
        DataError: there is no room for one.
    """
    rng = np.random.default_rng(0)
    faces = rng.standard_normal((PEOPLE, PHOTOS, model.card.embedding_size)).astype(np.float32)
    faces /= np.linalg.norm(faces, axis=2, keepdims=True)
    try:
        folder = tempfile.TemporaryDirectory(prefix="visavis-")
    except OSError as error:
        raise DataError(
            f"no temporary folder can be made ({error.strerror}); set TMPDIR to a folder that you "
            "may write to"
        ) from None
    card = model.card
    with folder, closing(Database(Path(folder.name) / "trial.db")) as database:
        store = Store.create(database, card.name, card.fingerprint, card.embedding_size)
        yield Trial(store, model, faces)


def _noise(person: int, photo: int) -> Face:
    """A face that nobody has."""
    rng = np.random.default_rng([person + 1, photo + 1])
    pixels = rng.integers(0, 256, (112, 112, 3), dtype=np.uint8)
    landmarks = np.asarray(112 * TEMPLATES["arcface"].points, dtype=np.float32)
    return Face(Photo(pixels, f"{person}-{photo}"), (20.0, 20.0, 72.0, 90.0), landmarks, 0.9)
