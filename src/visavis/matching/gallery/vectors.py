"""Search by the database server itself: PostgreSQL's pgvector, where it is installed.

The table holds each enrolled face's embedding once more, as a vector under an HNSW index (Malkov
and Yashunin, 2018), whose answers are nearly exact; the people it finds are compared exactly. It
holds them in the clear, so only a gallery that is not encrypted has one. Without it, or without the
right to install the extension, a gallery on PostgreSQL is searched in memory like any other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from visavis.matching.gallery.database import wait_briefly

LARGEST = 2000
"""Numbers in a vector; pgvector indexes no longer ones."""
MOST_MEMORY = 2**31
"""Bytes that making an index may take; a larger one is made on the disk, several times slower."""

vectors = sa.table("face_vectors", sa.column("face_id"), sa.column("embedding"))
_NEXT = "next_face_vectors"


def renew_vectors(
    connection: Connection, size: int, blocks: Iterable[Mapping[int, NDArray[np.float32]]]
) -> bool:
    """Make the table anew, on PostgreSQL with pgvector.

    The index comes after the rows, which is faster than keeping it up with each of them. Whoever
    searches meanwhile is given the old table, and waits only for the moment that puts the new one
    in its place: ``Database.reading`` has them all lock ``faces``.

    Args:
        connection: a transaction that nobody else's changes of faces can come into.
        size: numbers in an embedding.
        blocks: embeddings by the numbers of their faces.

    Returns:
        Whether there is a table.
    """
    if not _has_pgvector(connection, size):
        return False
    connection.exec_driver_sql(
        f"CREATE TABLE {_NEXT} (face_id BIGINT PRIMARY KEY, embedding vector({size}) NOT NULL)"
    )
    # As revision 0003 has it for the other tables: no samples among the server's statistics.
    connection.exec_driver_sql(f"ALTER TABLE {_NEXT} ALTER COLUMN embedding SET STATISTICS 0")
    count = 0
    for block in blocks:
        add_vectors(connection, block, _NEXT)
        count += len(block)
    _make_index(connection, size, count)
    wait_briefly(connection)
    connection.exec_driver_sql("LOCK TABLE faces IN ACCESS EXCLUSIVE MODE")
    drop_vectors(connection)
    connection.exec_driver_sql(
        f"ALTER TABLE {_NEXT} ADD FOREIGN KEY (face_id) REFERENCES faces (id) ON DELETE CASCADE"
    )
    connection.exec_driver_sql(f"ALTER TABLE {_NEXT} RENAME TO face_vectors")
    return True


def _has_pgvector(connection: Connection, size: int) -> bool:
    if connection.dialect.name != "postgresql" or size > LARGEST:
        return False
    try:
        with connection.begin_nested():  # what fails here must not end the transaction
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    except DBAPIError:
        return False
    return True


def _make_index(connection: Connection, size: int, count: int) -> None:
    needed = min(MOST_MEMORY, count * (4 * size + 1024) * 5 // 4) // 1024
    raised = sa.text(
        "SELECT set_config('maintenance_work_mem', CAST(greatest(:needed, "
        "pg_size_bytes(current_setting('maintenance_work_mem')) / 1024) AS text), true)"
    )
    connection.execute(raised, {"needed": needed})
    # Embeddings that are compared by cosine have length 1: the nearest are the most alike too.
    statement = f"CREATE INDEX ON {_NEXT} USING hnsw (embedding vector_l2_ops)"
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except OperationalError:  # workers share that memory, and a container may have 64 MB to share
        connection.exec_driver_sql("SET LOCAL max_parallel_maintenance_workers = 0")
        connection.exec_driver_sql(statement)


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
    connection: Connection,
    embeddings: Mapping[int, NDArray[np.float32]],
    table: str = vectors.name,
) -> None:
    """Add faces by their numbers, in the form that pgvector sends and receives."""
    statement = f"COPY {table} (face_id, embedding) FROM STDIN (FORMAT BINARY)"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        copy.set_types(["int8", "bytea"])
        for number, embedding in embeddings.items():
            head = struct.pack(">HH", len(embedding), 0)
            copy.write_row((number, head + embedding.astype(">f4").tobytes()))


def as_text(embedding: NDArray[np.float32]) -> str:
    """As pgvector reads it; nine digits give every float32 back."""
    return "[" + ",".join(f"{value:.9g}" for value in embedding) + "]"
