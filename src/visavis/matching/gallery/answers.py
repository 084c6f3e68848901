"""What a gallery answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from visavis.errors import VisavisError
from visavis.matching.gallery.threshold import SearchThreshold
from visavis.photos.face import Face


@dataclass(frozen=True)
class Candidate:
    """Somebody who is like the face searched for.

    Attributes:
        name, number: of the person.
        similarity: of the most alike of their photos; larger is more alike.
        mean_similarity: the mean over all of their photos.
        photos: how many they have.
        probability: calibrated P(same) of ``similarity``, with every person of the gallery as
            likely as any other; ``None`` for a model without calibration.
    """

    name: str
    number: int
    similarity: float
    mean_similarity: float
    photos: int
    probability: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "name": self.name,
            "similarity": self.similarity,
            "mean_similarity": self.mean_similarity,
            "photos": self.photos,
            "probability": self.probability,
        }


@dataclass(frozen=True, eq=False)
class Identification:
    """Who a face is; true where it is somebody.

    Attributes:
        person: who; ``None`` for nobody that is known.
        candidates: people by similarity, the most alike first, whether or not they are meant.
        threshold: the similarity from which it is somebody, and where it comes from.
        margin: how much more alike than the second the first has to be.
        why: the reason, in one sentence.
        model: the model's name.
        face: the face that was searched for.
        face_count: how many faces its photo shows.
        warnings: what makes the answer less sure, in sentences.
    """

    person: Candidate | None
    candidates: list[Candidate]
    threshold: SearchThreshold
    margin: float
    why: str
    model: str
    face: Face
    face_count: int
    warnings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.person is not None

    @property
    def nobody(self) -> bool:
        """Whether it is nobody that is known."""
        return self.person is None

    @property
    def name(self) -> str | None:
        """Of the person; ``None`` for nobody."""
        return self.person.name if self.person else None

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "person": self.name,
            "nobody": self.nobody,
            "similarity": self.candidates[0].similarity if self.candidates else None,
            "probability": self.person.probability if self.person else None,
            **self.threshold.as_dict(),
            "margin": self.margin,
            "why": self.why,
            "candidates": [candidate.as_dict() for candidate in self.candidates],
            "model": self.model,
            "face": {**self.face.as_dict(), "faces_in_photo": self.face_count},
            "warnings": self.warnings,
        }


@dataclass(frozen=True, eq=False)
class SearchedPhoto:
    """What a search made of one photo.

    Attributes:
        source: as given.
        answers: one for each chosen face.
        error: why there is none.
    """

    source: object
    answers: list[Identification]
    error: VisavisError | None = None


@dataclass(frozen=True, eq=False)
class Enrolled:
    """What became of photos that were to be enrolled; true where a person is known by them.

    Attributes:
        name: of the person.
        added: the photos that are enrolled now.
        already: those that were before.
        skipped: why the others are not, one for each.
    """

    name: str
    added: list[str]
    already: list[str]
    skipped: list[VisavisError]

    def __bool__(self) -> bool:
        return bool(self.added or self.already)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "name": self.name,
            "added": self.added,
            "already": self.already,
            "skipped": [str(reason) for reason in self.skipped],
        }


@dataclass(frozen=True)
class Forgotten:
    """People who are known no longer.

    Attributes:
        names: theirs.
        photos: how many were theirs.
        scrubbed: whether also their traces in the database's free space and log are gone; not
            while another process reads it.
    """

    names: list[str]
    photos: int
    scrubbed: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"forgotten": self.names, "photos": self.photos, "scrubbed": self.scrubbed}
