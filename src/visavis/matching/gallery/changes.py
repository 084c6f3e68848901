"""What changes a gallery, each change one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.engine import Connection

from visavis.errors import DataError, VisavisError
from visavis.matching.gallery.answers import Enrolled
from visavis.matching.gallery.names import clean_name
from visavis.matching.gallery.people_table import Agreement
from visavis.matching.gallery.rows import Person, SeenFace, WrongAnswer
from visavis.matching.gallery.store import Store


def enrol(
    store: Store,
    name: str,
    found: Iterable[SeenFace | VisavisError],
    *,
    consent: str | None,
    expires: datetime | None,
    force: bool,
) -> Enrolled:
    """Add faces to a person, who is made where nobody has the name.

    Args:
        store: the gallery.
        name: of the person.
        found: faces, or the reasons why there is none.
        consent, expires: where they are ``None``, those of the person stay.
        force: take a photo that is enrolled for somebody else.
    """
    name = clean_name(name)
    faces: list[SeenFace] = []
    skipped: list[VisavisError] = []
    for face in found:
        (faces if isinstance(face, SeenFace) else skipped).append(face)  # type: ignore[arg-type]
    fresh: dict[bytes, SeenFace] = {}
    already: list[str] = []
    with store.database.writing() as connection:
        store.generation(connection, lock=True)
        person = store.people.find(connection, name)
        owners = store.faces.enrolled_as(connection, [face.photo for face in faces])
        for face in faces:
            others = owners.get(face.photo, set())
            if face.photo in fresh or (person and person.number in others):
                already.append(face.file)
            elif others and not force:
                skipped.append(_somebody_elses(store, connection, face, others))
            else:
                fresh[face.photo] = face
        if person:
            agreed = Agreement()
            if consent is not None:
                agreed["consent"] = consent
            if expires is not None:
                agreed["expires"] = expires
            store.people.agree(connection, person.number, agreed)
        if fresh:
            number = (
                person.number if person else store.people.add(connection, name, consent, expires)
            )
            store.faces.add(connection, number, list(fresh.values()))
            store.changed(connection)
            store.log(connection, "enrolled", number, len(fresh))
    shown = person.name if person else name
    return Enrolled(shown, [face.file for face in fresh.values()], already, skipped)


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
