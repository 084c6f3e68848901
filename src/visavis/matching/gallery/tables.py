"""The one schema of every gallery, on SQLite and on PostgreSQL.

What names or shows somebody is in columns of bytes that a ``Cipher`` has sealed. Everything else
here says nothing about who anybody is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA = "0003"
"""The newest revision in ``migrations/versions``; a later one sorts after it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """A time as microseconds since 1970 in UTC: the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


def _number() -> Column[int]:
    """A row's own number: 63 bits, chosen by ``store.new_numbers`` before the row is sealed."""
    number = BigInteger().with_variant(Integer, "sqlite")  # what SQLite keeps its rows in order of
    return Column("id", number, primary_key=True, autoincrement=False)


def _person() -> Column[int]:
    return Column(
        "person_id", ForeignKey("people.id", ondelete="CASCADE"), index=True, nullable=False
    )


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

gallery = Table(
    "gallery",
    metadata,
    _number(),
    Column("model", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("embedding_size", Integer, nullable=False),
    Column("cipher", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("created", Moment, nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("key_salt", LargeBinary),
    Column("key_cost", Integer),
)
"""One row. ``generation`` grows with every change of what a search may find; the last three are
those of ``rows.WrappedKey``."""

people = Table(
    "people",
    metadata,
    _number(),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("name", LargeBinary, nullable=False),
    Column("consent", LargeBinary),
    Column("expires", Moment, index=True),
    Column("created", Moment, nullable=False),
)
"""``key`` is the cipher's of the name's lookup key; ``consent`` a note in the operator's words."""

faces = Table(
    "faces",
    metadata,
    _number(),
    _person(),
    Column("embedding", LargeBinary, nullable=False),
    Column("photo_key", LargeBinary, index=True, nullable=False),
    Column("photo", LargeBinary, nullable=False),
    Column("file", LargeBinary, nullable=False),
    *(
        Column(name, Float, nullable=False)
        for name in ("left", "top", "width", "height", "score", "eye_distance", "turn", "sharpness")
    ),
    Column("crop", LargeBinary),
    Column("created", Moment, nullable=False),
)
"""``photo`` is the photo's sha256, ``photo_key`` the cipher's key of it; the box is in pixels."""

wrong_answers = Table(
    "wrong_answers",
    metadata,
    _number(),
    _person(),
    Column("photo_key", LargeBinary, index=True, nullable=False),
    Column("photo", LargeBinary, nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
)
"""Photos that are known not to show the person."""

audit = Table(
    "audit",
    metadata,
    _number(),
    Column("at", Moment, nullable=False),
    Column("what", Text, nullable=False),
    Column("person_id", BigInteger),
    Column("photos", Integer, nullable=False),
)
"""Who was enrolled, identified, forgotten: numbers alone, which outlive whom they stand for."""


def in_blocks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of ``values`` that one statement can name: SQLite takes at least 999."""
    return (values[start : start + 500] for start in range(0, len(values), 500))
