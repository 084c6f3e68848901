"""Everybody's embeddings in the database server, searched there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from visavis.matching.gallery.faces_table import FacesTable
from visavis.matching.gallery.tables import faces
from visavis.matching.gallery.vectors import as_text, vectors

SEARCHED = 200
"""Candidates that a walk through the graph keeps (``hnsw.ef_search``), at least."""


@dataclass(frozen=True)
class ServerIndex:
    """What a ``FaceIndex`` does, by pgvector, as ``connection`` sees the gallery."""

    connection: Connection
    table: FacesTable

    def nearest_people(
        self, embedding: NDArray[np.float32], count: int, without: Collection[int] = ()
    ) -> list[int]:
        """Up to ``count`` people by the nearest of their faces, nearly always the right ones."""
        asked = 8 * count
        while True:
            owners = self._nearest_owners(embedding, asked)
            people = [person for person in dict.fromkeys(owners) if person not in without]
            if len(people) >= count or len(owners) < asked:
                return people[:count]
            asked *= 8  # some people have many faces

    def faces_of(self, person: int) -> NDArray[np.float32]:
        """(k, d) embeddings of a person."""
        return self.table.embeddings_of(self.connection, person)

    def _nearest_owners(self, embedding: NDArray[np.float32], count: int) -> list[int]:
        width = min(1000, max(SEARCHED, 2 * count))  # 1,000 is pgvector's bound
        self.connection.exec_driver_sql(f"SET LOCAL hnsw.ef_search = {width}")
        self.connection.exec_driver_sql("SET LOCAL hnsw.iterative_scan = strict_order")
        asked = (
            sa.select(faces.c.person_id)
            .join(vectors, vectors.c.face_id == faces.c.id)
            .order_by(sa.text("face_vectors.embedding <-> CAST(:probe AS vector)"))
            .limit(count)
        )
        return list(self.connection.scalars(asked, {"probe": as_text(embedding)}))
