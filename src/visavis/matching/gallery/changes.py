"""What changes a gallery, each change one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from visavis.errors import DataError, VisavisError
from visavis.matching.gallery.answers import Enrolled
from visavis.matching.gallery.names import clean_name, lookup_key
from visavis.matching.gallery.people_table import Agreement
from visavis.matching.gallery.rows import Person, SeenFace, WrongAnswer
from visavis.matching.gallery.sealing import new_numbers, now
from visavis.matching.gallery.store import Store


@dataclass(frozen=True, eq=False)
class Newcomer:
    """Somebody to make known, or better known.

    Attributes:
        name: theirs.
        found: faces, or the reasons why there is none.
        consent, expires: where they are ``None``, those of a person who is known stay.
    """

    name: str
    found: Sequence[SeenFace | VisavisError]
    consent: str | None = None
    expires: datetime | None = None

    @property
    def agreed(self) -> Agreement:
        """What is noted of a person who is known."""
        agreed = Agreement()
        if self.consent is not None:
            agreed["consent"] = self.consent
        if self.expires is not None:
            agreed["expires"] = self.expires
        return agreed


def enrol(
    store: Store,
    name: str,
    found: Sequence[SeenFace | VisavisError],
    *,
    consent: str | None,
    expires: datetime | None,
    force: bool,
) -> Enrolled:
    """Add faces to a person, who is made where nobody has the name.

    Args:
        store: the gallery.
        name, found, consent, expires: see ``Newcomer``.
        force: take a photo that is enrolled for somebody else.
    """
    newcomer = Newcomer(name, found, consent, expires)
    with store.database.writing() as connection:
        return enrol_all(store, connection, [newcomer], force=force)[0]


def enrol_all(
    store: Store, connection: Connection, newcomers: Sequence[Newcomer], *, force: bool
) -> list[Enrolled]:
    """What ``enrol`` does, for many people in one transaction and few statements."""
    store.generation(connection, lock=True)
    known = store.people.known(connection, [newcomer.name for newcomer in newcomers])
    photos = {f.photo for n in newcomers for f in n.found if isinstance(f, SeenFace)}
    owners = store.faces.enrolled_as(connection, photos)
    made: list[Person] = []
    again: list[tuple[int, Newcomer]] = []
    enrolled: list[tuple[int, SeenFace]] = []
    lines: list[tuple[int, int]] = []
    answers = []
    for number, newcomer in zip(new_numbers(len(newcomers)), newcomers, strict=True):
        name = clean_name(newcomer.name)
        new = Person(number, name, newcomer.consent, newcomer.expires, now(), 0)
        person = known.get(lookup_key(name), new)
        fresh, answer = _sorted_out(store, connection, person, newcomer.found, owners, force=force)
        answers.append(answer)
        if person is not new:
            again.append((person.number, newcomer))
        elif fresh:
            known[lookup_key(name)] = new
            made.append(new)
        if fresh:
            enrolled += [(person.number, face) for face in fresh]
            lines.append((person.number, len(fresh)))
    store.people.add(connection, made)
    for known_as, newcomer in again:
        store.people.agree(connection, known_as, newcomer.agreed)
    if enrolled:
        store.faces.add(connection, enrolled)
        store.changed(connection)
        store.log_all(connection, "enrolled", lines)
    return answers


def _sorted_out(
    store: Store,
    connection: Connection,
    person: Person,
    found: Sequence[SeenFace | VisavisError],
    owners: dict[bytes, set[int]],
    *,
    force: bool,
) -> tuple[list[SeenFace], Enrolled]:
    """The faces that a person does not have yet, who has them from now on in ``owners``."""
    fresh: list[SeenFace] = []
    answer = Enrolled(person.name, [], [], [])
    for face in found:
        if not isinstance(face, SeenFace):
            answer.skipped.append(face)
            continue
        others = owners.setdefault(face.photo, set())
        if person.number in others:
            answer.already.append(face.file)
        elif others and not force:
            answer.skipped.append(_somebody_elses(store, connection, face, others))
        else:
            others.add(person.number)
            fresh.append(face)
            answer.added.append(face.file)
    return fresh, answer


def _somebody_elses(
    store: Store, connection: Connection, face: SeenFace, others: Iterable[int]
) -> DataError:
    known = store.people.by_number(connection, list(others)).values()
    names = " and ".join(sorted(person.name for person in known))
    return DataError(
        f"{face.file} is enrolled for {names}: if that is wrong, say `visavis people not` with "
        "the name and the photo; if it shows both, enrol it with --force"
    )


def reject(store: Store, name: str, face: SeenFace) -> bool:
    """Record that a face is not a person's, and take it from them; whether it was theirs."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        number = store.people.person(connection, name).number
        removed = store.faces.remove(connection, number, face.photo)
        wrong = WrongAnswer(number, face.photo, face.embedding)
        store.faces.add_wrong_answer(connection, wrong)
        store.changed(connection)
        store.log(connection, "rejected", number, 1)
    return removed


def drop(store: Store, name: str, photo: bytes, called: str) -> Person:
    """Take a photo, by its sha256, from a person who has others; the person they are now."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        person = store.people.person(connection, name)
        if not store.faces.remove(connection, person.number, photo):
            raise DataError(
                f"{called} is not enrolled for {person.name}; see `visavis people show --json`"
            )
        if person.photos == 1:  # the transaction ends here, and nothing was removed
            raise DataError(
                f"{called} is the only photo of {person.name}: enrol another one first, or "
                "forget them"
            )
        store.changed(connection)
        store.log(connection, "dropped", person.number, 1)
        return store.people.person(connection, name)


def agree(store: Store, name: str, agreed: Agreement) -> Person:
    """Note another consent, or another expiry, or none."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        number = store.people.person(connection, name).number
        store.people.agree(connection, number, agreed)
        store.changed(connection)
        store.log(connection, "agreed", number, 0)
        return store.people.person(connection, name)


def rename(store: Store, name: str, new: str) -> Person:
    """Give a person a name that is free."""
    new = clean_name(new)
    with store.database.writing() as connection:
        person = store.people.person(connection, name)
        other = store.people.find(connection, new)
        if other and other.number != person.number:
            raise DataError(
                f"{other.name} is somebody else's name; if they are one person: "
                f"visavis people merge '{person.name}' '{other.name}'"
            )
        store.people.rename(connection, person.number, new)
        store.log(connection, "renamed", person.number, 0)
    return replace(person, name=new)


def merge(store: Store, name: str, into: str) -> Person:
    """Make one person's photos another's; the person they are now."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        source = store.people.person(connection, name)
        target = store.people.person(connection, into)
        if source.number == target.number:
            raise DataError(f"{source.name} and {target.name} are one person already")
        store.people.merge(connection, source.number, target.number)
        store.changed(connection)
        store.log(connection, "merged away", source.number, source.photos)
        store.log(connection, "merged", target.number, source.photos)
        return store.people.person(connection, into)


def forget(store: Store, names: Sequence[str]) -> list[Person]:
    """Delete people by name, all or none of them."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        people = {p.number: p for p in (store.people.person(connection, n) for n in names)}
        return _remove(store, connection, list(people.values()), "forgotten")


def purge_expired(store: Store) -> list[Person]:
    """Delete people whose time is over."""
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        expired = store.people.expired(connection)
        people = store.people.by_number(connection, list(expired))
        return _remove(store, connection, list(people.values()), "expired")


def _remove(store: Store, connection: Connection, people: list[Person], what: str) -> list[Person]:
    for person in people:
        store.log(connection, what, person.number, person.photos)
    if people:
        store.people.remove(connection, [person.number for person in people])
        store.changed(connection)
    return people
