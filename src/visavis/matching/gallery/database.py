"""Connections to a gallery's database, and its troubles in one sentence each."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from visavis.errors import DataError, UnavailableError

BUSY_SECONDS = 15.0
"""How long to wait for another process's transaction; ours take milliseconds."""

PRAGMAS = (
    "journal_mode=WAL",  # readers and the one writer do not wait for each other
    "synchronous=FULL",  # what is acknowledged survives a power cut
    "secure_delete=ON",  # what is deleted is overwritten
    "foreign_keys=ON",
)

_SQLITE_TROUBLES = {
    "is locked": "is in use by another process; try again in a moment",
    "is busy": "is in use by another process; try again in a moment",
    "not a database": "is no gallery: it is not an SQLite database",
    "malformed": "is damaged or truncated; bring a backup back with `visavis gallery restore`",
    "disk I/O": "cannot be read or written: the disk reports an error",
    "is full": "cannot grow: the disk is full; free some space, nothing was changed",
    "readonly": "may not be written; check its permissions",
    "unable to open": "cannot be opened; check that its folder exists and may be written",
}


def parse_url(url: str | os.PathLike[str]) -> URL:
    """A gallery's address; a plain path means an SQLite file.

    Raises:
        DataError: neither SQLite in a file nor PostgreSQL.
    """
    text = os.fspath(url)
    if "://" not in text:
        text = f"sqlite:///{text}"
    try:
        parsed = make_url(text)
    except ArgumentError:
        raise DataError(f"{text} is no gallery's address; {_KINDS}") from None
    kind = parsed.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise DataError(f"{text} is no gallery's address; {_KINDS}")
    return parsed


_KINDS = "write sqlite:///people.db or postgresql://user@host/name"


class Database:
    """One gallery's database.

    Attributes:
        url: its address.
        path: its file; ``None`` for PostgreSQL.
        name: what messages call it: the file, or the address without the password.
        engine: SQLAlchemy's.
        guard: called at the beginning of each transaction; it may refuse the transaction.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = parse_url(url)
        self.guard: Callable[[Connection], None] | None = None
        self.path: Path | None = None
        if self.url.get_backend_name() == "sqlite":
            self.path = Path(str(self.url.database))
            self.name = str(self.path)
        else:
            self.name = self.url.set(drivername="postgresql").render_as_string()
        self.engine = self._open()

    def _open(self) -> Engine:
        if self.path is None:
            try:
                # SQLAlchemy keeps five of fifteen open; a server's threads would open theirs anew.
                return sa.create_engine(self.url, pool_size=15, max_overflow=0)
            except ImportError:
                raise DataError(
                    f"{self.name} needs PostgreSQL support; pip install 'visavis[postgres]'"
                ) from None
        path = self.path
        engine = sa.create_engine(
            "sqlite://",
            creator=lambda: _connect(path),
            poolclass=sa.pool.QueuePool,
            pool_size=0,  # of any size: one for each thread stays open, none is opened for a search
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def close(self) -> None:
        """Let go of its files; it opens anew where it is used again."""
        self.engine.dispose()

    @property
    def read_only(self) -> bool:
        """Whether its file may not be written."""
        return self.path is not None and _may_not_be_written(self.path)

    def make_private(self) -> None:
        """Begin a file that only its owner may read; SQLite's other files follow it."""
        try:
            if self.path is not None:
                self.path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            pass
        except OSError as error:
            raise DataError(f"{self.name} cannot be made: {error.strerror or error}") from None

    def scrub(self) -> bool:
        """Wipe what deleted rows left in free space, and on SQLite in the log.

        Returns:
            Whether nothing is left; another process that reads the gallery may need it still.
        """
        try:
            with self.alone() as connection:
                if self.path is None:
                    return _rewrite(connection)
                connection.exec_driver_sql("VACUUM")
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                return not busy
        except DataError:  # in use, or no room for the copy that VACUUM makes
            return False

    def size(self, connection: Connection) -> int:
        """Bytes on the disk, free space and log included."""
        if self.path is None:
            asked = "SELECT pg_database_size(current_database())"
            return int(connection.exec_driver_sql(asked).scalar_one())
        files = self.path, self.path.with_name(self.path.name + "-wal")
        return sum(file.stat().st_size for file in files if file.exists())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the gallery throughout, and changes nothing."""
        with self._connected("REPEATABLE READ") as connection, connection.begin():
            if self.guard:
                if self.path is None:  # before the state is chosen, else a new table looks empty
                    connection.exec_driver_sql("LOCK TABLE gallery, faces IN ACCESS SHARE MODE")
                self.guard(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept whole at its end, or not at all where something fails."""
        with self._connected("READ COMMITTED") as connection:
            connection.execution_options(writing=True)
            with connection.begin():
                if self.guard:
                    self.guard(connection)
                yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection outside of any transaction, for the database's own housekeeping."""
        with self._connected("AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def _connected(self, isolation: Any) -> Iterator[Connection]:
        with self.explained(), self.engine.connect() as connection:
            if self.path is None:
                connection.execution_options(isolation_level=isolation)
            else:  # SQLite's readers see one state as it is
                connection.execution_options(autocommit=isolation == "AUTOCOMMIT")
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say in one sentence what is wrong with the database."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise UnavailableError(self._explain(error)) from None

    def _explain(self, error: Exception) -> str:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, sqlite3.Error):
            for words, meaning in _SQLITE_TROUBLES.items():
                if words in str(cause):
                    return f"{self.name} {meaning}"
        if "lock timeout" in str(cause):
            return f"{self.name} {_SQLITE_TROUBLES['is locked']}"
        first = [*str(cause).strip().splitlines(), type(cause).__name__][0]
        return f"{self.name}: {first}"


def _connect(path: Path) -> sqlite3.Connection:
    """Read and write; read only where the file may not be written, as on a mounted archive."""
    place = str(path)
    read_only = _may_not_be_written(path)
    if read_only:
        # Beside a file that nobody writes there is no room for WAL's own files, and no need.
        still = "" if os.access(path.parent, os.W_OK) else "&immutable=1"
        place = f"{path.absolute().as_uri()}?mode=ro{still}"
    return sqlite3.connect(place, timeout=BUSY_SECONDS, check_same_thread=False, uri=read_only)


def wait_briefly(connection: Connection) -> None:
    """Let a transaction of PostgreSQL give up on what it cannot have soon, as SQLite does.

    Whoever comes after it waits for it, so a reader that goes on for long would stop all others.
    """
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")


def _rewrite(connection: Connection) -> bool:
    """Write PostgreSQL's tables of people anew, since it leaves old bytes within its pages.

    Returns:
        Whether no deleted row is left, as for a transaction that began before it was deleted.
    """
    tables = "people", "faces", "wrong_answers"
    connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    try:
        connection.exec_driver_sql(f"VACUUM FULL {', '.join(tables)}")
        connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")  # counts what it has to leave
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    left = sa.text(
        "SELECT sum(n_dead_tup) FROM pg_stat_user_tables "
        "WHERE relid = ANY(CAST(:tables AS regclass[]))"
    )
    return not connection.scalar(left, {"tables": list(tables)})


def _may_not_be_written(path: Path) -> bool:
    return path.exists() and not os.access(path, os.W_OK)


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # ``_begin_sqlite`` begins, not the driver
    for pragma in PRAGMAS:
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if "readonly" not in str(error):
                raise


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("autocommit"):
        # A writer asks for its place at once: one that had read first could not wait for it.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")
