"""Everybody's embeddings in memory, and a copy of them beside the database.

The copy saves reading the rows one by one. It is never needed: one that is missing, of another
generation or damaged is made again from the rows. An encrypted gallery's is sealed as a whole.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from visavis.errors import DataError
from visavis.matching.gallery.scan import FaceScan
from visavis.matching.gallery.store import Store

CACHED_FROM = 5_000
"""Photos; fewer are read from the rows as quickly."""
_HEAD = struct.Struct("<8sQQQ")  # mark, generation, faces, embedding size
_MARK = b"visavis1"


class FaceIndex:
    """All enrolled faces of one generation."""

    def __init__(
        self, owners: NDArray[np.int64], vectors: NDArray[np.float32], *, by_product: bool
    ) -> None:
        """Take them.

        Args:
            owners: (n,) int64, the number of each face's person, ascending.
            vectors: (n, d) float32, C-contiguous.
            by_product: whether larger inner products are more alike; else smaller distances.
        """
        self._owners = owners
        self._vectors = vectors
        self._scan = FaceScan(vectors, by_product=by_product)

    def nearest_people(
        self, embedding: NDArray[np.float32], count: int, without: Collection[int] = ()
    ) -> list[int]:
        """Up to ``count`` people by the most alike of their faces, the most alike first."""
        asked = 8 * count
        while True:
            rows = self._scan.nearest(embedding, asked)
            found = dict.fromkeys(int(person) for person in self._owners[rows])
            people = [person for person in found if person not in without]
            if len(people) >= count or len(rows) < asked:
                return people[:count]
            asked *= 8  # some people have many faces

    def faces_of(self, person: int) -> NDArray[np.float32]:
        """(k, d) embeddings of a person."""
        start, stop = np.searchsorted(self._owners, [person, person + 1])
        return self._vectors[start:stop]


def load_index(store: Store, connection: Connection, *, by_product: bool) -> FaceIndex:
    """The index of the generation that ``connection`` sees.

    Args:
        store: whose faces.
        connection: a transaction of it.
        by_product: see ``FaceIndex``.
    """
    generation = store.generation(connection)
    content = _read(store, generation)
    if content is None:
        content = store.faces.embeddings(connection)
        if len(content[0]) >= CACHED_FROM:
            _write(store, generation, *content)
    return FaceIndex(*content, by_product=by_product)


def drop_caches(store: Store, keep: int | None = None) -> None:
    """Delete the copies beside a database, and what a killed process left of one.

    Args:
        store: whose.
        keep: spare that of this generation.
    """
    spared = None if keep is None else _path(store, keep)
    for path in _caches(store):
        if path != spared:
            path.unlink(missing_ok=True)


def _caches(store: Store) -> Iterator[Path]:
    file = store.database.path
    if file is not None:
        prefixes = f"{file.name}-index-", f".{file.name}-index-"
        yield from (path for path in file.parent.iterdir() if path.name.startswith(prefixes))


def _path(store: Store, generation: int) -> Path | None:
    file = store.database.path
    name = f"-index-{store.facts.number:x}-{generation:x}"
    return None if file is None else file.with_name(file.name + name)


def _read(store: Store, generation: int) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    path = _path(store, generation)
    if path is None or not path.is_file():
        return None
    try:
        content = store.open_index(path.read_bytes(), generation)
        mark, of, count, size = _HEAD.unpack_from(content)
        body = memoryview(content)[_HEAD.size : -4]
        if (
            (mark, of, size) != (_MARK, generation, store.facts.embedding_size)
            or len(body) != count * (8 + 4 * size)
            or zlib.crc32(body) != int.from_bytes(content[-4:], "little")
        ):
            return None
    except (OSError, ValueError, struct.error, DataError):
        return None
    owners = np.frombuffer(body, "<i8", count).astype(np.int64, copy=False)
    vectors = np.frombuffer(body, "<f4", offset=8 * count).astype(np.float32, copy=False)
    return owners, vectors.reshape(count, size)


def _write(
    store: Store, generation: int, owners: NDArray[np.int64], vectors: NDArray[np.float32]
) -> None:
    """Keep a copy where that is possible; a full or read-only disk is no reason to stop."""
    path = _path(store, generation)
    if path is None:
        return
    body = owners.astype("<i8").tobytes() + vectors.astype("<f4").tobytes()
    head = _HEAD.pack(_MARK, generation, *vectors.shape)
    content = head + body + zlib.crc32(body).to_bytes(4, "little")
    with contextlib.suppress(OSError, OverflowError):  # AES-GCM seals less than 2 GiB at once
        drop_caches(store)
        _write_private(path, store.seal_index(content, generation))
        # Whoever forgot somebody meanwhile has dropped the caches, perhaps before this one came.
        with store.database.reading() as connection:
            current = store.generation(connection)
        if current != generation:
            path.unlink(missing_ok=True)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for the eyes of its owner alone."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # of mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
