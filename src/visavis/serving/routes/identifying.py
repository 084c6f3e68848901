"""A face in, somebody or nobody out; camera frames come here as well."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from visavis.errors import NoFaceError
from visavis.matching.gallery.answers import Identification
from visavis.matching.gallery.decide import SearchRule
from visavis.serving.answers import IdentifyAnswer
from visavis.serving.asking import ask, gives, reply, takes, timed
from visavis.serving.auth import needs
from visavis.serving.errors import api_error
from visavis.serving.photos import opened, size
from visavis.serving.routes.comparing import BASE64, PHOTO_REFUSALS
from visavis.serving.schemas import IdentifyFields
from visavis.serving.service import Service

router = APIRouter(prefix="/v1", tags=["identify"], dependencies=[Depends(needs("identify"))])


@router.post(
    "/identify",
    summary="Who is this, or nobody we know",
    openapi_extra=takes(IdentifyFields, {"photo": BASE64, "faces": "all"}),
    responses=gives(IdentifyAnswer, *PHOTO_REFUSALS),
)
async def identify(request: Request) -> JSONResponse:
    """One answer for each face; with `faces=all` none where the photo shows none."""
    return reply(request, await ask(request, IdentifyFields, timed(_identify)))


def _identify(service: Service, asked: IdentifyFields) -> dict[str, Any]:
    rule = SearchRule(asked.fpir, asked.threshold, asked.margin, asked.prior, asked.top)
    with opened(service, {"photo": asked.photo}) as photos:
        photo = photos["photo"]
        (searched,) = service.gallery.identify_many([photo], rule, asked.faces)
        empty = isinstance(searched.error, NoFaceError) and asked.faces == "all"
        if searched.error and not empty:
            raise api_error(searched.error, {"field": "photo"})
        answers = [_plain(answer) for answer in searched.answers]
    return {"answers": answers, "photo": size(photo)}


def _plain(answer: Identification) -> dict[str, Any]:
    plain = answer.as_dict()
    for shown, candidate in zip(plain["candidates"], answer.candidates, strict=True):
        shown["id"] = str(candidate.number)
    return plain
