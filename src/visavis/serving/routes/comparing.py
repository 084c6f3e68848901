"""Photos compared with photos: verify, explain, match, embed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from visavis.matching.verify import Rule, compare
from visavis.serving.answers import EmbedAnswer, VerdictsAnswer, VerifyAnswer
from visavis.serving.asking import ask, gives, reply, takes, timed
from visavis.serving.auth import needs
from visavis.serving.photos import embed_fields, opened, size
from visavis.serving.pictures import explaining_picture
from visavis.serving.schemas import (
    EmbedFields,
    ExplainFields,
    Pair,
    Upload,
    VerifyFields,
)
from visavis.serving.service import Service

router = APIRouter(prefix="/v1", tags=["compare"], dependencies=[Depends(needs("verify"))])

PHOTO_REFUSALS = (408, 409, 413, 415, 422)
BASE64 = "/9j/4AAQSkZJRgABAQ…"


@router.post(
    "/verify",
    summary="Do two photos show the same person?",
    openapi_extra=takes(VerifyFields, {"photo_a": BASE64, "photo_b": BASE64, "fmr": 1e-3}),
    responses=gives(VerifyAnswer | VerdictsAnswer, *PHOTO_REFUSALS),
)
async def verify(request: Request) -> JSONResponse:
    """A calibrated answer about one face of each photo, or about all of them."""
    return reply(request, await ask(request, VerifyFields, timed(_verify)))


def _verify(service: Service, asked: VerifyFields) -> dict[str, Any]:
    rule = _rule(service, asked)
    with opened(service, _both(asked)) as photos:
        a, b = embed_fields(service.model, photos, asked.faces)
        verdicts = [verdict.as_dict() for verdict in compare(service.model, rule, a, b)]
        sizes = {"photos": [size(photo) for photo in photos.values()]}
    if asked.faces == "all":
        return {"verdicts": verdicts, **sizes}
    return {**verdicts[0], **sizes}


def _rule(service: Service, asked: Pair) -> Rule:
    """How to decide; a rate that cannot be had is refused before any photo is opened."""
    rule = Rule(asked.fmr, asked.threshold, asked.prior)
    rule.cut_off(service.model)
    return rule


def _both(asked: Pair) -> dict[str, Upload]:
    return {"photo_a": asked.photo_a, "photo_b": asked.photo_b}


@router.post(
    "/explain",
    summary="The answer as a picture",
    response_class=Response,
    openapi_extra=takes(ExplainFields, {"photo_a": BASE64, "photo_b": BASE64}),
    responses={
        **gives(None, *PHOTO_REFUSALS),
        200: {"description": "A picture.", "content": {"image/png": {}}},
    },
)
async def explain(request: Request) -> Response:
    """Both photos and where their similarity lies among others, or what moved it."""
    return Response(await ask(request, ExplainFields, _explain), media_type="image/png")


def _explain(service: Service, asked: ExplainFields) -> bytes:
    rule = _rule(service, asked)
    with opened(service, _both(asked)) as photos:
        a, b = embed_fields(service.model, photos, asked.faces)
        verdict = compare(service.model, rule, a, b)[0]
        return explaining_picture(service.model, verdict, asked.picture)


@router.post(
    "/embed",
    summary="Faces as vectors",
    openapi_extra=takes(EmbedFields, {"photo": BASE64}),
    responses=gives(EmbedAnswer, *PHOTO_REFUSALS),
)
async def embed(request: Request) -> JSONResponse:
    """The embedding of each face; it means something to this model alone."""
    return reply(request, await ask(request, EmbedFields, timed(_embed)))


def _embed(service: Service, asked: EmbedFields) -> dict[str, Any]:
    with opened(service, {"photo": asked.photo}) as photos:
        (embedded,) = embed_fields(service.model, photos, asked.faces)
        sizes = {"photo": size(photos["photo"])}
    return {
        "model": service.model.name,
        "fingerprint": service.model.card.fingerprint,
        "faces": [
            {
                "face": {**face.as_dict(), "faces_in_photo": embedded.found},
                "embedding": [float(value) for value in row],
            }
            for face, row in zip(embedded.faces, embedded.embeddings, strict=True)
        ],
        **sizes,
    }
