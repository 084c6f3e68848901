"""Finding what is wrong with a gallery's photos, and putting it right."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.engine import Connection

from visavis.errors import DataError, ModelError, UnsupportedRateError
from visavis.matching.gallery import changes
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.directory import Directory
from visavis.matching.gallery.enrolment import Probe, embed, key_of_pixels, seen
from visavis.matching.gallery.findings import EnrolledPhoto, Finding, Health, worst_first
from visavis.matching.gallery.health import Photos, seen_alone, seen_together
from visavis.matching.gallery.rows import Person, SeenFace
from visavis.matching.gallery.threshold import DEFAULT_FPIR, fmr_for
from visavis.models.model import Model
from visavis.photos.face import Face
from visavis.photos.photo import Photo

_BY_SHA256 = re.compile(r"sha256:([0-9a-f]{8,64})", re.IGNORECASE)


class Mending(Directory, ABC):
    """The people of a gallery, and what their photos' embeddings say of them."""

    @property
    @abstractmethod
    def model(self) -> Model:
        """What embeds and compares."""

    def check(self, *, fpir: float = DEFAULT_FPIR) -> Health:
        """Look for what may be wrong: the database, and photos of the wrong person or of no use.

        10,000 photos take seconds. Nothing is changed.

        Args:
            fpir: the false-positive identification rate whose threshold says who is alike.

        Raises:
            UnsupportedRateError: ``fpir`` is no rate.
        """
        fmr_for(fpir, 1)
        if problems := self.verify_integrity():
            return Health(self.name, problems=problems)
        photos = self._photos()
        findings: list[Finding] = []
        threshold = reason = None
        try:
            rule, model = SearchRule(fpir), self.model
            threshold = rule.cut_off(model, len(photos.listed))
            findings += seen_together(photos, model, threshold.value, rule.margin_for(model))
        except (ModelError, UnsupportedRateError) as error:
            reason = str(error)
        findings += seen_alone(photos)
        return Health(
            self.name,
            people=len(photos.of_person),
            photos=len(photos.listed),
            findings=worst_first(findings),
            threshold=threshold,
            not_compared=reason,
        )

    def _photos(self) -> Photos:
        """All photos of people whose time is not over."""
        with self._store.database.reading() as connection:
            gone = self._store.people.expired(connection)
            names = {p.number: p.name for p in self._store.people.everybody(connection)}
            rows = list(self._store.faces.listed(connection))
            owners, vectors = self._store.faces.embeddings(connection)
            wrong = self._store.faces.wrong_answers(connection)
        kept = ~np.isin(owners, list(gone))
        listed = [
            replace(photo, person=names[owner])
            for (owner, photo), here in zip(rows, kept, strict=True)
            if here
        ]
        return Photos(listed, owners[kept], vectors[kept], wrong)

    def faces_of(self, photos: Sequence[EnrolledPhoto]) -> Iterator[Face | None]:
        """The faces of photos whose surroundings were kept; ``None`` for the others."""
        for photo in photos:
            if not photo.crop:
                yield None
                continue
            with self._store.database.reading() as connection:
                crop = self._store.faces.face(connection, photo.number).crop
            yield crop.face(photo.file) if crop else None

    def reject(self, name: str, photo: Probe) -> bool:
        """Record that a photo does not show a person, who is then not named for it again.

        That holds for the photo and for nearly equal ones: those more alike than 19 of 20 genuine
        pairs of the model's card. Where the photo is enrolled for the person, it is no longer.

        Args:
            name: of the person.
            photo: a photo, a face, or ``sha256:`` and the first 8 or more digits of a photo that
                is enrolled, for whomever.

        Returns:
            Whether it was enrolled for the person.

        Raises:
            DataError: nobody is called so, or no enrolled photo.
            PhotoError, NoFaceError: of the photo.
        """
        with self._store.database.reading() as connection:
            person = self._store.people.person(connection, name)  # before the photo is opened
            face = self._enrolled(connection, person, photo)
        if face is None:
            (embedded,) = embed(self.model, [photo], "largest")
            if embedded.error:
                raise embedded.error
            face = seen(embedded.faces[0], embedded.embeddings[0])
        removed = changes.reject(self._store, name, face)
        if removed:
            self._wipe_rows()
        return removed

    def drop(self, name: str, photo: Probe) -> Person:
        """Take a photo from a person, who keeps the others; no wrong answer is recorded.

        Args:
            name, photo: see ``reject``.

        Returns:
            The person they are now.

        Raises:
            DataError: nobody is called so, the photo is not theirs, or it is their only one.
            PhotoError: it cannot be opened.
        """
        with self._store.database.reading() as connection:
            person = self._store.people.person(connection, name)
            face = self._enrolled(connection, person, photo)
        if face is not None:
            key = face.photo
        else:
            opened = photo.photo if isinstance(photo, Face) else Photo.open(photo)
            key = key_of_pixels(opened)
        dropped = changes.drop(self._store, name, key, _called(photo))
        self._wipe_rows()
        return dropped

    def _enrolled(self, connection: Connection, person: Person, photo: Probe) -> SeenFace | None:
        """The enrolled face that ``sha256:…`` means, the person's own first; ``None`` for others.

        Raises:
            DataError: no photo begins so, or several do.
        """
        asked = _BY_SHA256.fullmatch(photo) if isinstance(photo, str) else None
        if asked is None:
            return None
        found = {
            (owner != person.number, known.sha256): known.number
            for owner, known in self._store.faces.listed(connection)
            if known.sha256.startswith(asked[1].lower())
        }
        if len({sha256 for _, sha256 in found}) != 1:
            many = "no photo" if not found else "more than one photo"
            raise DataError(
                f"{asked[0]} is {many} of {self.name}; see `visavis people show --json`"
            )
        return self._store.faces.face(connection, found[min(found)])


def _called(photo: Probe) -> str:
    if isinstance(photo, Face):
        return photo.photo.origin
    return os.fsdecode(photo) if isinstance(photo, str | os.PathLike) else "the photo"
