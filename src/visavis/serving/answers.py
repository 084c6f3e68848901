"""What the API answers, for its OpenAPI document; the tests hold real answers to it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from visavis.serving import examples


def shown(example: dict[str, Any]) -> ConfigDict:
    """The settings of an answer that OpenAPI shows by example."""
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(extra="forbid")


class Envelope(Answer):
    """What every answer carries."""

    request_id: str


class ProblemBody(Answer):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any]


class Problem(Envelope):
    """An answer that says no."""

    model_config = shown(examples.PROBLEM)

    error: ProblemBody


class Size(Answer):
    """Of a photo as it is looked at, in pixels."""

    width: int
    height: int


class FaceAnswer(Answer):
    """A face: left, top, width and height in pixels of the upright photo, and how good a view."""

    photo: str
    box: list[float]
    landmarks: list[list[float]]
    score: float
    eye_distance: float
    turn: float
    sharpness: float
    faces_in_photo: int


class VerdictAnswer(Answer):
    """One comparison of two faces."""

    same: bool
    verified: bool
    probability: float | None
    prior: float | None
    similarity: float
    threshold: float
    threshold_fmr: float | None
    threshold_fitted_on: str
    model: str
    faces: list[FaceAnswer]
    warnings: list[str]


class VerifyAnswer(VerdictAnswer, Envelope):
    """The comparison of one face of each photo."""

    model_config = shown(examples.VERIFY)

    photos: list[Size]
    seconds: float


class VerdictsAnswer(Envelope):
    """With ``faces=all``: every face of one photo with every face of the other."""

    verdicts: list[VerdictAnswer]
    photos: list[Size]
    seconds: float


class EmbeddedFace(Answer):
    """A face and its vector."""

    face: FaceAnswer
    embedding: list[float]


class EmbedAnswer(Envelope):
    """The vectors of a photo's faces."""

    model_config = shown(examples.EMBED)

    model: str
    fingerprint: str
    faces: list[EmbeddedFace]
    photo: Size
    seconds: float


class CandidateAnswer(Answer):
    """Somebody who is like the face."""

    id: str
    name: str
    similarity: float
    mean_similarity: float
    photos: int
    probability: float | None


class IdentificationAnswer(Answer):
    """Who a face is; ``person`` is null for nobody that is known."""

    person: str | None
    nobody: bool
    similarity: float | None
    probability: float | None
    threshold: float
    threshold_fpir: float | None
    threshold_fmr: float | None
    threshold_photos: int
    threshold_fitted_on: str
    threshold_extrapolated: bool
    margin: float
    why: str
    candidates: list[CandidateAnswer]
    model: str
    face: FaceAnswer
    warnings: list[str]


class IdentifyAnswer(Envelope):
    """One answer for each face that was searched for."""

    model_config = shown(examples.IDENTIFY)

    answers: list[IdentificationAnswer]
    photo: Size
    seconds: float


class PairAnswer(Answer):
    """An on-site photo and a reference, by their places in the request."""

    onsite_index: int
    reference_index: int
    matched: bool
    photo: str
    box: list[float]
    person: str | None
    nearest: str
    reference: str
    reference_box: list[float]
    similarity: float
    distance: float
    probability: float | None
    expected: str | None
    right: bool | None


class Skipped(Answer):
    """A photo that was not used."""

    field: str
    message: str


class MatchSizes(Answer):
    """Of all photos that could be opened."""

    references: list[Size | None]
    onsite: list[Size | None]


class MatchAnswer(Envelope):
    """On-site photos with their references."""

    model_config = shown(examples.MATCH)

    model: str
    people: int
    references: int
    threshold: float | None
    threshold_fmr: float | None
    fpir: float | None
    named: int
    right: int
    pairs: list[PairAnswer]
    skipped: list[Skipped]
    photos: MatchSizes
    seconds: float
