"""Whom a gallery knows: everything about its people that needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from visavis.matching.gallery import changes
from visavis.matching.gallery.answers import Forgotten
from visavis.matching.gallery.index import drop_caches
from visavis.matching.gallery.integrity import problems
from visavis.matching.gallery.people_table import Agreement
from visavis.matching.gallery.rows import Event, Person, SeenFace
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.tables import SCHEMA
from visavis.matching.gallery.transfer import export


class Directory:
    """The people of a gallery.

    Attributes:
        name: the gallery's file, or its address without the password.
    """

    def __init__(self, store: Store) -> None:
        self.name = store.database.name
        self._store = store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of its files."""
        self._store.database.close()

    def people(self) -> list[Person]:
        """Everybody, in the order of their names."""
        with self._store.database.reading() as connection:
            return self._store.people.everybody(connection)

    def show(self, name: str) -> tuple[Person, list[SeenFace]]:
        """A person and what is known of them, oldest photo first.

        Raises:
            DataError: nobody is called so.
        """
        with self._store.database.reading() as connection:
            person = self._store.people.person(connection, name)
            return person, list(self._store.faces.of(connection, person.number))

    def numbered(self, number: int) -> Person | None:
        """The person of a number; ``None`` where they are known no longer."""
        with self._store.database.reading() as connection:
            return self._store.people.by_number(connection, [number]).get(number)

    def agree(self, name: str, **agreed: Unpack[Agreement]) -> Person:
        """Note what a person agreed to, and until when.

        Args:
            name: of the person.
            agreed: ``consent``, a note about it; ``expires``, from when they are not to be known
                any more, UTC where it says nothing. What is left out stays as it is, ``None``
                clears it: without an expiry, they are known until they are forgotten.

        Raises:
            DataError: nobody is called so.
        """
        if "expires" in agreed:
            agreed["expires"] = in_utc(agreed["expires"])
        return changes.agree(self._store, name, agreed)

    def rename(self, name: str, new: str) -> Person:
        """Give a person another name.

        Raises:
            DataError: nobody is called so, or somebody else is called ``new``.
        """
        person = changes.rename(self._store, name, new)
        self._wipe_rows()
        return person

    def merge(self, name: str, into: str) -> Person:
        """Two people are one: all that is known of ``name`` becomes ``into``'s.

        Raises:
            DataError: one of them is nobody, or both are the same.
        """
        person = changes.merge(self._store, name, into)
        self._wipe_rows()
        return person

    def forget(self, *names: str) -> Forgotten:
        """Delete people with all that is known of them, and its traces in the gallery's files.

        What it cannot reach: backups, exports, the disk's own remains, and on PostgreSQL the
        server's log and replicas.

        Raises:
            DataError: nobody is called so; then nobody is forgotten.
        """
        return self._forgotten(changes.forget(self._store, names))

    def purge_expired(self) -> Forgotten:
        """Forget everybody whose time is over."""
        return self._forgotten(changes.purge_expired(self._store))

    def _forgotten(self, people: Sequence[Person]) -> Forgotten:
        names, photos = [person.name for person in people], sum(p.photos for p in people)
        return Forgotten(names, photos, self.scrub() if people else True)

    def info(self) -> dict[str, Any]:
        """What it is: model, sizes, schema, what it is encrypted with, when it was made."""
        facts = self._store.facts
        with self._store.database.reading() as connection:
            return {
                "gallery": self.name,
                **facts.as_dict(),
                "schema": SCHEMA,
                "cipher": facts.cipher,
                "key": facts.key and ("passphrase" if facts.key.by_passphrase else "file"),
                **self._store.counts(connection),
                "expired": len(self._store.people.expired(connection)),
                "bytes": self._store.database.size(connection),
            }

    def events(self) -> list[Event]:
        """The audit log, oldest first."""
        with self._store.database.reading() as connection:
            return self._store.events(connection)

    def verify_integrity(self) -> list[str]:
        """What is wrong with the database, in sentences; nothing, where it is whole."""
        return problems(self._store)

    def export(self, target: Path) -> int:
        """Write everything to a new folder or ``.zip`` file; see ``transfer``.

        Returns:
            How many people there are.

        Raises:
            DataError: ``target`` exists or cannot be written.
        """
        return export(self._store, target)

    def scrub(self) -> bool:
        """Wipe what deleted rows left in free space and in the log, as ``forget`` does by itself.

        Returns:
            Whether nothing is left: another process that reads the gallery may hold it open.
        """
        drop_caches(self._store)
        return self._store.scrub()

    def _wipe_rows(self) -> None:
        """``scrub``, but for what the server's index keeps: making that anew may take minutes."""
        drop_caches(self._store)
        self._store.database.scrub()


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment that says nothing of its zone is one of UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
