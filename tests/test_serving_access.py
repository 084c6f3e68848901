from __future__ import annotations

import asyncio
import json
import re
import stat
import subprocess
import sys
import threading
import time

import pytest
from pydantic import TypeAdapter

from generated_run import draw_pairs_of, draw_run, write_photos
from served import COLLINS, OBAMA, Client, refused, serving
from visavis.errors import DataError
from visavis.report.run import save_run
from visavis.serving import answers, answers_people
from visavis.serving.batching import BatchingEncoder
from visavis.serving.check import check_api
from visavis.serving.errors import ApiError
from visavis.serving.limits import Limits, PixelBudget, TokenBuckets, limits_of
from visavis.serving.passes import LASTS, new_pass
from visavis.serving.routes import about
from visavis.serving.tokens import SCOPES, TokenFile
from visavis.serving.work import Workroom


@pytest.fixture(scope="module")
def client(model, tmp_path_factory):
    with serving(model, tmp_path_factory.mktemp("served")) as client:
        yield client


OPEN_TO = {
    ("GET", "/v1/me"): None,
    ("GET", "/v1/models"): None,
    ("GET", "/v1/gallery"): None,
    ("GET", "/metrics"): None,
    ("POST", "/v1/verify"): "verify",
    ("POST", "/v1/explain"): "verify",
    ("POST", "/v1/embed"): "verify",
    ("POST", "/v1/match"): "verify",
    ("POST", "/v1/identify"): "identify",
    ("GET", "/v1/people"): "enrol",
    ("POST", "/v1/people"): "enrol",
    ("GET", "/v1/people/x"): "enrol",
    ("POST", "/v1/people/x/photos"): "enrol",
    ("POST", "/v1/people/x/not"): "enrol",
    ("PATCH", "/v1/people/x"): "admin",
    ("DELETE", "/v1/people/x"): "admin",
    ("POST", "/v1/people/merge"): "admin",
    ("GET", "/v1/gallery/check"): "admin",
    ("GET", "/v1/runs"): "admin",
    ("GET", "/v1/runs/x/report"): "admin",
    ("POST", "/v1/runs/x/pass"): "admin",
}
WITHOUT_TOKEN = {("GET", "/v1/health"), ("GET", "/v1/runs/x/frame")}


def test_every_endpoint_asks_for_a_token_and_its_scope(client: Client):
    tokens = client.service.tokens
    secrets = {scope: tokens.new(scope, [scope]) for scope in SCOPES}
    for (method, path), needed in OPEN_TO.items():
        for header in ({"Authorization": ""}, {"Authorization": "Bearer vis_wrong"}):
            response = client.request(method, path, headers=header)
            refused(response, 401, "no_token")
            assert response.headers["www-authenticate"] == "Bearer"
        for scope, secret in secrets.items():
            response = client.request(method, path, headers={"Authorization": f"Bearer {secret}"})
            if needed in (None, scope) or scope == "admin":
                assert response.status_code not in (401, 403), (method, path, scope)
            else:
                assert needed in refused(response, 403, "wrong_scope")["message"]
    documented = {
        (method.upper(), path.replace("{who}", "x").replace("{name}", "x"))
        for path, methods in client.get("/v1/openapi.json").json()["paths"].items()
        for method in methods
    }
    assert documented - WITHOUT_TOKEN == set(OPEN_TO)


def test_a_revoked_token_is_refused_at_once(client: Client):
    secret = client.service.tokens.new("door", ["verify"])
    header = {"Authorization": f"Bearer {secret}"}
    answer = client.get("/v1/me", headers=header).json()
    TypeAdapter(answers_people.MeAnswer).validate_python(answer)
    assert (answer["token"], answer["scopes"]) == ("door", ["verify"])
    TokenFile(client.service.tokens.path).revoke("door")  # as another process does
    refused(client.get("/v1/me", headers=header), 401, "no_token")


def test_tokens_are_kept_as_hashes_in_a_private_file(tmp_path):
    tokens = TokenFile(tmp_path / "deep" / "tokens.json")
    owner, door = tokens.owner(), tokens.new("door", ["identify", "verify"])
    text = tokens.path.read_text()
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert door not in text
    assert TokenFile(tokens.path).owner() == owner  # the printed address stays
    found = TokenFile(tokens.path).find(door)
    assert found is not None
    assert found.scopes == ("verify", "identify")
    assert found.may("verify")
    assert not found.may("enrol")
    assert tokens.find(door[:-1]) is None
    assert [token.name for token in tokens.all()] == ["owner", "door"]
    assert "secret" not in json.dumps([token.as_dict() for token in tokens.all()])


def test_tokens_that_cannot_be(tmp_path):
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.new("door", ["verify"])
    for call, words in (
        (lambda: tokens.new("door", ["verify"]), "already"),
        (lambda: tokens.new("gate", ["all"]), "verify, identify"),
        (lambda: tokens.new("gate", []), "scope"),
        (lambda: tokens.revoke("gate"), "no token gate"),
    ):
        with pytest.raises(DataError, match=words):
            call()
    tokens.path.write_text("{")
    with pytest.raises(DataError, match="no tokens that can be read"):
        tokens.find("x")


def test_health_needs_no_token(client: Client):
    response = client.get("/v1/health", headers={"Authorization": ""})
    assert response.status_code == 200
    TypeAdapter(answers_people.HealthAnswer).validate_python(response.json())


def test_health_tells_of_a_gallery_that_is_gone(model, tmp_path):
    with serving(model, tmp_path) as client:
        client.service.gallery.close()
        (tmp_path / "people.db").write_bytes(b"no database at all, but long enough to be one")
        response = client.get("/v1/health")
        error = refused(response, 503, "gallery_unavailable")
        assert str(tmp_path) not in error["message"]
        assert response.headers["retry-after"]


def test_models_and_metrics(client: Client, model):
    answer = client.get("/v1/models").json()
    TypeAdapter(answers_people.ModelsAnswer).validate_python(answer)
    assert answer["model"]["fingerprint"] == model.card.fingerprint
    client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS})
    client.get("/v1/people/Barack%20Obama")
    text = client.get("/metrics").text
    assert 'visavis_requests_total{method="POST",route="/v1/verify",status="200"}' in text
    assert 'route="/v1/people/{who}",status="404"' in text
    assert "visavis_encoder_batch_faces_sum" in text
    assert "process_resident_memory_bytes" in text
    assert "Obama" not in text


def test_headers_of_every_answer(client: Client):
    for path in ("/v1/health", "/v1/nothing", "/", "/v1/people"):
        headers = client.get(path, headers={"Authorization": "", "Origin": "http://x"}).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
        assert not [name for name in headers if name.startswith("access-control")]


def test_another_sites_name_is_refused_on_loopback(client: Client):
    for host in ("evil.example", "evil.example:8472", "", "[::2]:80"):
        refused(client.get("/v1/health", headers={"Host": host}), 400, "bad_request")
    assert client.get("/v1/health", headers={"Host": "TestServer:8472"}).status_code == 200


def test_paths_and_methods_that_are_none(client: Client):
    refused(client.get("/v1/nothing"), 404, "not_found")
    refused(client.get("/v1/verify"), 405, "wrong_method")
    refused(client.get("/nothing.html"), 404, "not_found")
    refused(client.get("/../../app.py"), 404, "not_found")
    refused(client.get("/%2e%2e/app.py"), 404, "not_found")
    assert client.get("/docs").status_code == 404  # its scripts come from elsewhere


def test_a_token_that_asks_too_often(model, tmp_path):
    with serving(model, tmp_path, Limits(requests_per_second=0.5, burst=2)) as client:
        assert [client.get("/v1/me").status_code for _ in range(2)] == [200, 200]
        response = client.get("/v1/me")
        refused(response, 429, "too_many_requests")
        assert response.headers["retry-after"] == "2"
        other = {"Authorization": f"Bearer {client.service.tokens.new('other', ['verify'])}"}
        assert client.get("/v1/me", headers=other).status_code == 200


def test_buckets_fill_again():
    now = [0.0]
    buckets = TokenBuckets(rate=2, burst=3, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] = 0.25
    assert buckets.take("a") == 0.25
    now[0] = 0.5
    assert buckets.take("a") == 0
    now[0] = 100
    assert [buckets.take("a") for _ in range(4)][-1] > 0  # no more than a burst is saved


def test_the_queue_has_an_end():
    room = Workroom(1, Limits(queue=2, held_bytes=100))
    with room.place() as first, room.place() as second:
        with pytest.raises(ApiError) as refusal, room.place():
            pass
        assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "1"})
        first.hold(60)
        with pytest.raises(ApiError, match="more to do"):
            second.hold(60)
        second.hold(40)
    assert (room.waiting, room.held) == (0, 0)
    with room.place() as again:
        again.hold(100)
    room.close()


def test_a_full_queue_over_http(model, tmp_path):
    with serving(model, tmp_path, Limits(queue=0)) as client:
        response = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS})
        refused(response, 503, "busy")
        assert response.headers["retry-after"] == "1"


def test_pixels_wait_for_their_share():
    budget = PixelBudget(10)
    order = []

    def other() -> None:
        with budget.hold(6):
            order.append("second")

    thread = threading.Thread(target=other)
    with budget.hold(5):
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_crops_that_wait_together_are_embedded_together(model, sample_faces):
    crops = [model.crop(face)[None] for face in sample_faces.values()]
    alone = [model.encoder.encode(crop) for crop in crops]
    sizes: list[int] = []
    gate, begun = threading.Event(), threading.Event()

    class Slow:
        runtime = "slow"

        def encode(self, many):
            begun.set()
            gate.wait()
            return model.encoder.encode(many)

    encoder = BatchingEncoder(Slow(), 1, sizes.append)
    found: list = [None] * len(crops)

    def ask(i: int) -> None:
        found[i] = encoder.encode(crops[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(crops))]
    threads[0].start()
    begun.wait()
    for thread in threads[1:]:
        thread.start()
    while len(encoder.waiting) < len(crops) - 1:
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert sizes == [1, len(crops) - 1]
    for own, expected in zip(found, alone, strict=True):
        assert float((own * expected).sum()) > 0.999 * float((expected * expected).sum())


def test_an_encoder_that_fails_fails_each_that_asks():
    class Broken:
        runtime = "broken"

        def encode(self, many):
            raise RuntimeError("out of order")

    import numpy as np

    encoder = BatchingEncoder(Broken(), 1)
    for _ in range(2):  # its thread goes on
        with pytest.raises(RuntimeError, match="out of order"):
            encoder.encode(np.zeros((1, 2, 2, 3), np.uint8))


def test_runs_and_their_reports(model, tmp_path, client: Client):
    assert client.get("/v1/runs").json()["runs"] == []
    runs = tmp_path / "runs"
    (runs / "empty").mkdir(parents=True)
    (runs / "first").mkdir()
    (runs / "first" / "report.html").write_text("<!doctype html><title>first</title>")
    (tmp_path / "report.html").write_text("not to be had")
    with serving(model, tmp_path, runs=runs) as with_runs:
        assert with_runs.get("/v1/runs").json()["runs"] == []  # no run.json, no run
        page = with_runs.get("/v1/runs/first/report")
        assert page.headers["content-type"].startswith("text/html")
        assert "<title>first</title>" in page.text
        for name in ("empty", "nobody", "..", "%2e%2e", ".", "..%2f"):
            response = with_runs.get(f"/v1/runs/{name}/report")
            assert response.status_code == 404, name


def test_a_report_is_framed_by_a_pass_in_its_time(model, tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "first run"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<style>@media (prefers-color-scheme: dark) {}</style>")
    other = tmp_path / "runs" / "other"
    other.mkdir()
    (other / "report.html").write_text("another")
    nobody = {"Authorization": ""}
    with serving(model, tmp_path, runs=tmp_path / "runs") as client:
        secret = client.service.tokens.new("desk", ["admin"])
        desk = {"Authorization": f"Bearer {secret}"}
        told = client.post("/v1/runs/first%20run/pass", headers=desk).json()
        TypeAdapter(answers_people.PassAnswer).validate_python(told)
        address = told["address"]
        shown = client.get(address, headers=nobody)
        assert shown.text == (folder / "report.html").read_text()
        for answer in (shown, client.get("/v1/runs/first%20run/report")):
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
            assert "frame-ancestors 'self'" in policy
            assert answer.headers["x-frame-options"] == "SAMEORIGIN"
            assert answer.headers["cache-control"] == "no-store"
        assert "@media not all {}" in client.get(f"{address}&theme=light", headers=nobody).text
        wrong = (
            address[:-1] + ("0" if address[-1] != "0" else "1"),
            address.replace("first%20run", "other"),
            re.sub(r"\.\d+\.", ".99999999999.", address),
            re.sub(r"\.\d+\.", ".².", address),
            re.sub(r"=.*", "=x", address),
        )
        for changed in wrong:
            refused(client.get(changed, headers=nobody), 403, "wrong_pass")
        refused(client.post("/v1/runs/nothing/pass"), 404, "unknown_run")
        client.service.tokens.new("door", ["verify"])
        door = next(token for token in client.service.tokens.all() if token.name == "door")
        forged = re.sub(r"=.*", f"={new_pass(door, 'first run')}", address)
        refused(client.get(forged, headers=nobody), 403, "wrong_pass")
        now = time.time()
        with monkeypatch.context() as later:
            later.setattr("visavis.serving.passes.time.time", lambda: now + LASTS + 1)
            refused(client.get(address, headers=nobody), 403, "wrong_pass")
        assert client.get(address, headers=nobody).status_code == 200
        client.service.tokens.revoke("desk")
        refused(client.get(address, headers=nobody), 403, "wrong_pass")


def test_limits_that_operators_choose_carry_the_others_along():
    assert limits_of(200, 64, 32, 50) == Limits()
    small = limits_of(0.2, 1, 1, 2)
    assert (small.burst, small.body_bytes, small.pixels) == (1, 2**20, 2_000_000)
    assert small.held_bytes >= small.body_bytes
    assert small.held_pixels >= 2 * small.pixels  # two photos of one request must fit


def test_waiting_requests_do_not_block_the_loop():
    """Work runs beside the event loop, not on it."""
    room = Workroom(1, Limits())

    async def both() -> str:
        work = asyncio.create_task(room.run(lambda: threading.Event().wait(0.05)))
        await asyncio.sleep(0)
        done = "before" if not work.done() else "after"
        await work
        return done

    assert asyncio.run(both()) == "before"
    room.close()


def test_doctors_check_of_the_api(model, monkeypatch):
    assert "healthy" in check_api(model)
    monkeypatch.setattr(about, "_health", lambda _: {}["x"])
    with pytest.raises(DataError, match="the server failed"):
        check_api(model)
    monkeypatch.setitem(sys.modules, "visavis.serving.run", None)
    assert "pip install 'visavis[serve]'" in check_api(model)


def test_saved_runs_are_listed(model, tmp_path):
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    save_run(folder, draw_run(folder, draw_pairs_of(write_photos(tmp_path))), "visavis train x")
    broken = tmp_path / "runs" / "second"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    with serving(model, tmp_path, runs=tmp_path / "runs") as client:
        answer = client.get("/v1/runs").json()
    TypeAdapter(answers_people.RunsAnswer).validate_python(answer)
    (listed,) = answer["runs"]
    assert listed["name"] == "first"
    assert 0 <= listed["accuracy"]["value"] <= 1
    assert listed["report"] is False


def test_examples_are_answers(client: Client):
    shown = 0
    for kind in [*vars(answers).values(), *vars(answers_people).values()]:
        if isinstance(kind, type) and issubclass(kind, answers.Answer):
            extra = kind.model_config.get("json_schema_extra")
            if isinstance(extra, dict):
                kind.model_validate(extra["example"])
                shown += 1
    assert shown >= 10
    text = client.get("/v1/openapi.json").text
    assert "Ada Lovelace" in text
    assert "http://" not in text.replace("http://json-schema.org", "")


def test_serving_needs_no_torch():
    code = "import sys, visavis.serving.run as r; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
