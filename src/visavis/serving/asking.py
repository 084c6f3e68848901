"""The way of a request: a place in the queue, its body, a thread to work on, an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from visavis.serving.answers import Problem
from visavis.serving.auth import service_of
from visavis.serving.service import Service
from visavis.serving.uploads import JSON, MULTIPART, parse, receive

Fields = TypeVar("Fields", bound=BaseModel)
Result = TypeVar("Result")

REFUSALS = {
    400: "No request that can be read.",
    401: "No token, or none that is known.",
    403: "The token may not do that.",
    404: "There is nobody and nothing of that name.",
    408: "The request did not arrive in time.",
    409: "The gallery was made with another model, or the change contradicts another.",
    413: "Too many bytes, pixels or photos.",
    415: "No type that is read here.",
    422: "No face, or a field that is wrong.",
    429: "The token asks too often; Retry-After says when to go on.",
    503: "Too much to do, or no gallery; Retry-After says when to ask again.",
}


async def ask(
    request: Request, fields: type[Fields], work: Callable[[Service, Fields], Result]
) -> Result:
    """Read a request's fields and work on them, on a thread.

    Args:
        request: its body is not read yet.
        fields: what it may hold.
        work: makes the answer.

    Raises:
        ApiError, VisavisError: what is wrong with the request.
    """
    service = service_of(request)
    with service.room.place() as place:
        body = await receive(request, service.limits, place)
        return await service.room.run(lambda: work(service, parse(body, fields)))


async def look(request: Request, work: Callable[[Service], Result]) -> Result:
    """Answer a request without a body, on a thread."""
    service = service_of(request)
    with service.room.place():
        return await service.room.run(lambda: work(service))


def reply(request: Request, answer: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """An answer with the request's id."""
    return JSONResponse({**answer, "request_id": request.state.request_id}, status)


def timed(work: Callable[[Service, Fields], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The same work, with its seconds in the answer."""

    def measured(service: Service, fields: Fields) -> dict[str, Any]:
        begun = time.perf_counter()
        answer = work(service, fields)
        return {**answer, "seconds": round(time.perf_counter() - begun, 4)}

    return measured


def takes(fields: type[BaseModel], example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What OpenAPI says of a body: the same fields as a form with files, and as JSON."""
    schema = fields.model_json_schema()
    schema.pop("title", None)
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if example:
        content[JSON]["example"] = dict(example)
    if photos := _photo_fields(schema):
        form = {**schema, "properties": {**schema["properties"], **photos}}
        content = {MULTIPART: {"schema": form}, **content}
    return {"requestBody": {"required": True, "content": content}}


def _photo_fields(schema: Mapping[str, Any]) -> dict[str, Any]:
    photo: dict[str, Any] = {"type": "string", "format": "binary", "description": "A photo's file."}
    found: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        if field.get("format") == "byte":
            found[name] = photo
        elif field.get("items", {}).get("format") == "byte":
            found[name] = {**field, "items": photo}
    return found


def gives(answer: Any, *refusals: int, status: int = 200) -> dict[Any, Any]:
    """What OpenAPI says of the responses.

    Args:
        answer: the body of a good one.
        refusals: the statuses of ``REFUSALS`` that may come instead, beside those of any request.
        status: of the good one.
    """
    always = (400, 401, 403, 429, 503)
    documented: dict[Any, Any] = {
        code: {"model": Problem, "description": REFUSALS[code]}
        for code in sorted({*always, *refusals})
    }
    if answer is not None:
        documented[status] = {"model": answer}
    return documented
