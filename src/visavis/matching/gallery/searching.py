"""A face in, people by likeness out, and the decision between somebody and nobody."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from visavis.errors import DataError
from visavis.matching.gallery.answers import Identification
from visavis.matching.gallery.decide import SearchRule, decide, rank, ruled_out
from visavis.matching.gallery.enrolment import photo_key
from visavis.matching.gallery.index import FaceIndex, load_index
from visavis.matching.gallery.rows import WrongAnswer
from visavis.matching.gallery.search_log import SearchLog
from visavis.matching.gallery.server_index import ServerIndex
from visavis.matching.gallery.store import Store
from visavis.models.embed import EmbeddedPhoto
from visavis.models.model import Model
from visavis.photos.face import Face
from visavis.photos.quality import weaknesses

RESCORED = 100
"""A learned head compares the people of so many nearest faces."""
CUT_OFFS = 64
"""Thresholds that are kept, of as many rules and sizes of the gallery."""


@dataclass(frozen=True, eq=False)
class _Generation:
    """What searches of one generation have in common; no ``index`` where the server has it."""

    number: int
    index: FaceIndex | None
    photos: int
    people: int
    wrong: list[WrongAnswer]


class Searcher:
    """Searches one gallery; its index is loaded on first use, and anew when it is out of date."""

    def __init__(self, store: Store, model: Callable[[], Model]) -> None:
        self._store = store
        self._model = model
        self._log = SearchLog(store)
        self._lock = threading.Lock()
        self._loaded: _Generation | None = None
        # The same for all searches of a generation, and worth more than the search of a small one.
        self._cut_off = lru_cache(CUT_OFFS)(SearchRule.cut_off)

    def close(self) -> None:
        """Finish the log, and let go of the index in memory."""
        with contextlib.suppress(DataError):  # who was found is there; how often is not worth it
            self.finish_log()
        with self._lock:
            self._loaded = None

    def finish_log(self) -> None:
        """Write the searches that the log does not hold yet."""
        if not self._store.database.read_only:
            self._log.flush()

    def check(self, rule: SearchRule) -> None:
        """Refuse a rule that no answer can follow.

        Raises:
            ModelError, UnsupportedRateError: see ``SearchRule.cut_off``.
        """
        with self._lock:
            loaded = self._loaded  # perhaps out of date; a search looks again
        if loaded:
            photos = loaded.photos
        else:
            with self._store.database.reading() as connection:
                photos = self._store.counts(connection)["photos"]
        self._cut_off(rule, self._model(), photos)

    def search(self, embedded: EmbeddedPhoto, rule: SearchRule) -> list[Identification]:
        """One answer for each chosen face of a photo, all of one state of the gallery."""
        if not embedded.faces:
            return []
        with self._store.database.reading() as connection:
            answers = [
                self._answer(connection, face, embedding, embedded.found, rule)
                for face, embedding in zip(embedded.faces, embedded.embeddings, strict=True)
            ]
        return self._logged(answers)

    def _answer(
        self,
        connection: Connection,
        face: Face,
        embedding: NDArray[np.float32],
        face_count: int,
        rule: SearchRule,
    ) -> Identification:
        model, people = self._model(), self._store.people
        now = self._current(connection)
        index = now.index or ServerIndex(connection, self._store.faces)
        out = ruled_out(model, embedding, photo_key(face), now.wrong) if now.wrong else set()
        # A head may rank other people first than the embeddings do, so it sees more of them.
        count = RESCORED if model.card.distance == "head" else max(rule.top, 2)
        near = index.nearest_people(embedding, count, out | people.expired(connection))
        known = people.names(connection, [*near, *out])
        ranked = rank(
            model,
            embedding,
            [(number, known[number], index.faces_of(number)) for number in near],
            rule.prior / max(1, now.people),
        )
        threshold, margin = self._cut_off(rule, model, now.photos), rule.margin_for(model)
        names = sorted(known[number] for number in out if number in known)
        person, why = None, "the gallery holds nobody yet"
        if now.photos:
            person, why = decide(ranked, threshold, margin, names)
        return Identification(
            person=person,
            candidates=ranked[: rule.top],
            threshold=threshold,
            margin=margin,
            why=why,
            model=model.name,
            face=face,
            face_count=face_count,
            warnings=_view_warnings(face),
        )

    def _current(self, connection: Connection) -> _Generation:
        """The generation that ``connection`` sees."""
        number, faces = self._store.generation(connection), self._store.faces
        with self._lock:
            if self._loaded is None or self._loaded.number != number:
                card, index = self._model().card, None
                if not faces.vectors:
                    by_product = card.distance == "cosine" or card.unit_length
                    index = load_index(self._store, connection, by_product=by_product)
                counts = self._store.counts(connection)
                wrong = faces.wrong_answers(connection)
                self._loaded = _Generation(number, index, counts["photos"], counts["people"], wrong)
            return self._loaded

    def _logged(self, answers: list[Identification]) -> list[Identification]:
        """Write searches into the audit log; one that cannot be written is told of."""
        if self._store.database.read_only:
            return answers
        try:
            self._log.add(answer.person.number if answer.person else None for answer in answers)
        except DataError as error:
            warning = f"this search is not in the audit log: {error}"
            return [replace(answer, warnings=[*answer.warnings, warning]) for answer in answers]
        return answers


def _view_warnings(face: Face) -> list[str]:
    weak = weaknesses(face)
    if not weak:
        return []
    return [f"the face in {face.photo.origin} is {' and '.join(weak)}: trust this less"]
