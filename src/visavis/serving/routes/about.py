"""What there is: health, metrics, the model in use, the gallery, the token that asks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from visavis.errors import UnavailableError
from visavis.models.zoo import known_models
from visavis.serving.answers_people import (
    CheckAnswer,
    GalleryAnswer,
    HealthAnswer,
    MeAnswer,
    ModelsAnswer,
)
from visavis.serving.asking import gives, look, reply
from visavis.serving.auth import needs, service_of
from visavis.serving.errors import api_error
from visavis.serving.service import Service
from visavis.serving.tokens import Token
from visavis.version import __version__

router = APIRouter(prefix="/v1", tags=["about"])
outside = APIRouter()

ANY = Depends(needs())


@router.get(
    "/health",
    summary="Whether the server can work",
    responses={200: {"model": HealthAnswer}, 503: gives(None)[503]},
)
async def health(request: Request) -> JSONResponse:
    """Without a token: for load balancers."""
    return reply(request, await look(request, _health))


def _health(service: Service) -> dict[str, Any]:
    try:
        service.gallery.numbered(0)  # an answer of the database is all that is asked for
    except UnavailableError:  # whoever asks without a token learns nothing of where it is
        raise api_error(UnavailableError("the gallery cannot be read now")) from None
    return {"status": "ok", "version": __version__, "model": service.model.name}


@router.get("/me", summary="What this token may do", responses=gives(MeAnswer))
async def me(request: Request, token: Annotated[Token, ANY]) -> JSONResponse:
    """Its name and scopes."""
    return reply(request, {"token": token.name, "scopes": list(token.scopes)})


@router.get(
    "/models", summary="The model in use, and those known", dependencies=[ANY],
    responses=gives(ModelsAnswer),
)  # fmt: skip
async def models(request: Request) -> JSONResponse:
    """Its fingerprint says what its embeddings mean."""
    card = service_of(request).model.card
    known = [
        {"name": name, "licence": entry["licence"], "description": entry["description"]}
        for name, entry in known_models().items()
    ]
    used = {
        "name": card.name,
        "fingerprint": card.fingerprint,
        "embedding_size": card.embedding_size,
        "distance": card.distance,
        "licence": card.licence,
        "description": card.description,
        "calibrated": card.calibration is not None,
        "fitted_on": card.scores.fitted_on if card.scores else None,
    }
    return reply(request, {"model": used, "known": known})


@router.get("/gallery", summary="The gallery", dependencies=[ANY], responses=gives(GalleryAnswer))
async def gallery(request: Request) -> JSONResponse:
    """Its model and how much it holds, without a name of anybody."""
    return reply(request, await look(request, lambda service: service.gallery.info()))


@router.get(
    "/gallery/check",
    summary="Whether the gallery is whole, and whose photos are whose",
    dependencies=[Depends(needs("admin"))],
    responses=gives(CheckAnswer),
)
async def check(request: Request) -> JSONResponse:
    """What is wrong with its database, and what may be with its photos, each with its mend."""
    health = await look(request, lambda service: service.gallery.check())
    return reply(
        request,
        {
            "good": health.whole,
            "problems": health.problems,
            "findings": [finding.as_dict() for finding in health.findings],
            "not_compared": health.not_compared,
        },
    )


@outside.get("/metrics", summary="Prometheus metrics", dependencies=[ANY], tags=["about"],
             response_class=Response,
             responses={**gives(None), 200: {"content": {"text/plain": {}},
                                             "description": "Counts and times."}})  # fmt: skip
async def metrics(request: Request) -> Response:
    """Counts, times and memory, without anything about people."""
    return Response(service_of(request).metrics.text(), media_type="text/plain; version=0.0.4")
