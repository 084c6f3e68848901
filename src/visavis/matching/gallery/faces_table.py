"""The faces of a gallery's people, and the photos that are known not to show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection, Row

from visavis.errors import DataError
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.findings import EnrolledPhoto
from visavis.matching.gallery.rows import SeenFace, WrongAnswer
from visavis.matching.gallery.sealing import Sealing, new_numbers, now
from visavis.matching.gallery.tables import faces, in_blocks, wrong_answers
from visavis.matching.gallery.vectors import add_vectors, renew_vectors

MEASURES = ("score", "eye_distance", "turn", "sharpness")
AT_ONCE = 1000
"""So many new faces and fewer join the server's index one by one."""


class FacesTable:
    """Rows of ``faces`` and ``wrong_answers``; each method is part of the given transaction.

    Attributes:
        vectors: whether the server keeps the embeddings once more, to search them.
    """

    def __init__(
        self, gallery: str, sealing: Sealing, embedding_size: int, *, vectors: bool
    ) -> None:
        self.vectors = vectors
        self._gallery = gallery
        self._sealing = sealing
        self._size = embedding_size

    def add(self, connection: Connection, seen: Sequence[tuple[int, SeenFace]]) -> None:
        """Enrol faces, each for the person of a number."""
        many = self.vectors and len(seen) > AT_ONCE
        anew = many and len(seen) > self.count(connection)
        numbers = new_numbers(len(seen))
        for some in in_blocks(list(zip(numbers, seen, strict=True))):
            rows = [self._row(number, person, face) for number, (person, face) in some]
            connection.execute(sa.insert(faces), rows)
            if self.vectors and not anew:
                add_vectors(connection, {number: face.embedding for number, (_, face) in some})
        if anew:
            self.renew_vectors(connection)

    def _row(self, number: int, person: int, face: SeenFace) -> dict[str, Any]:
        crop = face.crop and self._sealing.seal(face.crop.to_bytes(), "faces.crop", number)
        left, top, width, height = (float(value) for value in face.box)
        return {
            "id": number,
            "person_id": person,
            "embedding": self._sealing.seal_embedding(face.embedding, "faces", number),
            "photo_key": self._sealing.key_of(face.photo),
            "photo": self._sealing.seal(face.photo, "faces.photo", number),
            "file": self._sealing.seal(_encoded(face.file), "faces.file", number),
            "left": left,
            "top": top,
            "width": width,
            "height": height,
            **{name: float(getattr(face, name)) for name in MEASURES},
            "crop": crop,
            "created": face.created or now(),
        }

    def count(self, connection: Connection) -> int:
        """How many there are."""
        return connection.execute(sa.select(sa.func.count()).select_from(faces)).scalar_one()

    def renew_vectors(self, connection: Connection) -> None:
        """Let the server keep all embeddings once more, in a table made anew, where it can."""
        self.vectors = renew_vectors(connection, self._size, self._numbered(connection))

    def _numbered(self, connection: Connection) -> Iterator[dict[int, NDArray[np.float32]]]:
        """Blocks of all embeddings, by the numbers of their faces."""
        for some in in_blocks(list(connection.scalars(sa.select(faces.c.id)))):
            asked = sa.select(faces.c.id, faces.c.embedding).where(faces.c.id.in_(some))
            yield {
                number: self._sealing.open_embedding(sealed, "faces", number)
                for number, sealed in connection.execute(asked)
            }

    def of(self, connection: Connection, person: int) -> Iterator[SeenFace]:
        """A person's faces, oldest first."""
        asked = sa.select(faces).where(faces.c.person_id == person).order_by(faces.c.id)
        for row in connection.execute(asked):
            yield self._face(row)

    def face(self, connection: Connection, number: int) -> SeenFace:
        """One face, by its row's number; it must be there."""
        return self._face(connection.execute(sa.select(faces).where(faces.c.id == number)).one())

    def everything(self, connection: Connection) -> Iterator[SeenFace]:
        """All faces with all that is kept of them, in bounded memory."""
        for some in in_blocks(list(connection.scalars(sa.select(faces.c.id)))):
            rows = connection.execute(sa.select(faces).where(faces.c.id.in_(some)))
            yield from map(self._face, rows)

    def without_crop(self, connection: Connection) -> dict[int, list[str]]:
        """The file names of photos of which no crop is kept, by their people's numbers."""
        asked = sa.select(faces.c.id, faces.c.person_id, faces.c.file).order_by(faces.c.id)
        found: dict[int, list[str]] = {}
        for number, person, sealed in connection.execute(asked.where(faces.c.crop.is_(None))):
            file = self._sealing.open(sealed, "faces.file", number).decode()
            found.setdefault(person, []).append(file)
        return found

    def listed(self, connection: Connection) -> Iterator[tuple[int, EnrolledPhoto]]:
        """Everybody's photos in the order of ``embeddings``, each with its person's number.

        Names are left empty: this table does not know them.
        """
        some = (faces.c.id, faces.c.person_id, faces.c.file, faces.c.photo, faces.c.eye_distance)
        more = (faces.c.turn, faces.c.sharpness, faces.c.crop.is_not(None).label("has_crop"))
        asked = sa.select(*some, *more).order_by(faces.c.person_id, faces.c.id)
        for row in connection.execute(asked):
            yield (
                row.person_id,
                EnrolledPhoto(
                    number=row.id,
                    person="",
                    file=self._sealing.open(row.file, "faces.file", row.id).decode(),
                    sha256=self._sealing.open(row.photo, "faces.photo", row.id).hex(),
                    eye_distance=row.eye_distance,
                    turn=row.turn,
                    sharpness=row.sharpness,
                    crop=bool(row.has_crop),
                ),
            )

    def enrolled_as(self, connection: Connection, photos: Iterable[bytes]) -> dict[bytes, set[int]]:
        """Of photos by their sha256: the numbers of the people that they are enrolled for."""
        keys = {self._sealing.key_of(photo): photo for photo in photos}
        known: dict[bytes, set[int]] = {}
        for some in in_blocks(list(keys)):
            asked = sa.select(faces.c.photo_key, faces.c.person_id)
            for key, person in connection.execute(asked.where(faces.c.photo_key.in_(some))):
                known.setdefault(keys[bytes(key)], set()).add(person)
        return known

    def remove(self, connection: Connection, person: int, photo: bytes) -> bool:
        """Take a photo, by its sha256, from a person; whether it was theirs."""
        key = self._sealing.key_of(photo)
        theirs = sa.and_(faces.c.person_id == person, faces.c.photo_key == key)
        return connection.execute(sa.delete(faces).where(theirs)).rowcount > 0

    def embeddings(self, connection: Connection) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Everybody's faces: (n,) numbers of people, ascending, and (n, d) embeddings."""
        asked = sa.select(faces.c.id, faces.c.person_id, faces.c.embedding)
        rows = connection.execute(asked.order_by(faces.c.person_id, faces.c.id))
        owners: list[int] = []
        content = bytearray()
        for number, person, sealed in rows:
            owners.append(person)
            content += self._sealing.open(sealed, "faces.embedding", number)
        size = self._size
        if len(content) != 4 * size * len(owners):
            raise DataError(
                f"{self._gallery} is damaged: an embedding is not of {size} numbers; "
                "bring a backup back with `visavis gallery restore`"
            )
        vectors = np.frombuffer(content, "<f4").astype(np.float32, copy=False)
        return np.array(owners, dtype=np.int64), vectors.reshape(-1, size)

    def embeddings_of(self, connection: Connection, person: int) -> NDArray[np.float32]:
        """(k, d) embeddings of one person."""
        asked = sa.select(faces.c.id, faces.c.embedding).where(faces.c.person_id == person)
        found = [
            self._sealing.open_embedding(sealed, "faces", number)
            for number, sealed in connection.execute(asked.order_by(faces.c.id))
        ]
        return np.array(found, dtype=np.float32).reshape(-1, self._size)

    def add_wrong_answer(self, connection: Connection, wrong: WrongAnswer) -> None:
        """Record that a photo does not show a person."""
        number = new_numbers(1)[0]
        connection.execute(
            sa.insert(wrong_answers).values(
                id=number,
                person_id=wrong.person,
                photo_key=self._sealing.key_of(wrong.photo),
                photo=self._sealing.seal(wrong.photo, "wrong_answers.photo", number),
                embedding=self._sealing.seal_embedding(wrong.embedding, "wrong_answers", number),
                created=now(),
            )
        )

    def wrong_answers(self, connection: Connection) -> list[WrongAnswer]:
        """All of them."""
        return [
            WrongAnswer(
                row.person_id,
                self._sealing.open(row.photo, "wrong_answers.photo", row.id),
                self._sealing.open_embedding(row.embedding, "wrong_answers", row.id),
            )
            for row in connection.execute(sa.select(wrong_answers))
        ]

    def _face(self, row: Row[Any]) -> SeenFace:
        crop = row.crop and KeptCrop.from_bytes(self._sealing.open(row.crop, "faces.crop", row.id))
        return SeenFace(
            embedding=self._sealing.open_embedding(row.embedding, "faces", row.id),
            photo=self._sealing.open(row.photo, "faces.photo", row.id),
            file=self._sealing.open(row.file, "faces.file", row.id).decode(),
            box=(row.left, row.top, row.width, row.height),
            score=row.score,
            eye_distance=row.eye_distance,
            turn=row.turn,
            sharpness=row.sharpness,
            crop=crop,
            created=row.created,
        )


def _encoded(text: str) -> bytes:
    """A file name's bytes; what in it is no text becomes a question mark."""
    return text.encode("utf-8", "replace")
