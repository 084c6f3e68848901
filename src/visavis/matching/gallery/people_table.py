"""The people of a gallery: named, renamed, merged, removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visavis.errors import UnknownPersonError
from visavis.matching.gallery.names import clean_name, lookup_key
from visavis.matching.gallery.rows import Person
from visavis.matching.gallery.sealing import Sealing, now
from visavis.matching.gallery.tables import faces, in_blocks, people, wrong_answers


class Agreement(TypedDict, total=False):
    """What a person agreed to: what is left out stays as it is, ``None`` clears it.

    Attributes:
        consent: a note about it.
        expires: from when they are not to be known any more.
    """

    consent: str | None
    expires: datetime | None


class PeopleTable:
    """Rows of ``people``; each method is part of the transaction that it is given."""

    def __init__(self, gallery: str, sealing: Sealing) -> None:
        self._gallery = gallery
        self._sealing = sealing

    def find(self, connection: Connection, name: str) -> Person | None:
        """The person of a name, in whatever case it is written."""
        key = self._sealing.key_of(lookup_key(name))
        return next(self._people(connection, people.c.key == key), None)

    def person(self, connection: Connection, name: str) -> Person:
        """``find``, where somebody must be found.

        Raises:
            UnknownPersonError: nobody is called so.
        """
        found = self.find(connection, name)
        if found is None:
            raise UnknownPersonError(
                f"nobody called {clean_name(name)} is in {self._gallery}; see `visavis people list`"
            )
        return found

    def known(self, connection: Connection, names: Sequence[str]) -> dict[bytes, Person]:
        """Those people of some names that there are, by ``lookup_key``."""
        keys = [self._sealing.key_of(lookup_key(name)) for name in names]
        return {
            lookup_key(person.name): person
            for some in in_blocks(keys)
            for person in self._people(connection, people.c.key.in_(some))
        }

    def everybody(self, connection: Connection) -> list[Person]:
        """All people, in the order of their names."""
        return sorted(self._people(connection), key=lambda person: lookup_key(person.name))

    def by_number(self, connection: Connection, numbers: Sequence[int]) -> dict[int, Person]:
        """Some people, by number; those that are gone are left out."""
        return {
            person.number: person
            for some in in_blocks(numbers)
            for person in self._people(connection, people.c.id.in_(some))
        }

    def names(self, connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
        """The names of some people, by number; those who are gone are left out."""
        asked = sa.select(people.c.id, people.c.name)
        return {
            number: self._sealing.open(sealed, "people.name", number).decode()
            for some in in_blocks(numbers)
            for number, sealed in connection.execute(asked.where(people.c.id.in_(some)))
        }

    def count(self, connection: Connection) -> int:
        """How many there are."""
        return connection.execute(sa.select(sa.func.count()).select_from(people)).scalar_one()

    def expired(self, connection: Connection) -> set[int]:
        """The numbers of people whose time is over."""
        asked = sa.select(people.c.id).where(people.c.expires <= now())
        return set(connection.scalars(asked))

    def add(self, connection: Connection, newcomers: Sequence[Person]) -> None:
        """New people, by numbers of ``new_numbers``; their names must be free."""
        rows = [
            {
                "id": person.number,
                "created": person.created,
                **self._naming(person.number, person.name),
                **self._agreeing(
                    person.number, Agreement(consent=person.consent, expires=person.expires)
                ),
            }
            for person in newcomers
        ]
        if rows:
            connection.execute(sa.insert(people), rows)

    def rename(self, connection: Connection, number: int, name: str) -> None:
        """Another name for a person; it must be free, or the person's own."""
        changes = self._naming(number, name)
        connection.execute(sa.update(people).where(people.c.id == number).values(changes))

    def agree(self, connection: Connection, number: int, agreed: Agreement) -> None:
        """Another note of consent, or another expiry, or none."""
        if changes := self._agreeing(number, agreed):
            connection.execute(sa.update(people).where(people.c.id == number).values(changes))

    def merge(self, connection: Connection, source: int, target: int) -> None:
        """All that is known of one person becomes another's; what both know is kept once."""
        known = sa.select(faces.c.photo_key).where(faces.c.person_id == target)
        doubled = sa.and_(faces.c.person_id == source, faces.c.photo_key.in_(known))
        connection.execute(sa.delete(faces).where(doubled))
        for table in (faces, wrong_answers):
            moved = sa.update(table).where(table.c.person_id == source)
            connection.execute(moved.values(person_id=target))
        self.remove(connection, [source])

    def remove(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Delete people with all that is known of them."""
        for some in in_blocks(numbers):
            connection.execute(sa.delete(people).where(people.c.id.in_(some)))

    def _people(self, connection: Connection, *which: Any) -> Iterator[Person]:
        count = (
            sa.select(sa.func.count())
            .where(faces.c.person_id == people.c.id)
            .correlate(people)
            .scalar_subquery()
        )
        for row in connection.execute(sa.select(people, count.label("photos")).where(*which)):
            yield Person(
                row.id,
                self._sealing.open(row.name, "people.name", row.id).decode(),
                row.consent and self._sealing.open(row.consent, "people.consent", row.id).decode(),
                row.expires,
                row.created,
                row.photos,
            )

    def _naming(self, number: int, name: str) -> dict[str, bytes]:
        return {
            "key": self._sealing.key_of(lookup_key(name)),
            "name": self._sealing.seal(clean_name(name).encode(), "people.name", number),
        }

    def _agreeing(self, number: int, agreed: Agreement) -> dict[str, bytes | datetime | None]:
        given: dict[str, bytes | datetime | None] = {}
        if "consent" in agreed:
            note = agreed["consent"] or ""
            sealed = self._sealing.seal(note.encode(), "people.consent", number)
            given["consent"] = sealed if note else None
        if "expires" in agreed:
            given["expires"] = agreed["expires"]
        return given
