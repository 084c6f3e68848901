"""People who are known by their faces."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from visavis.errors import DataError, ModelError
from visavis.matching.found import Progress
from visavis.matching.gallery import DEFAULT_URL, changes
from visavis.matching.gallery.answers import Enrolled, Identification, SearchedPhoto
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.directory import in_utc
from visavis.matching.gallery.enrolment import Probe, embed, to_enrol
from visavis.matching.gallery.key import GalleryKey
from visavis.matching.gallery.mending import Mending
from visavis.matching.gallery.named_groups import FaceAt
from visavis.matching.gallery.names import clean_name
from visavis.matching.gallery.rows import Event
from visavis.matching.gallery.searching import Searcher
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.threshold import DEFAULT_FPIR, SearchThreshold
from visavis.matching.gallery.video import SearchedVideo, search_video
from visavis.models.model import Model
from visavis.models.zoo import DEFAULT_MODEL
from visavis.photos.choose import Choice
from visavis.photos.video import DEFAULT_FPS


class Gallery(Mending):
    """People and their faces, kept in a database; safe to use from several threads.

    >>> with visavis.Gallery("sqlite:///people.db") as gallery:
    ...     gallery.enrol("Ada", ["ada1.jpg", "ada2.jpg"])
    ...     answer = gallery.identify("door.jpg")
    ...     answer.name, answer.why

    Attributes:
        name: its file, or its address without the password.
    """

    def __init__(
        self,
        url: str | os.PathLike[str] = DEFAULT_URL,
        model: str | Path | Model = DEFAULT_MODEL,
        *,
        key: GalleryKey | None = None,
        create: bool = True,
    ) -> None:
        """Open a gallery.

        Args:
            url: ``sqlite:///FILE``, ``postgresql://…``, or the path of a file.
            model: a known name, a model folder, or a loaded model. It is loaded on first use, and
                must be the one that the gallery was made with.
            key: opens an encrypted gallery; one that is made is encrypted by it.
            create: make the gallery where there is none.

        Raises:
            DataError: there is none, it is damaged, in use, of a newer version, no gallery, or
                not to be opened by this key.
            ModelError: it is to be made, and the model cannot be loaded.
        """
        self._model = model
        self._loaded: Model | None = None
        self._lock = threading.RLock()
        database = Database(url)
        try:
            store = Store.open(database, key) or self._make(database, key, create=create)
        except BaseException:
            database.close()
            raise
        super().__init__(store)
        self._searcher = Searcher(store, lambda: self.model)

    def _make(self, database: Database, key: GalleryKey | None, *, create: bool) -> Store:
        if not create:
            raise DataError(
                f"there is no gallery {database.name}; enrol somebody first: "
                "visavis enrol NAME PHOTOS"
            )
        card = self._load().card
        return Store.create(database, card.name, card.fingerprint, card.embedding_size, key)

    def close(self) -> None:
        """Finish the log, and let go of its files and of the index in memory."""
        self._searcher.close()
        super().close()

    def events(self) -> list[Event]:
        """The audit log, oldest first, with all searches of this gallery until now."""
        self._searcher.finish_log()
        return super().events()

    def use(self, model: Model) -> None:
        """Take a model that is loaded already, or with other options than the default ones."""
        self._loaded = model

    @property
    def model(self) -> Model:
        """What embeds and compares.

        Raises:
            ModelError: it cannot be loaded, or the gallery was made with another.
        """
        model, facts = self._load(), self._store.facts
        if model.card.fingerprint != facts.fingerprint:
            raise ModelError(
                f"{self.name} was made with {facts.model} ({facts.fingerprint[:12]}), and its "
                f"embeddings mean nothing to {model.name} ({model.card.fingerprint[:12]}); "
                f"use --model {facts.model}"
            )
        return model

    def _load(self) -> Model:
        with self._lock:
            if self._loaded is None:
                given = self._model
                self._loaded = Model.load(given) if isinstance(given, str | Path) else given
            return self._loaded

    # Enrolling

    def enrol(
        self,
        name: str,
        photos: Sequence[Probe],
        *,
        force: bool = False,
        keep_crops: bool = False,
        consent: str | None = None,
        expires: datetime | None = None,
        faces: Choice = "one",
    ) -> Enrolled:
        """Make somebody known, or better known: a name that exists gets more photos.

        A photo that cannot be used is no reason to leave the others; the answer says what became
        of each. Nobody is made known by no photo at all.

        Args:
            name: in any case and Unicode form; at most 200 characters.
            photos: what ``Photo.open`` takes, or faces that were found.
            force: take small, blurred and turned faces, the largest of several, and photos that
                are enrolled for somebody else.
            keep_crops: keep the surroundings of each face, to embed them with another model.
            consent: a note about it.
            expires: from when the person is not to be known any more; UTC where it says nothing.
            faces: which face of each photo; ``one`` refuses a crowd.

        Raises:
            DataError: the name is none, there are no photos, or the database cannot be written.
        """
        name = clean_name(name)
        if not photos:
            raise DataError(f"there are no photos to enrol {name} with")
        pairs: list[tuple[str, Probe | FaceAt]] = [(name, photo) for photo in photos]
        (enrolled,) = self.enrol_many(
            pairs, force=force, keep_crops=keep_crops, consent=consent, expires=expires, faces=faces
        )
        return enrolled

    def enrol_many(
        self,
        people: Sequence[tuple[str, Probe | FaceAt]],
        *,
        force: bool = False,
        keep_crops: bool = False,
        consent: str | None = None,
        expires: datetime | None = None,
        faces: Choice = "one",
    ) -> Iterator[Enrolled]:
        """Enrol many people in bounded memory, each in one transaction.

        Args:
            people: names and photos, those of one person in a row; or faces by their place.
            force, keep_crops, consent, expires, faces: as for ``enrol``.

        Yields:
            One answer for each person; a name that is none is a reason to skip their photos.
        """
        if faces == "all":
            raise DataError("one face of each photo is enrolled; choose largest, central or one")
        if faces == "one" and force:
            faces = "largest"
        walk = embed(self.model, [photo for _, photo in people], faces)
        named = zip((name for name, _ in people), walk, strict=True)
        for name, photos in groupby(named, key=lambda pair: pair[0]):
            found = [to_enrol(p, force=force, keep_crops=keep_crops) for _, p in photos]
            try:
                clean_name(name)
            except DataError as error:
                yield Enrolled(name, [], [], [error])
                continue
            yield changes.enrol(
                self._store, name, found, consent=consent, expires=in_utc(expires), force=force
            )

    # Identifying

    def identify(
        self,
        photo: Probe,
        *,
        fpir: float = DEFAULT_FPIR,
        margin: float | None = None,
        top: int = 5,
        threshold: float | None = None,
        prior: float = 0.5,
        faces: Choice = "largest",
    ) -> Identification:
        """Say who a photo shows, or nobody we know.

        Args:
            photo: what ``Photo.open`` takes, or a face that was found.
            fpir: the false-positive identification rate: the share of searches for strangers that
                may name somebody. The threshold follows from it and from the number of photos.
            margin: how much more alike than the second person the first has to be, in
                similarity; by default so much that it is nine times likelier.
            top: how many candidates to list, at least 1.
            threshold: decide at this similarity instead.
            prior: the share of faces that show somebody enrolled; it moves the probability, never
                the decision.
            faces: which face of the photo: ``largest``, ``central`` or ``one``.

        Raises:
            PhotoError, NoFaceError, CrowdError: of the photo.
            UnsupportedRateError: ``fpir`` is no rate, or the model's figures do not reach to it.
            ModelError: the gallery was made with another model, or the model has no calibration.
        """
        if faces == "all":
            raise ValueError("identify searches for one face; identify_many searches for all")
        rule = SearchRule(fpir, threshold, margin, prior, top)
        (searched,) = self.identify_many([photo], rule, faces)
        if searched.error:
            raise searched.error
        return searched.answers[0]

    def identify_many(
        self, photos: Sequence[Probe], rule: SearchRule | None = None, faces: Choice = "largest"
    ) -> Iterator[SearchedPhoto]:
        """Search for the faces of many photos, in order and in bounded memory.

        Args:
            photos: what ``Photo.open`` takes, or faces that were found.
            rule: decides.
            faces: which face of each photo; ``all`` searches for each of them.

        Yields:
            One ``SearchedPhoto`` for each; a bad photo is no reason to stop.
        """
        rule = rule or SearchRule()
        self._searcher.check(rule)  # before any photo is opened
        for source, embedded in zip(photos, embed(self.model, photos, faces), strict=True):
            yield SearchedPhoto(source, self._searcher.search(embedded, rule), embedded.error)

    def identify_video(
        self,
        path: str | os.PathLike[str],
        rule: SearchRule | None = None,
        *,
        fps: float = DEFAULT_FPS,
        progress: Progress | None = None,
    ) -> SearchedVideo:
        """Say who is seen in a video, and when; see ``visavis.matching.gallery.video``.

        Args:
            path: of a file.
            rule: decides, once for each person.
            fps: how many frames of each second are looked at, above 0.
            progress: called after each.

        Raises:
            PhotoError: it is no video, or damaged.
            NoFaceError: nobody is seen.
            ModelError, UnsupportedRateError: see ``identify``.
        """
        rule = rule or SearchRule()
        self._searcher.check(rule)
        return search_video(
            Path(path), self.model, self._searcher, rule, fps=fps, progress=progress
        )

    def threshold(self, fpir: float = DEFAULT_FPIR) -> SearchThreshold:
        """What decides between somebody and nobody now.

        Raises:
            ModelError, UnsupportedRateError: see ``identify``.
        """
        with self._store.database.reading() as connection:
            photos = self._store.counts(connection)["photos"]
        return SearchRule(fpir).cut_off(self.model, photos)
