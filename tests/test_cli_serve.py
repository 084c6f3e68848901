from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

from run_command import Run, runner
from served import OBAMA, form
from visavis.serving.limits import Limits, limits_of
from visavis.serving.run import Address, listen
from visavis.serving.tokens import TokenFile


@pytest.fixture
def run(monkeypatch, capfd) -> Run:
    return runner(monkeypatch, capfd)


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen, dict]]:
    """``visavis serve`` in a process of its own, on a free port."""
    command = [sys.executable, "-m", "visavis", "serve", "--port", "0", "--json"]
    command += ["--gallery", str(folder / "people.db"), "--tokens", str(folder / "tokens.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=log,
            env=os.environ | {"XDG_DATA_HOME": str(folder)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def client_of(told: dict, **options) -> httpx.Client:
    headers = {"Authorization": f"Bearer {told['token']}"}
    return httpx.Client(base_url=told["url"], headers=headers, timeout=60, **options)


def test_serve_answers_until_it_is_told_to_stop(tmp_path):
    with server(tmp_path) as (process, told), client_of(told) as client:
        assert told["address"] == f"{told['url']}/#token={told['token']}"
        assert told["url"].startswith("http://127.0.0.1:")
        assert client.get("/v1/health").json()["status"] == "ok"
        assert client.get("/").headers["content-type"].startswith("text/html")
        late: list[httpx.Response] = []
        files = form({"photo_a": OBAMA[0], "photo_b": OBAMA[2]})
        asking = threading.Thread(
            target=lambda: late.append(client.post("/v1/explain", files=files))
        )
        asking.start()
        while "queue_requests 1.0" not in client.get("/metrics").text:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)  # what runs is finished
        asking.join()
        assert late[0].status_code == 200
        assert process.wait(30) in (0, -signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            client.get("/v1/health")
    log = (tmp_path / "log").read_text()
    assert all(json.loads(line)["event"] for line in log.splitlines())
    assert told["token"] not in log
    assert "Traceback" not in log


def test_a_certificate_of_its_own(tmp_path):
    with server(tmp_path, "--tls-self-signed") as (_, told):
        assert told["url"].startswith("https://")
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        assert told["certificate"].replace(":", "").lower() == hashlib.sha256(der).hexdigest()
        assert key.stat().st_mode & 0o077 == 0
        trusting = ssl.create_default_context(cafile=str(certificate))
        with client_of(told, verify=trusting) as client:
            assert client.get("/v1/health").status_code == 200


def test_a_certificate_is_kept_while_it_holds(tmp_path):
    from visavis.serving.tls import self_signed

    first, _ = self_signed(tmp_path, "192.0.2.7")
    content = first.read_bytes()
    assert self_signed(tmp_path, "192.0.2.7")[0].read_bytes() == content
    assert self_signed(tmp_path, "faces.example")[0].read_bytes() != content
    first.write_text("damaged")
    assert self_signed(tmp_path, "faces.example")[0].read_bytes().startswith(b"-----BEGIN")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--runs", "nowhere"], ["no folder nowhere"]),
        (["--tls-cert", "a.pem"], ["--tls-key"]),
        (["--tls-cert", "a.pem", "--tls-key", "b.pem"], ["no file a.pem"]),
        (["--tls-self-signed", "--tls-cert", "a.pem"], ["leave out"]),
        (["--host", "192.0.2.1"], ["cannot serve on 192.0.2.1", "--host"]),
        (["--model", "nothing"], ["no model nothing"]),
    ],
)
def test_what_cannot_be_served(run: Run, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    ran = run("serve", "--port", "0", "--tokens", tmp_path / "t.json", *options)
    assert ran.code == 2
    ran.one_sentence(*words)


@pytest.mark.parametrize(
    "option", [("--max-rate", 0), ("--max-queue", 0), ("--max-body", 2000), ("--max-photo", 90)]
)
def test_limits_that_are_none(run: Run, option):
    ran = run("serve", *option)
    assert ran.code == 2
    assert option[0] in ran.err


def test_limits_reach_the_server(run: Run, tmp_path, monkeypatch):
    taken = []

    def served(service, *_):
        taken.append(service.limits)
        service.close()

    monkeypatch.setattr("visavis.serving.run.serve_until_stopped", served)
    where = ("--port", "0", "--gallery", tmp_path / "p.db", "--tokens", tmp_path / "t.json")
    first = run("serve", *where)
    limits = ("--max-rate", 5, "--max-queue", 7, "--max-body", 3, "--max-photo", 12)
    second = run("serve", *where, *limits)
    assert (first.code, second.code) == (0, 0)
    assert taken == [Limits(), limits_of(5, 7, 3, 12)]
    token = re.compile(r"#token=(\S+)")
    assert token.findall(first.out) == token.findall(second.out)  # that of the first run
    assert len(TokenFile(tmp_path / "t.json").all()) == 1


def test_a_port_that_is_taken(run: Run, tmp_path):
    from visavis.serving.run import Address, listen

    with listen(Address("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", "--port", port, "--tokens", tmp_path / "t.json")
    assert ran.code == 2
    ran.one_sentence(f"127.0.0.1:{port}", "--port")


def test_without_the_extra(run: Run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    ran = run("serve", "--tokens", tmp_path / "t.json")
    assert ran.code == 2
    ran.one_sentence("pip install 'visavis[serve]'")


def test_tokens(run: Run, tmp_path):
    file = ("--tokens", tmp_path / "tokens.json")
    made = run("tokens", "new", "door", "--scope", "identify", *file)
    assert made.code == 0
    assert made.out.startswith("vis_")
    second = run("tokens", "new", "desk", "-s", "verify", "-s", "enrol", "--json", *file).json
    assert second["scopes"] == ["verify", "enrol"]
    listed = run("tokens", "list", "--json", *file).json["tokens"]
    assert [token["name"] for token in listed] == ["door", "desk"]
    assert made.out.strip() not in run("tokens", "list", *file).out
    assert run("tokens", "revoke", "door", *file).code == 0
    again = run("tokens", "revoke", "door", "--json", *file)
    assert again.code == 2
    again.one_sentence("no token door")
    wrong = run("tokens", "new", "x", "--scope", "everything", *file)
    assert wrong.code == 2
    wrong.one_sentence("everything", "verify")


@pytest.mark.slow
def test_fifty_clients_at_once(tmp_path):
    """A short form of ``benchmarks/serve.py --load 60``."""
    statuses: list[int] = []
    with server(tmp_path) as (_, told):
        headers = {"Authorization": f"Bearer {told['token']}"}
        bodies = [httpx.Request("POST", "", files=form({"photo": photo})) for photo in OBAMA]
        requests = [
            (body.read(), headers | {"Content-Type": body.headers["Content-Type"]})
            for body in bodies
        ]
        until = time.monotonic() + 4

        def client(number: int) -> None:
            connection = http.client.HTTPConnection(told["url"].removeprefix("http://"), timeout=60)
            while time.monotonic() < until:
                connection.request("POST", "/v1/identify", *requests[number % len(requests)])
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with client_of(told) as asking:
            metrics = asking.get("/metrics").text
    assert set(statuses) <= {200, 429, 503}
    assert statuses.count(200) >= len(statuses) / 2
    resident = re.search(r"^process_resident_memory_bytes (\S+)", metrics, re.M)
    assert resident
    assert float(resident[1]) < 1.5e9


def test_addresses_for_people():
    from visavis.serving.run import Address

    assert Address("127.0.0.1", 0).url(8472) == "http://127.0.0.1:8472"
    assert Address("::1", 0, Path("c.pem"), Path("k.pem")).url(1) == "https://[::1]:1"
    assert "0.0.0.0" not in Address("0.0.0.0", 0).url(8472)  # no phone finds that


def test_an_answer_does_not_wait_for_its_head_to_be_confirmed():
    """Nagle's algorithm and delayed acknowledgement cost each answer 40 ms."""
    listener = listen(Address("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
