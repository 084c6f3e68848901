"""Whether a gallery's database is whole."""

from __future__ import annotations

from collections import deque

import numpy as np
import sqlalchemy as sa

from visavis.errors import DataError
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.tables import faces, people


def problems(store: Store) -> list[str]:
    """What is wrong with it, in sentences; none where it is whole."""
    found: list[str] = []
    try:
        with store.database.reading() as connection:
            if store.database.path is not None:
                checked = connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars()
                found += [f"SQLite: {line}" for line in checked if line != "ok"]
                strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                found += [f"a row of {stray[0]} belongs to nobody" for stray in strays]
            everybody = store.people.everybody(connection)
            empty = [person.name for person in everybody if not person.photos]
            found += [f"{name} has no photo: enrol one, or forget them" for name in empty]
            _, vectors = store.faces.embeddings(connection)
            broken = int((~np.isfinite(vectors).all(axis=1)).sum())
            if broken:
                found.append(f"{broken} embeddings hold numbers that are none")
            owned = sa.select(sa.func.count()).where(
                faces.c.person_id.not_in(sa.select(people.c.id))
            )
            if connection.scalar(owned):
                found.append("some photos belong to nobody")
            store.faces.wrong_answers(connection)
            deque(store.faces.everything(connection), maxlen=0)  # says of a seal that is broken
    except DataError as error:
        found.append(str(error))
    except ValueError as error:  # a name or a file name that is no text
        found.append(f"{store.database.name} is damaged: {error}")
    return found
