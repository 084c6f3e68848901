"""What the API answers about people and about itself; see ``answers``."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from visavis.matching.gallery.findings import Kind
from visavis.serving import examples
from visavis.serving.answers import Answer, Envelope, shown


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

    model_config = shown(examples.PEOPLE)

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

    model_config = shown(examples.ENROL)

    added: list[str]
    already: list[str]
    skipped: list[str]


class NotAnswer(Envelope):
    """The person, and whether the photo was enrolled for them until now."""

    person: PersonBody | None
    removed: bool


class ForgetAnswer(Envelope):
    """Who is known no longer."""

    model_config = shown(examples.FORGET)

    forgotten: list[str]
    photos: int
    scrubbed: bool


class HealthAnswer(Envelope):
    """The server can work."""

    model_config = shown(examples.HEALTH)

    status: str
    version: str
    model: str


class MeAnswer(Envelope):
    """Whose token it is."""

    model_config = shown(examples.ME)

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


class FoundPhoto(Answer):
    """A photo of a finding; ``not`` and ``drop`` take its sha256."""

    person: str
    file: str
    sha256: str


class FindingBody(Answer):
    """One thing that may be wrong: commands that mend it, and that record that all is well."""

    kind: Kind
    photos: list[FoundPhoto]
    why: str
    mend: list[str]
    otherwise: list[str]
    similarity: float | None


class CheckAnswer(Envelope):
    """What is wrong with the gallery, and what may be: ``not_compared`` says why nothing may."""

    good: bool
    problems: list[str]
    findings: list[FindingBody]
    not_compared: str | None


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


class PassAnswer(Envelope):
    """Where a report is shown without a token, for some seconds."""

    address: str
    seconds: int


class RunsAnswer(Envelope):
    """Training runs, the latest first."""

    runs: list[RunBody]
