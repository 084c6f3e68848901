"""A gallery encrypted, given another key, or decrypted: all of its rows in one transaction."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from visavis.errors import DataError
from visavis.matching.found import Progress
from visavis.matching.gallery.cipher import Aes256Gcm, Plain
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.index import drop_caches
from visavis.matching.gallery.key import KEY_BYTES, GalleryKey, key_columns
from visavis.matching.gallery.names import lookup_key
from visavis.matching.gallery.sealing import Sealing
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.tables import faces, in_blocks, people, wrong_answers

SEALED = {
    people: ("name", "consent"),
    faces: ("embedding", "photo", "file", "crop"),
    wrong_answers: ("embedding", "photo"),
}
"""The columns that hold sealed values. What rows are found by is made from name and photo."""


def is_encrypted(url: str | os.PathLike[str]) -> bool:
    """Whether a gallery is; not where there is none yet.

    Raises:
        DataError: it cannot be opened.
    """
    database = Database(url)
    try:
        store = Store.open(database, sealed=True)
        return store is not None and store.facts.key is not None
    finally:
        database.close()


def encrypt(url: str | os.PathLike[str], key: GalleryKey, progress: Progress | None = None) -> bool:
    """Encrypt a gallery that is not. Whoever has it open must open it again.

    A process that is killed leaves all of it encrypted or none.

    Args:
        url: the gallery.
        key: what will open it.
        progress: called after each few hundred rows.

    Returns:
        Whether what was in the clear is gone from free space and log too; not while another
        process reads the gallery.

    Raises:
        DataError: there is no gallery, or it is encrypted.
    """
    if is_encrypted(url):
        raise DataError(
            f"{Database(url).name} is encrypted already; `visavis gallery encrypt --rotate` gives "
            "it another key, `visavis gallery scrub` wipes what a killed process left"
        )
    return _seal_anew(url, None, key, "encrypted", progress, encrypted=False)


def rotate(
    url: str | os.PathLike[str],
    key: GalleryKey | None,
    new: GalleryKey,
    progress: Progress | None = None,
) -> bool:
    """Encrypt an encrypted gallery anew: another data key, wrapped by another key.

    Args:
        url: the gallery.
        key: opens it.
        new: what will open it.
        progress: see ``encrypt``.

    Returns:
        Whether what the old key opens is gone, see ``encrypt``.

    Raises:
        DataError: there is no gallery, it is not encrypted, or ``key`` does not open it.
    """
    return _seal_anew(url, key, new, "encrypted anew", progress)


def decrypt(
    url: str | os.PathLike[str], key: GalleryKey | None, progress: Progress | None = None
) -> bool:
    """Keep an encrypted gallery in the clear.

    Args:
        url: the gallery.
        key: opens it.
        progress: see ``encrypt``.

    Returns:
        Whether free space and log were wiped.

    Raises:
        DataError: there is no gallery, it is not encrypted, or ``key`` does not open it.
    """
    return _seal_anew(url, key, None, "decrypted", progress)


def _seal_anew(
    url: str | os.PathLike[str],
    key: GalleryKey | None,
    new: GalleryKey | None,
    what: str,
    progress: Progress | None,
    *,
    encrypted: bool = True,
) -> bool:
    database = Database(url)
    try:
        store = Store.open(database, key)
        if store is None:
            raise DataError(f"there is no gallery {database.name}")
        if encrypted and store.facts.key is None:
            raise DataError(f"{database.name} is not encrypted; say `visavis gallery encrypt`")
        number, data_key = store.facts.number, secrets.token_bytes(KEY_BYTES)
        wrapped = new.wrap(data_key, number) if new else None
        cipher = Aes256Gcm(data_key, database.name) if wrapped else Plain()
        with database.writing() as connection:
            store.hold(connection)
            for table in SEALED:
                _seal_rows(connection, table, store.sealing, Sealing(number, cipher), progress)
            renewed = store.become(connection, cipher, **key_columns(wrapped))
            renewed.log(connection, what, None, renewed.counts(connection)["photos"])
            drop_caches(renewed)  # whoever is killed from here on leaves no copy in the clear
        drop_caches(renewed)
        return database.scrub()
    finally:
        database.close()


def _seal_rows(
    connection: Connection,
    table: sa.Table,
    old: Sealing,
    new: Sealing,
    progress: Progress | None,
) -> None:
    numbers = list(connection.scalars(sa.select(table.c.id)))
    update = sa.update(table).where(table.c.id == sa.bindparam("number"))
    done = 0
    for some in in_blocks(numbers):
        rows = connection.execute(sa.select(table).where(table.c.id.in_(some))).all()
        values = [{"number": row.id, **dict(_sealed(row, table, old, new))} for row in rows]
        connection.execute(update, values)
        done += len(some)
        if progress:
            progress(f"sealing {table.name.replace('_', ' ')}", done, len(numbers))


def _sealed(
    row: Row[Any], table: sa.Table, old: Sealing, new: Sealing
) -> Iterator[tuple[str, bytes | None]]:
    """A row's sealed values and what it is found by, by their columns."""
    for column in SEALED[table]:
        kept = getattr(row, column)
        if kept is None:
            yield column, None
            continue
        place = f"{table.name}.{column}"
        content = old.open(kept, place, row.id)
        yield column, new.seal(content, place, row.id)
        if column == "name":
            yield "key", new.key_of(lookup_key(content.decode()))
        elif column == "photo":
            yield "photo_key", new.key_of(content)
