"""The fields of requests: what each endpoint takes, in a form and in JSON alike."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    WithJsonSchema,
)

from visavis.matching.gallery.threshold import DEFAULT_FPIR
from visavis.models.model import DEFAULT_FMR

MOST_PHOTOS = 100
MOST_TO_ENROL = 50


@dataclass(frozen=True)
class Upload:
    """A photo as it was sent.

    Attributes:
        content: the bytes of its file.
        name: the client's name of the file, where it told one.
    """

    content: bytes
    name: str = ""


def _upload(value: Any) -> Upload:
    if isinstance(value, Upload):
        return value
    if not isinstance(value, str):
        raise ValueError("a photo is a file, or a string in base64")
    try:
        return Upload(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64; addresses and paths are not taken") from None


PhotoField = Annotated[
    Upload,
    BeforeValidator(_upload),
    PlainSerializer(lambda upload: base64.b64encode(upload.content).decode()),
    WithJsonSchema({"type": "string", "format": "byte", "description": "A photo, in base64."}),
]
Rate = Annotated[FiniteFloat, Field(ge=1e-12, lt=1)]
Prior = Annotated[FiniteFloat, Field(ge=1e-9, le=1 - 1e-9)]
Similarity = Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
OneFace = Literal["largest", "central", "one"]
Faces = Literal["largest", "central", "one", "all"]


class Asked(BaseModel):
    """Base of all requests: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(Asked):
    """Two photos, and how to decide."""

    photo_a: PhotoField
    photo_b: PhotoField
    fmr: Rate = Field(DEFAULT_FMR, description="The share of strangers that may pass.")
    threshold: Similarity | None = Field(None, description="Decide at this similarity instead.")
    prior: Prior = Field(0.5, description="The share of same pairs that you expect.")


class VerifyFields(Pair):
    """What ``/v1/verify`` takes."""

    faces: Faces = Field("largest", description="Which face of each photo.")


class ExplainFields(Pair):
    """What ``/v1/explain`` takes."""

    faces: OneFace = Field("largest", description="Which face of each photo.")
    picture: Literal["verdict", "maps"] = Field(
        "verdict", description="The comparison among all others, or what moved the similarity."
    )


class IdentifyFields(Asked):
    """What ``/v1/identify`` takes."""

    photo: PhotoField
    faces: Faces = Field("largest", description="Which faces to search for.")
    fpir: Rate = Field(DEFAULT_FPIR, description="The share of strangers that may be named.")
    threshold: Similarity | None = Field(None, description="Decide at this similarity instead.")
    margin: Annotated[FiniteFloat, Field(ge=0, le=1e6)] | None = Field(
        None, description="How much more alike than the second person the first has to be."
    )
    prior: Prior = Field(0.5, description="The share of faces of people who are enrolled.")
    top: int = Field(5, ge=1, le=100, description="How many candidates to list.")


class MatchFields(Asked):
    """What ``/v1/match`` takes."""

    references: list[PhotoField] = Field(min_length=1, max_length=MOST_PHOTOS)
    onsite: list[PhotoField] = Field(min_length=1, max_length=MOST_PHOTOS)
    names: list[Name] | None = Field(
        None, description="Whom each reference shows; by default the names of their files."
    )
    open_set: bool = Field(False, description="Whether an on-site photo may be of nobody.")
    one_to_one: bool = Field(False, description="Whether a person is on one photo at most.")
    fpir: Rate = Field(DEFAULT_FPIR, description="The share of strangers that may be matched.")
    fmr: Rate | None = Field(None, description="A false-match rate instead.")
    threshold: Similarity | None = Field(None, description="Decide at this similarity instead.")
    prior: Prior = Field(0.5, description="The share of right pairs that you expect.")
    faces: OneFace = Field("largest", description="Which face of each photo.")


class EmbedFields(Asked):
    """What ``/v1/embed`` takes."""

    photo: PhotoField
    faces: Faces = Field("all", description="Which faces of the photo.")


class PhotosFields(Asked):
    """What ``/v1/people/{who}/photos`` takes."""

    photos: list[PhotoField] = Field(min_length=1, max_length=MOST_TO_ENROL)
    force: bool = Field(False, description="Take small, blurred and turned faces, too.")
    keep_crops: bool = Field(False, description="Keep the surroundings of each face.")
    faces: OneFace = Field("one", description="Which face of each photo.")


class EnrolFields(PhotosFields):
    """What ``/v1/people`` takes."""

    name: Name
    consent: Annotated[str, Field(max_length=2000)] | None = None
    expires: datetime | None = Field(None, description="From when they are to be forgotten.")


class NotFields(Asked):
    """What ``/v1/people/{who}/not`` takes."""

    photo: PhotoField
    box: list[FiniteFloat] | None = Field(
        None,
        min_length=4,
        max_length=4,
        description="Of the face that is meant: left, top, width and height, as `/v1/identify` "
        "answers them; by default the largest.",
    )


class ChangeFields(Asked):
    """What a person is to be from now on; what is left out stays."""

    name: Name | None = None
    consent: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="A note of what they agreed to; null for none."
    )
    expires: datetime | None = Field(
        None, description="From when they are to be forgotten; null for no such time."
    )


class MergeFields(Asked):
    """Two people who are one."""

    person: Name = Field(description="By name or id; this name goes.")
    into: Name = Field(description="By name or id; this name stays.")
