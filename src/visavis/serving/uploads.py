"""Bodies of requests: received within limits, taken apart in memory, checked field by field."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from visavis.serving.errors import ApiError, bad_fields
from visavis.serving.limits import Limits
from visavis.serving.schemas import Upload
from visavis.serving.work import Place

Fields = TypeVar("Fields", bound=BaseModel)

MULTIPART = "multipart/form-data"
JSON = "application/json"

MAX_PARTS = 500
"""Of one multipart body; each costs more than its bytes."""
MAX_VALUES = 5_000
"""Of one body in JSON, about; 250 are the most that a request has a use for."""


@dataclass(frozen=True)
class Body:
    """What a request carries, as it came.

    Attributes:
        kind: its media type.
        boundary: between the parts of a multipart body.
        content: all of it, in memory.
    """

    kind: str
    boundary: bytes
    content: bytes


async def receive(request: Request, limits: Limits, place: Place) -> Body:
    """Read a body, never more of it than the limits allow, and never onto the disk.

    Raises:
        ApiError: 400, 408, 413, 415 or 503.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    media_type = kind.decode("latin-1").lower()
    if media_type not in (MULTIPART, JSON):
        raise ApiError(415, "unsupported_type", f"send {MULTIPART} or {JSON}")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large(limits)
    content = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                if len(content) + len(chunk) > limits.body_bytes:
                    raise _too_large(limits)
                place.hold(len(chunk))
                content += chunk
    except TimeoutError:
        raise ApiError(408, "too_slow", "the request did not arrive in time") from None
    except ClientDisconnect:
        raise ApiError(400, "bad_request", "the request broke off") from None
    return Body(media_type, options.get(b"boundary", b""), bytes(content))


def parse(body: Body, fields: type[Fields]) -> Fields:
    """The fields of a body.

    Raises:
        ApiError: 400 for what is no body of its kind, 422 for fields that are wrong.
    """
    values = _form(body, fields) if body.kind == MULTIPART else _json(body.content)
    try:
        return fields.model_validate(values)
    except ValidationError as error:
        raise bad_fields(error) from None


def _json(content: bytes) -> Any:
    # Base64 has none of these letters, and what they make takes a hundred times their bytes.
    if sum(content.count(letter) for letter in (b",", b"[", b"{")) > MAX_VALUES:
        raise ApiError(400, "bad_request", f"the JSON holds more than {MAX_VALUES} values")
    try:
        return json.loads(content, parse_constant=_no_number)
    except RecursionError:
        raise ApiError(400, "bad_request", "the JSON is nested too deeply") from None
    except ValueError as error:
        reason = getattr(error, "msg", None) or "it is not UTF-8, or no JSON"
        raise ApiError(400, "bad_request", f"the body is not JSON: {reason}") from None


def _no_number(name: str) -> float:
    raise json.JSONDecodeError(f"{name} is no number", name, 0)


def _form(body: Body, fields: type[BaseModel]) -> Mapping[str, Any]:
    """Fields and files by name: a list for those that are lists, else the only one."""
    parts = _Parts()
    try:
        parser = MultipartParser(body.boundary, parts.callbacks())
        parser.write(body.content)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise ApiError(400, "bad_request", f"the multipart body is broken: {error}") from None
    values: dict[str, Any] = {}
    lists = {name for name, field in fields.model_fields.items() if _is_list(field.annotation)}
    for name, value in parts.found:
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            known = name if name in fields.model_fields else "a field"
            raise ApiError(422, "bad_fields", f"{known} is there twice")
        else:
            values[name] = value
    return values


def _is_list(annotation: Any) -> bool:
    return "list[" in str(annotation)


class _Parts:
    """The parts of a multipart body, gathered while it is parsed."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str | Upload]] = []
        self._name = self._value = b""
        self._headers: dict[str, bytes] = {}
        self._data = bytearray()

    def callbacks(self) -> Any:
        """What the parser calls."""
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value")
        calls: dict[str, Callable[..., None]] = {
            f"on_{name}": getattr(self, f"_{name}") for name in (*names, "header_end")
        }
        return calls

    def _part_begin(self) -> None:
        if len(self.found) >= MAX_PARTS:
            raise FormParserError(f"it has more than {MAX_PARTS} parts")
        self._headers, self._data = {}, bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += memoryview(data)[start:end]

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _part_end(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        if b"name" not in options:
            raise FormParserError("a part has no name")
        name, content = _text(options[b"name"]), bytes(self._data)
        if b"filename" in options:
            self.found.append((name, Upload(content, _file_name(options[b"filename"]))))
        else:
            self.found.append((name, _text(content)))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _file_name(content: bytes) -> str:
    """A client's file name without its folders and without what is not to be printed."""
    name = _text(content).replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[:100]


def _too_large(limits: Limits) -> ApiError:
    most = limits.body_bytes / 2**20
    return ApiError(413, "too_large", f"a request may have {most:g} MiB; send smaller photos")
