"""A copy of an SQLite gallery while it is in use, and the way back.

An encrypted gallery's copy is encrypted, and neither way needs its key.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from visavis.errors import DataError
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.index import drop_caches
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.tables import SCHEMA


def back_up(url: str | os.PathLike[str], target: Path) -> int:
    """Copy a gallery, as it is at one moment, to a new file that only its owner may read.

    Returns:
        How many people it holds.

    Raises:
        DataError: there is no gallery, it is on PostgreSQL, or ``target`` exists or cannot be
            written.
    """
    database = _sqlite(url)
    store = Store.open(database, sealed=True)
    if store is None:
        raise DataError(f"there is no gallery {database.name}")
    if target.exists():
        raise DataError(f"{target} exists; name a new file for the backup")
    with store.database.reading() as connection:
        people = store.people.count(connection)
    with (
        _new_file(target) as partial,
        database.explained(),
        closing(sqlite3.connect(database.name)) as source,
    ):
        _copy(source, partial)
    database.close()
    return people


def restore(source: Path, url: str | os.PathLike[str], *, force: bool = False) -> int:
    """Bring a backup back, whole or not at all; galleries that are open see it at once.

    Args:
        source: what ``back_up`` wrote.
        url: the gallery to fill.
        force: also where it holds somebody, or is damaged.

    Returns:
        How many people it holds.

    Raises:
        DataError: ``source`` is no whole gallery, or the gallery holds somebody.
    """
    database = _sqlite(url)
    check_backup(source)
    latest = _latest(database, force=force)
    if latest is None:
        _replace(source, database)
    else:
        with (
            database.explained(),
            closing(sqlite3.connect(database.name)) as target,
            closing(_read_only(source)) as copy,
        ):
            copy.backup(target)
    store = Store.open(database, sealed=True)
    if store is None:
        raise DataError(f"{source} could not be brought back")
    with store.database.writing() as connection:
        store.changed(connection, after=latest or 0)  # whoever has it open searches it anew
        store.log(connection, "restored", None, store.counts(connection)["photos"])
        people = store.people.count(connection)
    drop_caches(store)
    database.close()
    return people


def check_backup(path: Path) -> None:
    """Refuse a file that is no whole gallery.

    Raises:
        DataError: it is missing, damaged, of a newer version, or something else.
    """
    if not path.is_file():
        raise DataError(f"there is no backup {path}")
    try:
        with closing(_read_only(path)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT generation FROM gallery").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise DataError(f"{path} is no backup of a gallery: {error}") from None
    if verdict != "ok":
        raise DataError(f"{path} is damaged: {verdict}; take an earlier backup")
    if version > SCHEMA:
        raise DataError(
            f"{path} is of schema {version}, and this visavis knows schemas up to {SCHEMA}; "
            "install the version that made it"
        )


def _sqlite(url: str | os.PathLike[str]) -> Database:
    database = Database(url)
    if database.path is None:
        raise DataError(
            f"{database.name} is kept by PostgreSQL: back it up with its own pg_dump, or use "
            "`visavis gallery export`"
        )
    return database


def _latest(database: Database, *, force: bool) -> int | None:
    """The generation of the gallery that a backup is to replace; ``None`` where there is none."""
    try:
        store = Store.open(database, sealed=True)
    except DataError:
        if not force:
            raise
        return None  # whatever it is, the operator wants the backup in its place
    if store is None:
        return None
    with store.database.reading() as connection:
        people, latest = store.people.count(connection), store.generation(connection)
    if people and not force:
        raise DataError(
            f"{database.name} holds {people} people; give --force to have the backup in their place"
        )
    database.close()
    return latest


def _replace(source: Path, database: Database) -> None:
    path = Path(database.name)
    database.close()
    if not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent} for {path.name}")
    with _new_file(path) as partial, closing(_read_only(source)) as copy, database.explained():
        _copy(copy, partial)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A file for its owner alone that takes its place at the end, or is gone."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
