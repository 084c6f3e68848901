"""A gallery's store: its database, opened or made, and its tables behind a cipher."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visavis.errors import DataError
from visavis.matching.gallery.cipher import Cipher, Plain
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.faces_table import FacesTable
from visavis.matching.gallery.people_table import PeopleTable
from visavis.matching.gallery.rows import Event, GalleryFacts
from visavis.matching.gallery.schema import schema_of, upgrade
from visavis.matching.gallery.sealing import Sealing, new_numbers, now
from visavis.matching.gallery.tables import SCHEMA, audit, faces, gallery, people, wrong_answers
from visavis.matching.gallery.vectors import has_vectors, make_vectors


class Store:
    """A gallery's tables.

    Their methods take the transaction they belong to: what must hold together is one transaction
    of ``database.writing()``.

    Attributes:
        database: where the rows are.
        facts: what the gallery knows about itself.
        people, faces: its tables.
    """

    def __init__(
        self, database: Database, facts: GalleryFacts, cipher: Cipher, *, vectors: bool = False
    ) -> None:
        self._sealing = sealing = Sealing(facts.number, cipher)
        self.database = database
        self.facts = facts
        self.people = PeopleTable(database.name, sealing)
        self.faces = FacesTable(database.name, sealing, facts.embedding_size, vectors=vectors)

    @classmethod
    def open(cls, database: Database) -> Store | None:
        """The gallery in a database, brought to this version; ``None`` where there is none yet.

        Raises:
            DataError: it is damaged, in use, of a newer version, or no gallery.
        """
        if database.path is not None and not database.path.exists():
            return None  # SQLite would make the file
        with database.reading() as connection:
            version = schema_of(connection, database.name)
            facts = _facts(connection) if version == SCHEMA else None
            vectors = has_vectors(connection)
        if version is None:
            return None
        if facts is None:
            with database.writing() as connection:
                upgrade(connection)
                facts = _facts(connection)
        return cls(database, facts, Plain(), vectors=vectors)

    @classmethod
    def create(cls, database: Database, model: str, fingerprint: str, size: int) -> Store:
        """A new gallery of a model, or the one that another process has just made.

        Raises:
            DataError: the database cannot be written, or holds other tables.
        """
        if database.path is not None and not database.path.parent.is_dir():
            raise DataError(f"there is no folder {database.path.parent} for {database.path.name}")
        database.make_private()
        with database.writing() as connection:
            if database.path is None:  # as SQLite's writers are: one after the other
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7665697661766973)"))
            if schema_of(connection, database.name) is None:
                upgrade(connection)
                values = {
                    "id": secrets.randbits(63),
                    "model": model,
                    "fingerprint": fingerprint,
                    "embedding_size": size,
                    "cipher": Plain.kind,
                    "generation": new_numbers(1)[0],
                    "created": now(),
                }
                connection.execute(sa.insert(gallery).values(values))
                make_vectors(connection, size)
            return cls(database, _facts(connection), Plain(), vectors=has_vectors(connection))

    def generation(self, connection: Connection, *, lock: bool = False) -> int:
        """What changes with every change of what a search may find.

        Args:
            connection: a transaction.
            lock: let nobody else write until this transaction ends; on SQLite that is so anyway.
        """
        asked = sa.select(gallery.c.generation)
        return int(connection.execute(asked.with_for_update() if lock else asked).scalar_one())

    def changed(self, connection: Connection, after: int = 0) -> None:
        """Begin a new generation, later than any before it and than ``after``."""
        latest = max(self.generation(connection), after) + 1
        connection.execute(sa.update(gallery).values(generation=max(new_numbers(1)[0], latest)))

    def log(self, connection: Connection, what: str, person: int | None, photos: int) -> None:
        """Add a line to the audit log."""
        connection.execute(
            sa.insert(audit).values(
                id=new_numbers(1)[0], at=now(), what=what, person_id=person, photos=photos
            )
        )

    def events(self, connection: Connection) -> list[Event]:
        """The audit log, oldest first."""
        asked = sa.select(audit.c.at, audit.c.what, audit.c.person_id, audit.c.photos)
        return [Event(*row) for row in connection.execute(asked.order_by(audit.c.id))]

    def seal_index(self, content: bytes, generation: int) -> bytes:
        """The index of a generation as a file beside the database may hold it."""
        return self._sealing.seal(content, "index", generation)

    def open_index(self, sealed: bytes, generation: int) -> bytes:
        """What such a file holds."""
        return self._sealing.open(sealed, "index", generation)

    def counts(self, connection: Connection) -> dict[str, int]:
        """How many rows each table of people holds."""
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in (
                ("people", people),
                ("photos", faces),
                ("wrong_answers", wrong_answers),
            )
        }


def _facts(connection: Connection) -> GalleryFacts:
    row = connection.execute(sa.select(gallery)).one()
    return GalleryFacts(
        row.id, row.model, row.fingerprint, row.embedding_size, row.cipher, row.created
    )
