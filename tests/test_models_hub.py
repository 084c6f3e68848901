"""Model folders to and from elsewhere; what comes is checked before it appears."""

from __future__ import annotations

import io
import sys
import threading
import types
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generated_models import write_model
from visavis.errors import ModelError
from visavis.models.folder import CARD, ENCODER, read_folder
from visavis.models.hub import CARRIED, pull, push


@pytest.fixture
def folder(tmp_path) -> Path:
    write_model(tmp_path / "drawn")
    return tmp_path / "drawn"


def zipped(folder: Path, under: str = "", **more: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, under + path.name)
        for name, data in more.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def address(tmp_path):
    """Serves the folder ``served``."""
    (tmp_path / "served").mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "served"))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.fixture
def hub(monkeypatch, folder):
    """The hub's client, replaced: it holds one repository."""
    client = types.ModuleType("huggingface_hub")
    client.calls = []

    def snapshot_download(repository: str, *, local_dir: Path, allow_patterns: list[str]) -> None:
        client.calls.append(("download", repository, tuple(allow_patterns)))
        (local_dir / ".cache").mkdir()
        for path in folder.iterdir():
            (local_dir / path.name).write_bytes(path.read_bytes())

    def create_repo(repository: str, *, exist_ok: bool) -> None:
        client.calls.append(("create", repository, exist_ok))

    def upload_folder(*, repo_id: str, folder_path: Path, allow_patterns: list[str]) -> None:
        client.calls.append(("upload", repo_id, folder_path, tuple(allow_patterns)))

    client.snapshot_download = snapshot_download
    client.create_repo = create_repo
    client.upload_folder = upload_folder
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    return client


def refusal(source: object, target: Path) -> str:
    """What is said; nothing is left behind."""
    before = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    with pytest.raises(ModelError) as caught:
        pull(str(source), target)
    assert "\n" not in str(caught.value)
    assert (sorted(target.parent.iterdir()) if target.parent.is_dir() else []) == before
    return str(caught.value)


def test_a_folder(folder, tmp_path):
    (folder / "secret.txt").write_text("not part of the model")
    card = pull(str(folder), tmp_path / "deep" / "copy")
    assert card == read_folder(tmp_path / "deep" / "copy")
    names = sorted(path.name for path in (tmp_path / "deep" / "copy").iterdir())
    assert names == [CARD, ENCODER]


@pytest.mark.parametrize("under", ["", "model/", "a/b/"])
def test_a_zip_file(folder, tmp_path, under):
    (tmp_path / "m.zip").write_bytes(zipped(folder, under))
    assert pull(str(tmp_path / "m.zip"), tmp_path / "copy") == read_folder(folder)


def test_an_address(folder, tmp_path, address):
    (tmp_path / "served" / "m.zip").write_bytes(zipped(folder))
    assert pull(f"{address}/m.zip", tmp_path / "copy") == read_folder(folder)


def test_an_address_that_has_nothing(tmp_path, address):
    assert f"cannot get {address}/m.zip: " in refusal(f"{address}/m.zip", tmp_path / "copy")


def test_what_else_is_in_a_zip_is_left_there(folder, tmp_path):
    evil = {"../../evil.txt": b"1", "/evil.txt": b"2", "run.py": b"3", "model.pkl": b"4"}
    (tmp_path / "m.zip").write_bytes(zipped(folder, **evil))
    before = set(tmp_path.parent.rglob("*"))
    pull(str(tmp_path / "m.zip"), tmp_path / "copy")
    made = {path.name for path in set(tmp_path.parent.rglob("*")) - before}
    assert made == {"copy", CARD, ENCODER}


def test_a_card_in_a_zip_that_reaches_outside(folder, tmp_path):
    """A name that only leads outside is cut to its last part, and must then be the card's."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(folder / CARD, CARD)
        archive.writestr(f"../../{ENCODER}", b"not the network")
    (tmp_path / "m.zip").write_bytes(content.getvalue())
    assert "is damaged" in refusal(tmp_path / "m.zip", tmp_path / "copy")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_zip(folder, tmp_path, share):
    whole = zipped(folder)
    (tmp_path / "m.zip").write_bytes(whole[: int(len(whole) * share)])
    message = refusal(tmp_path / "m.zip", tmp_path / "copy")
    assert f"{tmp_path / 'm.zip'} is not a zip of a model folder" in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_damaged_zip(folder, tmp_path, data):
    """Whatever a byte changes, there is a whole model or one sentence."""
    content = bytearray(zipped(folder))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "m.zip").write_bytes(content)
    target = tmp_path / "copies" / str(len(list((tmp_path / "copies").glob("*"))))
    try:
        assert pull(str(tmp_path / "m.zip"), target) == read_folder(folder)
    except ModelError as error:
        assert "\n" not in str(error)
        assert not target.exists()


def test_a_zip_without_a_card(folder, tmp_path):
    (folder / CARD).unlink()
    (tmp_path / "m.zip").write_bytes(zipped(folder))
    assert "no card.json" in refusal(tmp_path / "m.zip", tmp_path / "copy")


def test_a_damaged_folder_is_not_taken(folder, tmp_path):
    (folder / ENCODER).write_bytes(b"damaged")
    assert "is damaged" in refusal(folder, tmp_path / "copy")
    with pytest.raises(ModelError, match="is damaged"):
        push(str(folder), str(tmp_path / "copy"))


def test_never_over_something(folder, tmp_path):
    (tmp_path / "copy").mkdir()
    assert "exists already" in refusal(folder, tmp_path / "copy")
    with pytest.raises(ModelError, match="exists already"):
        push(str(folder), str(tmp_path / "copy"))


def test_a_place_that_cannot_be_made(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot get" in refusal(folder, tmp_path / "file" / "copy")
    for name in ("copy", "copy.zip"):
        with pytest.raises(ModelError, match="cannot write"):
            push(str(folder), str(tmp_path / "file" / name))


def test_no_such_source(tmp_path):
    message = refusal("nothing", tmp_path / "copy")
    assert message == "nothing is no folder, zip, address, hf://owner/name or known model"


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_pushed_and_pulled(folder, tmp_path, name):
    (folder / "secret.txt").write_text("not part of the model")
    where = push(str(folder), str(tmp_path / name))
    assert where == str(tmp_path / name)
    assert pull(where, tmp_path / "back") == read_folder(folder)
    assert not list(tmp_path.glob("copy/secret.txt"))


def test_from_a_hub(hub, folder, tmp_path):
    assert pull("hf://somebody/model", tmp_path / "copy") == read_folder(folder)
    ((_, repository, patterns),) = hub.calls
    assert repository == "somebody/model"
    assert set(patterns) == CARRIED
    assert not (tmp_path / "copy" / ".cache").exists()


def test_to_a_hub(hub, folder):
    assert push(str(folder), "hf://somebody/model") == "hf://somebody/model"
    assert hub.calls == [
        ("create", "somebody/model", True),
        ("upload", "somebody/model", folder, (CARD, ENCODER)),
    ]


class TransportError(Exception):
    """The transport's exceptions are the client's neither, nor the system's."""


@pytest.mark.parametrize(
    "error",
    [TransportError("no route\nto host"), OSError("offline"), ValueError("not a name")],
)
def test_a_hub_out_of_reach(hub, folder, tmp_path, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    hub.snapshot_download = hub.create_repo = fail
    reason = str(error).splitlines()[0]
    assert refusal("hf://a/b", tmp_path / "copy") == f"cannot get hf://a/b: {reason}"
    with pytest.raises(ModelError, match=f"^cannot push to hf://a/b: {reason}$"):
        push(str(folder), "hf://a/b")


def test_the_real_client_out_of_reach(folder, tmp_path, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal("hf://a/b", tmp_path / "copy").startswith("cannot get hf://a/b: ")


def test_a_zip_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("visavis.models.hub.MAX_UNPACKED", 10)
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("encoder.onnx", b"0" * 11)
    with pytest.raises(ModelError, match="refused"):
        pull(str(tmp_path / "m.zip"), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_an_address_cannot_be_pushed_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="cannot push to https"):
        push("sface", "https://127.0.0.1/model")
    assert list(tmp_path.iterdir()) == []
