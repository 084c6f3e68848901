"""Bringing a gallery's tables to this version's, when it is opened."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visavis.errors import DataError
from visavis.matching.gallery.tables import SCHEMA

VERSION = sa.table("alembic_version", sa.column("version_num", sa.Text))


def schema_of(connection: Connection, name: str) -> str | None:
    """The revision of a database; ``None`` where it is empty.

    Raises:
        DataError: its tables are somebody else's, or of a newer visavis.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    if not {"alembic_version", "gallery", "faces"} <= set(tables):
        raise DataError(f"{name} is no gallery: it holds other tables, such as {tables[0]}")
    version = connection.scalar(sa.select(VERSION.c.version_num))
    if version is None or not version.isdigit():
        raise DataError(f"{name} is no gallery: its tables are of revision {version}")
    if version > SCHEMA:
        raise DataError(
            f"{name} is of schema {version}, and this visavis knows schemas up to {SCHEMA}; "
            "install the version that made it"
        )
    return str(version)


def upgrade(connection: Connection, revision: str = SCHEMA) -> None:
    """Run the revisions that are missing, in the transaction of ``connection``."""
    from alembic import command  # a quarter of a second that an up-to-date gallery does not need
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
