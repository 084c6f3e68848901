"""What the API answers, for its OpenAPI document; the tests hold real answers to it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


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

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "code": "no_face",
                    "message": "no face was found in photo_b",
                    "details": {"field": "photo_b"},
                },
                "request_id": "0f8fad5bd9cb469fa16570867728950e",
            }
        }
    )
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


class PersonBody(Answer):
    """Somebody who is known."""

    id: str
    name: str
    photos: int
    created: str
    consent: str | None
    expires: str | None


class PersonAnswer(Envelope):
    """Somebody who is known."""

    person: PersonBody


class PeopleAnswer(Envelope):
    """A page of people."""

    people: list[PersonBody]
    total: int
    next: str | None


class EnrolledFace(Answer):
    """What is kept of a photo, beside its embedding."""

    file: str
    sha256: str
    box: list[float]
    score: float
    eye_distance: float
    turn: float
    sharpness: float
    crop: bool
    created: str | None


class ShowAnswer(PersonAnswer):
    """A person and their photos."""

    faces: list[EnrolledFace]


class EnrolAnswer(PersonAnswer):
    """What became of each photo."""

    added: list[str]
    already: list[str]
    skipped: list[str]


class NotAnswer(Envelope):
    """The person, and whether the photo was enrolled for them until now."""

    person: PersonBody | None
    removed: bool


class ForgetAnswer(Envelope):
    """Who is known no longer."""

    forgotten: list[str]
    photos: int
    scrubbed: bool


class HealthAnswer(Envelope):
    """The server can work."""

    status: str
    version: str
    model: str


class MeAnswer(Envelope):
    """Whose token it is."""

    token: str
    scopes: list[str]


class KnownModel(Answer):
    """A model that is known by name."""

    name: str
    licence: str
    description: str


class UsedModel(KnownModel):
    """The model in use."""

    fingerprint: str
    embedding_size: int
    distance: str
    calibrated: bool
    fitted_on: str | None


class ModelsAnswer(Envelope):
    """The model in use, and those that are known by name."""

    model: UsedModel
    known: list[KnownModel]


class GalleryAnswer(Envelope):
    """How much the gallery holds."""

    model_config = ConfigDict(extra="allow")
    gallery: str
    model: str
    fingerprint: str
    people: int
    photos: int


class CheckAnswer(Envelope):
    """What is wrong with the gallery."""

    good: bool
    problems: list[str]


class RunBody(Answer):
    """A training run in a few figures; each has a value and its interval."""

    name: str
    protocol: str
    backbone: str
    accuracy: dict[str, Any] | None
    auc: dict[str, Any] | None
    eer: dict[str, Any] | None
    seconds: float | None
    parameters: int | None
    modified: str
    report: bool


class RunsAnswer(Envelope):
    """Training runs, the latest first."""

    runs: list[RunBody]
