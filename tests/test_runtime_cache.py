"""The cache folder: files appear whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from visavis.errors import ModelError
from visavis.files import write_atomically
from visavis.runtime import cache as caching
from visavis.runtime.cache import bounded, cache_folder, cached, try_to_cache, used


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache with spaces é"
    monkeypatch.setenv("VISAVIS_CACHE", str(folder))
    return folder


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_where(cache, monkeypatch):
    assert cache_folder() == cache
    monkeypatch.delenv("VISAVIS_CACHE")
    assert cache_folder().name == "visavis"


def test_written_and_replaced(cache):
    path = cache / "deep" / "er" / "file.bin"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), SystemExit()])
@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_interrupted_leaves_nothing(cache, monkeypatch, step, stop):
    write_atomically(cache / "file", b"old")

    def interrupt(*_: object) -> None:
        raise stop

    monkeypatch.setattr(step, interrupt)
    with pytest.raises(type(stop)):
        write_atomically(cache / "file", b"new")
    assert [p.name for p in cache.iterdir()] == ["file"]
    assert (cache / "file").read_bytes() == b"old"


def test_killed_leaves_no_file_of_that_name(cache):
    code = (
        "import os, signal, sys, pathlib\n"
        "from visavis.runtime.cache import write_atomically\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "write_atomically(pathlib.Path(sys.argv[1]), b'half')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(cache / "file")], check=False)
    assert done.returncode == 9
    assert not (cache / "file").exists()


def test_made_once(cache):
    made = []

    def make() -> bytes:
        made.append(1)
        return b"content"

    assert cached("a/b.bin", make).read_bytes() == b"content"
    assert cached("a/b.bin", make) == cache / "a" / "b.bin"
    assert len(made) == 1


def test_a_full_disk_is_one_sentence(cache, monkeypatch):
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelError, match=r"No space left on device.*free some space or set VISAV"):
        cached("a/b.bin", lambda: b"content")
    assert list((cache / "a").iterdir()) == []


def test_a_cache_that_cannot_be_a_folder(cache):
    cache.write_text("a file in its place")
    with pytest.raises(ModelError, match=f"cannot write to the cache folder {cache}"):
        cached("a/b.bin", lambda: b"content")


def test_what_fails_while_making_is_not_blamed_on_the_cache(cache):
    def make() -> bytes:
        raise ModelError("the wheel is missing")

    with pytest.raises(ModelError, match=r"^the wheel is missing$"):
        cached("a/b.bin", make)
    assert not cache.exists()


def test_compilations_are_kept_only_where_possible(cache, monkeypatch):
    try_to_cache("kept", b"1")
    assert (cache / "kept").read_bytes() == b"1"
    monkeypatch.setattr("os.fsync", full)
    try_to_cache("lost", b"2")
    assert [p.name for p in cache.iterdir()] == ["kept"]


LOAD = """
import numpy as np, visavis
model = visavis.load("sface")
print(np.round(model.encode(np.full((1, 112, 112, 3), 99, np.uint8)), 3).tolist())
"""


@pytest.mark.slow
def test_two_processes_and_an_empty_cache(cache):
    """Both fold the same networks into the same files at once, as test workers do."""
    environment = {**os.environ, "VISAVIS_CACHE": str(cache)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD], env=environment, text=True, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert outputs[0] == outputs[1] != ""
    assert [path for path in cache.rglob("*") if path.name.startswith(".")] == []
    (folder,) = (cache / "models").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "encoder.onnx"]


def of_use(folder: Path, **when: int) -> None:
    """Files of ten bytes, and the second in which each was of use."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, second in when.items():
        (folder / name).write_bytes(bytes(10))
        os.utime(folder / name, (second, second))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_of_use_longest_ago_makes_room(cache):
    of_use(cache, old=1, older=0, new=3, middle=2)
    bounded(cache, most=40)
    assert names(cache) == {"old", "older", "new", "middle"}
    bounded(cache, most=29)
    assert names(cache) == {"new", "middle"}
    bounded(cache, most=5)
    assert names(cache) == {"new"}, "the last stays, however large"


def test_a_use_is_noted(cache):
    of_use(cache, old=1, new=2)
    used(cache / "old", cache / "none")
    bounded(cache, most=10)
    assert names(cache) == {"old"}


def test_a_file_that_cannot_be_deleted_is_no_reason_to_stop(cache, monkeypatch):
    of_use(cache, old=1, new=2)
    monkeypatch.setattr("pathlib.Path.unlink", full)
    bounded(cache, most=10)
    assert names(cache) == {"old", "new"}


def test_compilations_are_kept_bounded(cache, monkeypatch):
    monkeypatch.setattr(caching, "bounded", lambda folder: bounded(folder, most=20))
    of_use(cache / "openvino", one=1, two=2)
    try_to_cache("openvino/three", bytes(10))
    assert names(cache / "openvino") == {"two", "three"}
