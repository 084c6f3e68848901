"""A gallery's store: its database, opened or made, and its tables behind a cipher."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visavis.errors import DataError, UnavailableError
from visavis.matching.gallery.cipher import Cipher, Locked
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.faces_table import FacesTable
from visavis.matching.gallery.key import KEY_BYTES, GalleryKey, cipher_of, key_columns
from visavis.matching.gallery.people_table import PeopleTable
from visavis.matching.gallery.rows import Event, GalleryFacts, WrappedKey
from visavis.matching.gallery.schema import schema_of, upgrade
from visavis.matching.gallery.sealing import Sealing, new_numbers, now
from visavis.matching.gallery.tables import SCHEMA, audit, faces, gallery, people, wrong_answers
from visavis.matching.gallery.vectors import drop_vectors, has_vectors


class Store:
    """A gallery's tables.

    Their methods take the transaction they belong to: what must hold together is one transaction
    of ``database.writing()``.

    Attributes:
        database: where the rows are.
        facts: what the gallery knows about itself.
        sealing: seals its values, and opens them.
        people, faces: its tables.
    """

    def __init__(
        self, database: Database, facts: GalleryFacts, cipher: Cipher, *, vectors: bool = False
    ) -> None:
        self.sealing = sealing = Sealing(facts.number, cipher)
        self.database = database
        self.facts = facts
        database.guard = self._check_unchanged
        self.people = PeopleTable(database.name, sealing)
        self.faces = FacesTable(database.name, sealing, facts.embedding_size, vectors=vectors)

    @classmethod
    def open(
        cls, database: Database, key: GalleryKey | None = None, *, sealed: bool = False
    ) -> Store | None:
        """The gallery in a database, brought to this version; ``None`` where there is none yet.

        Args:
            database: where it is.
            key: opens an encrypted gallery.
            sealed: open it without its key, for what reads and writes nothing that is sealed.

        Raises:
            DataError: it is damaged, in use, of a newer version, no gallery, or not to be opened
                by this key.
        """
        database.guard = None  # of what was there before
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
                _one_by_one(connection)
                upgrade(connection)
                facts = _facts(connection)
        cipher = Locked(database.name) if sealed else cipher_of(facts, key, database.name)
        return cls(database, facts, cipher, vectors=vectors)

    @classmethod
    def create(
        cls,
        database: Database,
        model: str,
        fingerprint: str,
        size: int,
        key: GalleryKey | None = None,
    ) -> Store:
        """A new gallery of a model, or the one that another process has just made.

        Args:
            database: where to make it.
            model, fingerprint, size: of the model.
            key: encrypt it.

        Raises:
            DataError: the database cannot be written, or holds other tables.
        """
        if database.path is not None and not database.path.parent.is_dir():
            raise DataError(f"there is no folder {database.path.parent} for {database.path.name}")
        database.make_private()
        with database.writing() as connection:
            _one_by_one(connection)
            new = schema_of(connection, database.name) is None
            if new:
                upgrade(connection)
                number = secrets.randbits(63)
                wrapped = key.wrap(secrets.token_bytes(KEY_BYTES), number) if key else None
                values = {
                    "id": number,
                    "model": model,
                    "fingerprint": fingerprint,
                    "embedding_size": size,
                    **key_columns(wrapped),
                    "generation": new_numbers(1)[0],
                    "created": now(),
                }
                connection.execute(sa.insert(gallery).values(values))
            facts = _facts(connection)
            cipher = cipher_of(facts, key, database.name)
            store = cls(database, facts, cipher, vectors=has_vectors(connection))
            if new:
                store.renew_vectors(connection)
            return store

    def hold(self, connection: Connection) -> None:
        """Let nobody else read or write the gallery until this transaction ends.

        SQLite's other writers wait anyway, and its readers go on seeing what was before.
        """
        if self.database.path is None:
            connection.exec_driver_sql("LOCK TABLE gallery IN ACCESS EXCLUSIVE MODE")

    def become(self, connection: Connection, cipher: Cipher, /, **facts: object) -> Store:
        """The same gallery with other facts about itself, in a new generation.

        Args:
            connection: a transaction that has made all rows fit them.
            cipher: what the rows are sealed by now.
            facts: columns of ``gallery``.
        """
        connection.execute(sa.update(gallery).values(facts))
        store = Store(self.database, _facts(connection), cipher)
        store.renew_vectors(connection)
        store.changed(connection)
        return store

    def renew_vectors(self, connection: Connection) -> None:
        """Let the server search the embeddings, where it can and they are not encrypted."""
        if self.facts.key is None:
            self.faces.renew_vectors(connection)
        else:
            drop_vectors(connection)

    def scrub(self) -> bool:
        """Wipe what deleted rows left; see ``Database.scrub``."""
        if self.faces.vectors:
            try:
                with self.database.writing() as connection:
                    self.generation(connection, lock=True)
                    self.renew_vectors(connection)
            except DataError:  # in use, or no room
                return False
        return self.database.scrub()

    def _check_unchanged(self, connection: Connection) -> None:
        """Refuse to go on where another process has encrypted or migrated the gallery.

        What was written by old facts would be in the clear, or of another model.
        """
        if _facts(connection) != self.facts:
            raise UnavailableError(
                f"{self.database.name} was encrypted, migrated or replaced by another process "
                "meanwhile; open it again"
            )

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
        self.log_all(connection, what, [(person, photos)])

    def log_all(
        self, connection: Connection, what: str, lines: Sequence[tuple[int | None, int]]
    ) -> None:
        """Add lines to the audit log: the numbers of people, and how many photos."""
        at = now()
        rows = [
            {"id": number, "at": at, "what": what, "person_id": person, "photos": photos}
            for number, (person, photos) in zip(new_numbers(len(lines)), lines, strict=True)
        ]
        connection.execute(sa.insert(audit), rows)

    def events(self, connection: Connection) -> list[Event]:
        """The audit log, oldest first."""
        asked = sa.select(audit.c.at, audit.c.what, audit.c.person_id, audit.c.photos)
        return [Event(*row) for row in connection.execute(asked.order_by(audit.c.id))]

    def seal_index(self, content: bytes, generation: int) -> bytes:
        """The index of a generation as a file beside the database may hold it."""
        return self.sealing.seal(content, "index", generation)

    def open_index(self, sealed: bytes, generation: int) -> bytes:
        """What such a file holds."""
        return self.sealing.open(sealed, "index", generation)

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


def _one_by_one(connection: Connection) -> None:
    """Let processes make or upgrade the tables one after the other, as SQLite's writers do."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7665697661766973)"))


def _facts(connection: Connection) -> GalleryFacts:
    row = connection.execute(sa.select(gallery)).one()
    key = row.wrapped_key and WrappedKey(row.wrapped_key, row.key_salt, row.key_cost)
    return GalleryFacts(
        row.id, row.model, row.fingerprint, row.embedding_size, row.cipher, row.created, key
    )
