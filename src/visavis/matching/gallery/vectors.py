"""Search by the database server itself: PostgreSQL's pgvector, where it is installed.

The table holds each enrolled face's embedding once more, as a vector under an HNSW index (Malkov
and Yashunin, 2018), whose answers are nearly exact; the people it finds are compared exactly. It
holds them in the clear, so only a gallery that is not encrypted has one. Without it, or without the
right to install the extension, a gallery on PostgreSQL is searched in memory like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

LARGEST = 2000
"""Numbers in a vector; pgvector indexes no longer ones."""

vectors = sa.table("face_vectors", sa.column("face_id"), sa.column("embedding"))


def make_vectors(connection: Connection, size: int) -> None:
    """Make the table, on PostgreSQL with pgvector; else leave it."""
    if connection.dialect.name != "postgresql" or size > LARGEST:
        return
    try:
        with connection.begin_nested():  # what fails here must not end the transaction
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    except DBAPIError:
        return
    connection.exec_driver_sql(
        "CREATE TABLE face_vectors (face_id BIGINT PRIMARY KEY "
        f"REFERENCES faces (id) ON DELETE CASCADE, embedding vector({size}) NOT NULL)"
    )
    # Embeddings that are compared by cosine have length 1: the nearest are the most alike too.
    connection.exec_driver_sql(
        "CREATE INDEX ix_face_vectors ON face_vectors USING hnsw (embedding vector_l2_ops)"
    )


def drop_vectors(connection: Connection) -> None:
    """Delete the table, where there is one."""
    if has_vectors(connection):
        connection.exec_driver_sql("DROP TABLE face_vectors")


def has_vectors(connection: Connection) -> bool:
    """Whether the table is there."""
    return connection.dialect.name == "postgresql" and sa.inspect(connection).has_table(
        "face_vectors"
    )


def add_vectors(
    connection: Connection, numbers: Sequence[int], embeddings: Sequence[NDArray[np.float32]]
) -> None:
    """Add faces by their numbers."""
    insert = sa.text("INSERT INTO face_vectors VALUES (:face, CAST(:embedding AS vector))")
    rows = zip(numbers, embeddings, strict=True)
    connection.execute(
        insert, [{"face": number, "embedding": as_text(embedding)} for number, embedding in rows]
    )


def as_text(embedding: NDArray[np.float32]) -> str:
    """As pgvector reads it; nine digits give every float32 back."""
    return "[" + ",".join(f"{value:.9g}" for value in embedding) + "]"
