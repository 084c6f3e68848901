"""What went wrong, as a status, a code and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from visavis.errors import (
    CrowdError,
    ModelError,
    NoFaceError,
    OversizedPhotoError,
    PhotoError,
    UnavailableError,
    UnknownFormatError,
    UnknownPersonError,
    UnsupportedRateError,
    VisavisError,
)

KINDS: tuple[tuple[type[VisavisError], int, str], ...] = (
    (UnknownFormatError, 415, "unsupported_photo"),
    (OversizedPhotoError, 413, "too_large"),
    (PhotoError, 422, "damaged_photo"),
    (NoFaceError, 422, "no_face"),
    (CrowdError, 422, "crowd"),
    (UnsupportedRateError, 422, "unsupported_rate"),
    (UnknownPersonError, 404, "unknown_person"),
    (UnavailableError, 503, "gallery_unavailable"),
    (ModelError, 409, "other_model"),
    (VisavisError, 422, "refused"),
)
"""The first that fits counts."""

_STATUS_CODES = {404: "not_found", 405: "wrong_method"}

RETRY_SECONDS = 2
"""How long a client is asked to wait where nobody can tell."""


class ApiError(Exception):
    """An answer that says no.

    Attributes:
        status: of HTTP.
        code: for programs.
        message: a sentence for people.
        details: more for programs.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def api_error(error: VisavisError, details: Mapping[str, Any] | None = None) -> ApiError:
    """An error of ours as the API tells it.

    Args:
        error: its message is the sentence.
        details: such as the field that is at fault.
    """
    status, code = next((status, code) for kind, status, code in KINDS if isinstance(error, kind))
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
    return ApiError(status, code, str(error), details, headers)


def bad_fields(error: ValidationError | RequestValidationError) -> ApiError:
    """What is wrong with each field, without what was sent in it."""
    fields = {
        ".".join(str(part) for part in problem["loc"]) or "body": _printable(problem["msg"])
        for problem in error.errors()[:20]
    }
    first = next(iter(fields.items()))
    return ApiError(422, "bad_fields", f"{first[0]}: {first[1]}", {"fields": fields})


def _printable(words: str) -> str:
    return words.removeprefix("Value error, ").encode("utf-8", "replace").decode()


def answer_error(request: Request, error: Exception) -> JSONResponse:
    """The response to any error that is an answer."""
    if isinstance(error, VisavisError):
        error = api_error(error)
    elif isinstance(error, RequestValidationError):
        error = bad_fields(error)
    elif isinstance(error, HTTPException):
        code = _STATUS_CODES.get(error.status_code, "bad_request")
        error = ApiError(error.status_code, code, str(error.detail), None, error.headers)
    if not isinstance(error, ApiError):
        raise error
    # Where the gallery lies on the server is no client's business.
    error.message = error.message.replace(request.app.state.service.gallery.name, "the gallery")
    return error_response(error, request.state.request_id)


def error_response(error: ApiError, request_id: str) -> JSONResponse:
    """The one shape of all errors."""
    body = {"code": error.code, "message": error.message, "details": error.details}
    return JSONResponse(
        {"error": body, "request_id": request_id}, error.status, headers=error.headers
    )
