"""A gallery moved to another model: every photo embedded again, from the crop that was kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from visavis.errors import DataError, PhotoError
from visavis.matching.found import Progress
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.index import drop_caches
from visavis.matching.gallery.key import GalleryKey
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.tables import faces, in_blocks, wrong_answers
from visavis.models.encoder import BATCH
from visavis.models.model import Model
from visavis.photos.face import Face


@dataclass(frozen=True)
class Migration:
    """What a move to another model takes, or took; true where it is done.

    Attributes:
        before, after: the models' names.
        needed: whether the models are two.
        photos: how many are embedded by the new one.
        missing: file names of photos without a crop, by their people's names.
        left_out: names of people who have no photo with a crop.
        wrong_answers: how many are on record; they hold for the same photos alone from then on,
            since no crop of them is kept to find nearly equal ones by.
        done: whether the gallery is the new model's.
        scrubbed: whether the old embeddings are gone from free space and log too.
    """

    before: str
    after: str
    needed: bool
    photos: int
    missing: dict[str, list[str]]
    left_out: list[str]
    wrong_answers: int
    done: bool = False
    scrubbed: bool = True

    def __bool__(self) -> bool:
        return self.done

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return dict(vars(self))


def migrate(
    url: str | os.PathLike[str],
    model: Model,
    *,
    key: GalleryKey | None = None,
    drop_missing: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Migration:
    """Embed every photo of a gallery by another model, in one transaction.

    Nothing is changed where the gallery is the model's already, and where a photo without a crop
    is to be kept: the answer says which.

    Args:
        url: the gallery. Whoever has it open must open it again.
        model: the new one.
        key: opens an encrypted gallery; it stays encrypted.
        drop_missing: forget photos that have no crop, and people who have no other photos.
        dry_run: change nothing.
        progress: called after each batch of photos.

    Raises:
        DataError: there is no gallery, a crop is damaged, or the database cannot be written.
    """
    database = Database(url)
    try:
        store = Store.open(database, key)
        if store is None:
            raise DataError(f"there is no gallery {database.name}")
        fresh: dict[int, NDArray[np.float32]] = {}
        with database.reading() as connection:
            plan = _plan(store, connection, model)
            if dry_run or not plan.needed or (plan.missing and not drop_missing):
                return plan
            _embed(store, connection, model, fresh, progress)  # minutes that keep nobody waiting
        with database.writing() as connection:
            store.hold(connection)
            plan = _plan(store, connection, model)  # others may have enrolled meanwhile
            if plan.missing and not drop_missing:
                return plan
            _embed(store, connection, model, fresh)
            _apply(store, connection, model, fresh)
        drop_caches(store)
        return replace(plan, done=True, scrubbed=database.scrub())
    finally:
        database.close()


def _plan(store: Store, connection: Connection, model: Model) -> Migration:
    missing = store.faces.without_crop(connection)
    people = store.people.by_number(connection, list(missing))
    without = sorted((person.name, missing[number]) for number, person in people.items())
    counts = store.counts(connection)
    return Migration(
        before=store.facts.model,
        after=model.name,
        needed=store.facts.fingerprint != model.card.fingerprint,
        photos=counts["photos"] - sum(map(len, missing.values())),
        missing=dict(without),
        left_out=sorted(p.name for n, p in people.items() if p.photos == len(missing[n])),
        wrong_answers=counts["wrong_answers"],
    )


def _embed(
    store: Store,
    connection: Connection,
    model: Model,
    fresh: dict[int, NDArray[np.float32]],
    progress: Progress | None = None,
) -> None:
    """Add the embeddings, by their photos' numbers, that ``fresh`` has not yet."""
    asked = sa.select(faces.c.id).where(faces.c.crop.is_not(None)).order_by(faces.c.id)
    numbers = [number for number in connection.scalars(asked) if number not in fresh]
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        fresh.update(zip(some, _embedded(store, connection, model, some), strict=True))
        if progress:
            progress("embedding kept crops", start + len(some), len(numbers))


def _embedded(
    store: Store, connection: Connection, model: Model, numbers: Sequence[int]
) -> NDArray[np.float32]:
    rows = [store.faces.face(connection, number) for number in numbers]
    return model.encode([_kept(row.crop, row.file) for row in rows if row.crop])


def _kept(crop: KeptCrop, file: str) -> Face:
    try:
        return crop.face(file)
    except PhotoError as error:
        raise DataError(
            f"the crop that was kept of {file} is damaged ({error}); bring a backup back with "
            "`visavis gallery restore`"
        ) from None


def _apply(
    store: Store, connection: Connection, model: Model, fresh: dict[int, NDArray[np.float32]]
) -> None:
    _drop_missing(store, connection)
    _write(store, connection, faces, fresh)
    # A wrong answer without an embedding is known by its photo alone; see ``decide.ruled_out``.
    nothing = np.zeros(model.card.embedding_size, dtype=np.float32)
    rejected = connection.scalars(sa.select(wrong_answers.c.id)).all()
    _write(store, connection, wrong_answers, dict.fromkeys(rejected, nothing))
    renewed = store.become(
        connection,
        store.sealing.cipher,
        model=model.name,
        fingerprint=model.card.fingerprint,
        embedding_size=model.card.embedding_size,
    )
    renewed.log(connection, "migrated", None, len(fresh))


def _drop_missing(store: Store, connection: Connection) -> None:
    missing = store.faces.without_crop(connection)
    people = store.people.by_number(connection, list(missing))
    connection.execute(sa.delete(faces).where(faces.c.crop.is_(None)))
    gone = [number for number, person in people.items() if person.photos == len(missing[number])]
    store.people.remove(connection, gone)
    for number, files in missing.items():
        store.log(connection, "forgotten" if number in gone else "dropped", number, len(files))


def _write(
    store: Store,
    connection: Connection,
    table: sa.Table,
    embeddings: dict[int, NDArray[np.float32]],
) -> None:
    update = sa.update(table).where(table.c.id == sa.bindparam("number"))
    for some in in_blocks(list(embeddings.items())):
        values = [
            {
                "number": number,
                "embedding": store.sealing.seal_embedding(embedding, table.name, number),
            }
            for number, embedding in some
        ]
        connection.execute(update, values)
