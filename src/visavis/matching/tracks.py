"""The faces of a video's frames, followed from frame to frame, and put together by person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visavis.matching.group import group_faces
from visavis.matching.group_photos import DEFAULT_FMR
from visavis.models.model import Model
from visavis.photos.choose import Box, overlap
from visavis.photos.face import Face
from visavis.photos.quality import weaknesses

OVERLAP = 0.3
"""Boxes of one face in two frames share so much of their union, as in tracking by detection
(Bewley et al., 2016)."""
NEARBY_FMR = 1e-2
"""A face that is where one was is that one where 1 in 100 strangers would be so alike: a cut may
put somebody else in the same place."""
PATIENCE = 1.0
"""Seconds, and at least three looks, for which a face that is not seen is waited for."""


@dataclass(eq=False)
class Track:
    """One face, seen in several frames.

    Attributes:
        times: seconds of the frames, ascending.
        best: the best view, without pixels.
        box: where it was seen last.
    """

    times: list[float]
    best: Face
    box: Box
    _good: NDArray[np.float64]
    _any: NDArray[np.float64]
    _good_views: int = 0

    @classmethod
    def begin(cls, face: Face, size: int) -> Track:
        """A track without a frame as yet."""
        return cls([], face.detached(), face.box, np.zeros(size), np.zeros(size))

    def add(self, at: float, face: Face, embedding: NDArray[np.float32]) -> None:
        """The face in one more frame."""
        self.times.append(at)
        self.box = face.box
        self._any += embedding
        if not weaknesses(face):
            self._good += embedding
            self._good_views += 1
        if _quality(face) > _quality(self.best):
            self.best = face.detached()

    @property
    def total(self) -> tuple[NDArray[np.float64], int]:
        """The sum of the embeddings of its good views, or of all where none is good; how many."""
        if self._good_views:
            return self._good, self._good_views
        return self._any, len(self.times)


@dataclass(eq=False)
class Tracker:
    """Follows faces through frames that come in order.

    Attributes:
        model: compares.
        step: seconds between two frames.
        tracks: of all faces so far, in the order of their first frames.
    """

    model: Model
    step: float
    tracks: list[Track] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._nearby = self.model.threshold(NEARBY_FMR).value
        self._anywhere = self.model.threshold(DEFAULT_FMR).value
        self._open: list[Track] = []

    def add(self, at: float, faces: Sequence[Face], embeddings: NDArray[np.float32]) -> None:
        """The faces of one frame.

        Args:
            at: seconds, later than those of the frame before.
            faces: n of them.
            embeddings: (n, d) float32.
        """
        patience = max(PATIENCE, 3 * self.step)
        self._open = [track for track in self._open if at - track.times[-1] <= patience]
        waiting, free = list(self._open), set(range(len(faces)))
        for row, known in self._by_likeness(waiting, faces, embeddings):
            if row in free and waiting[known].times[-1] < at:
                free.remove(row)
                waiting[known].add(at, faces[row], embeddings[row])
        for row in sorted(free):
            track = Track.begin(faces[row], embeddings.shape[1])
            track.add(at, faces[row], embeddings[row])
            self.tracks.append(track)
            self._open.append(track)

    def _by_likeness(
        self, tracks: Sequence[Track], faces: Sequence[Face], embeddings: NDArray[np.float32]
    ) -> Iterator[tuple[int, int]]:
        """Faces and tracks that may be one, the most alike first."""
        if not tracks or not faces:
            return
        similarity = self.model.similarity_matrix(embeddings, means(self.model, tracks))
        shared = np.array([[overlap(face.box, t.box) for t in tracks] for face in faces])
        needed = np.where(shared >= OVERLAP, self._nearby, self._anywhere)
        for flat in np.argsort(-similarity, axis=None, kind="stable"):
            row, track = divmod(int(flat), len(tracks))
            if similarity[row, track] >= needed[row, track]:
                yield row, track

    def people(self) -> list[list[Track]]:
        """The tracks of each person, by average linkage over the tracks' mean embeddings."""
        if not self.tracks:
            return []
        label = group_faces(self.model, means(self.model, self.tracks), self._anywhere)
        people: dict[int, list[Track]] = {}
        for track, person in zip(self.tracks, label.tolist(), strict=True):
            people.setdefault(person, []).append(track)
        return list(people.values())


def means(model: Model, tracks: Sequence[Track]) -> NDArray[np.float32]:
    """(n, d) the mean embedding of each track, as the model's embeddings are."""
    return np.concatenate([mean_of(model, [track]) for track in tracks])


def mean_of(model: Model, tracks: Sequence[Track]) -> NDArray[np.float32]:
    """(1, d) the mean embedding of one person's tracks, of unit length where embeddings are."""
    totals = [track.total for track in tracks]
    mean = np.sum([total for total, _ in totals], axis=0) / sum(count for _, count in totals)
    if model.card.distance == "cosine" or model.card.unit_length:
        mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray(mean[np.newaxis], dtype=np.float32)


def _quality(face: Face) -> tuple[int, float]:
    return -len(weaknesses(face)), face.eye_distance
