from __future__ import annotations

import copy
import io
import json
import logging
import os
import random
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from served import OBAMA, Client, refused, serving
from visavis.runtime.cache import cache_folder
from visavis.serving.limits import Limits
from visavis.serving.logs import JsonLines

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
UPLOADS = 1000
ROUTES = {
    "/v1/verify": ("photo_a", "photo_b"),
    "/v1/explain": ("photo_a", "photo_b"),
    "/v1/identify": ("photo",),
    "/v1/embed": ("photo",),
    "/v1/match": ("references", "onsite"),
    "/v1/people": ("photos",),
    "/v1/people/nobody/photos": ("photos",),
    "/v1/people/nobody/not": ("photo",),
}


class Blind:
    """Finds nobody: what is hostile here ends with decoding."""

    def detect(self, photo):
        return []


@pytest.fixture(scope="module")
def client(model, tmp_path_factory):
    blind = copy.copy(model)
    blind.detector = Blind()
    limits = Limits(
        body_bytes=4 * 2**20, pixels=4_000_000, held_pixels=16_000_000,
        requests_per_second=1e6, burst=10**6,
    )  # fmt: skip
    with serving(blind, tmp_path_factory.mktemp("served"), limits) as client:
        yield client


def picture(kind: str = "JPEG", side: int = 64) -> bytes:
    rng = np.random.default_rng(side)
    pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


MAGIC = (
    b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x10\0\0\0WEBP", b"BM",
    b"II*\0", b"P6\n99999 99999\n255\n", b"\0\0\0\x20ftypheic", b"\0\0\0\x20ftypavif", b"",
)  # fmt: skip
PICTURES = [picture(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")]
BOMBS = [bomb(50_000, 50_000), bomb(2**31 - 1, 2**31 - 1), bomb(0, 0), bomb(3_000, 2_000)]
TEXTS = ("", "nan", "1e999", "-1", "\0", "none", "ü" * 300, "[]", "{}", "0x10", "9" * 400, "true")


def broken_photo(rng: random.Random) -> bytes:
    whole = bytearray(rng.choice(PICTURES))
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(whole[: rng.randrange(len(whole))])
    if kind == 1:
        for _ in range(rng.randrange(1, 20)):
            whole[rng.randrange(min(len(whole), 200))] ^= 1 << rng.randrange(8)
        return bytes(whole)
    if kind == 2:
        return rng.choice(MAGIC) + rng.randbytes(rng.randrange(2000))
    if kind == 3:
        return rng.choice(BOMBS)
    return rng.randbytes(rng.randrange(100))


def broken_json(rng: random.Random, fields: tuple[str, ...]) -> bytes:
    value = rng.choice(
        [
            None, 1e308, -1, True, [], {}, "x" * 200_000, ["a"] * 10_000, {"url": "http://x/y"},
            "AAAA", "/etc/passwd", [None] * 200, "====", [["a"]], "\ud800",
        ]
    )  # fmt: skip
    body = json.dumps(dict.fromkeys(fields, value) | {rng.choice(("fmr", "x")): value})
    return rng.choice(
        [
            body.encode(), body[: rng.randrange(len(body))].encode(), b"", b"null", b"[]", b'"x"',
            b"[" * 100_000, b'{"a":' * 50_000, b"1" * 100_000, b"\xff\xfe{}", b"NaN",
            b'{"photo": NaN}', body.encode("utf-16"),
        ]
    )  # fmt: skip


def broken_form(rng: random.Random, fields: tuple[str, ...]) -> tuple[bytes, str]:
    parts = [(rng.choice([*fields, "unknown", ""]), broken_photo(rng)) for _ in fields]
    if rng.random() < 0.05:
        parts *= 300
    names = ("a.jpg", "../../x", "\u202ex.png", "a" * 3000, 'q"q', "\0")
    body = b""
    for name, content in parts:
        file = f'; filename="{rng.choice(names)}"' if rng.random() < 0.8 else ""
        head = f'Content-Disposition: form-data; name="{name}"{file}'
        body += b"--bound\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"
    if rng.random() < 0.3:
        return body + b"--bound--\r\n", "multipart/form-data; boundary=bound"
    extra = rng.choice(("fmr", "faces", "prior", "top", "name", "expires", "threshold"))
    body += f'--bound\r\nContent-Disposition: form-data; name="{extra}"\r\n\r\n'.encode()
    body += rng.choice(TEXTS).encode() + b"\r\n--bound--\r\n"
    kind = rng.choice(
        ["multipart/form-data; boundary=bound"] * 8
        + ["multipart/form-data", "multipart/form-data; boundary=other", "multipart/mixed", ""]
        + ['multipart/form-data; boundary="', "application/x-www-form-urlencoded", "image/jpeg"]
    )
    if rng.random() < 0.2:
        body = body[: rng.randrange(len(body))]
    return body, kind


def resident_bytes() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_thousand_malformed_uploads(client: Client, caplog):
    rng = random.Random(8)
    caplog.set_level(logging.INFO)
    counted: dict[int, int] = {}
    resident = 0
    for number in range(UPLOADS):
        path, fields = rng.choice(list(ROUTES.items()))
        if rng.random() < 0.3:
            content, kind = broken_json(rng, fields), "application/json"
        else:
            content, kind = broken_form(rng, fields)
        response = client.post(path, content=content, headers={"Content-Type": kind})
        counted[response.status_code] = counted.get(response.status_code, 0) + 1
        assert response.status_code in (200, 201, 400, 404, 413, 415, 422), (path, number)
        if response.status_code >= 400:
            error = response.json()["error"]
            assert error["message"]
            assert "Traceback" not in response.text
        if number == UPLOADS // 4 and Path("/proc/self/statm").exists():
            resident = resident_bytes()
    assert {400, 413, 415, 422} <= set(counted)
    if resident:
        assert resident_bytes() < 1.1 * resident + 32 * 2**20
    ours = [record for record in caplog.records if record.name.startswith("visavis")]
    assert not [record for record in ours if record.levelno >= logging.WARNING]
    assert client.service.room.held == client.service.room.waiting == 0


def test_every_endpoint_keeps_its_own_description(model, tmp_path, caplog):
    with serving(model, tmp_path) as client:
        description = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app)
        headers = {"Authorization": client.headers["authorization"], "Host": "testserver"}
        endpoints = [result.ok() for result in description.get_all_operations()]
        assert len(endpoints) > 15
        for endpoint in endpoints:
            for strategy in strategies(endpoint):

                @settings(
                    max_examples=8, database=None, phases=[Phase.generate], derandomize=True,
                    suppress_health_check=list(HealthCheck),
                )  # fmt: skip
                @given(case=strategy)
                def fuzz(case: schemathesis.Case) -> None:
                    case.validate_response(case.call(headers=headers), checks=CHECKS)

                fuzz()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def strategies(endpoint) -> list:
    """Requests as the endpoint describes them, and such as break it where that can be."""
    right = endpoint.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if endpoint.method != "post":
        return [right]
    return [right, endpoint.as_strategy(generation_mode=GenerationMode.NEGATIVE)]


def test_bodies_have_a_bound(client: Client):
    huge = b"x" * (5 * 2**20)
    kind = {"Content-Type": "application/json"}
    refused(client.post("/v1/verify", content=huge, headers=kind), 413, "too_large")
    endless = client.post("/v1/verify", content=iter([huge[:1000]] * 5000), headers=kind)
    refused(endless, 413, "too_large")  # chunks say nothing of their sum
    refused(client.post("/v1/verify", content=b"x"), 415, "unsupported_type")


def test_json_of_many_small_values_is_not_built(client: Client):
    tracemalloc.start()
    many = b'{"photo": [' + b"[]," * 1_000_000 + b"[]]}"
    response = client.post("/v1/embed", content=many, headers={"Content-Type": "application/json"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    refused(response, 400, "bad_request")
    assert peak < 8 * len(many)


def test_pixels_are_counted_before_they_are_decoded(client: Client, monkeypatch):
    from visavis.photos import photo

    monkeypatch.setattr(photo, "_decode", lambda *_: 1 / 0)
    error = refused(client.photos("/v1/embed", {"photo": bomb(2_500, 2_500)}), 413, "too_large")
    assert "4 megapixels" in error["message"]
    refused(client.photos("/v1/embed", {"photo": BOMBS[0]}), 413, "too_large")


def test_no_upload_touches_the_disk(model, tmp_path):
    kept = (str(cache_folder()), str(tmp_path / "people.db"))
    written: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple) -> None:
        if not watching or event != "open" or not isinstance(arguments[0], str | bytes | Path):
            return
        path, flags = os.fsdecode(arguments[0]), arguments[2]
        if flags & (os.O_WRONLY | os.O_RDWR) and not path.startswith(kept):
            written.append(path)

    large = picture("PNG", 900)  # 2.4 MB: a parser that spools would write it to a file
    assert len(large) > 2 * 2**20
    both = {"photo_a": OBAMA[0], "photo_b": OBAMA[2]}
    with serving(model, tmp_path) as client:
        sys.addaudithook(watch)
        refused(client.photos("/v1/embed", {"photo": large}), 422, "no_face")
        assert client.photos("/v1/verify", both).status_code == 200
        assert client.photos("/v1/explain", both).status_code == 200
        watching = False
    assert written == []


def test_a_server_that_fails_says_so_in_one_line(client: Client, monkeypatch, caplog):
    from visavis.serving.routes import comparing

    def fails(*_):
        raise RuntimeError("Ada Lovelace in /home/ada")

    monkeypatch.setattr(comparing, "embed_fields", fails)
    with caplog.at_level(logging.INFO):
        response = client.photos("/v1/embed", {"photo": picture()})
    refused(response, 500, "failed")
    (failed,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    line = JsonLines().format(failed)
    assert "\n" not in line
    told = json.loads(line)
    assert told["error"] == "RuntimeError"
    assert told["request_id"] == response.headers["x-request-id"]
    assert "Ada" not in line


def test_the_log_names_nobody(client: Client, caplog):
    with caplog.at_level(logging.INFO):
        client.get("/v1/people/Ada%20Lovelace?cursor=Ada")
        client.get("/v1/health", headers={"Authorization": "Bearer vis_secret"})
    ours = [record for record in caplog.records if record.name.startswith("visavis")]
    lines = [JsonLines().format(record) for record in ours]
    told = [json.loads(line) for line in lines]
    assert [entry["route"] for entry in told] == ["/v1/people/{who}", "/v1/health"]
    assert [entry["status"] for entry in told] == [404, 200]
    assert not [line for line in lines if "Ada" in line or "vis_" in line]
