"""The crop store: each photo once, whatever is killed, changed, full or opened twice."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generated_celeba import write_celeba
from generated_faces import draw_face
from visavis.data import crop_files, crop_store
from visavis.data.crop_store import open_store
from visavis.data.cropping import BATCH
from visavis.data.faceset import FaceSet
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.photos.detect import Detector
from visavis.photos.input_spec import InputSpec
from visavis.photos.photo import Photo

WHOLE = InputSpec(width=8, height=6, colour="rgb", template="whole")
ARCFACE = InputSpec(width=64, height=64, colour="rgb", template="arcface")

WORKER = """
    import os, sys, time
    from pathlib import Path
    from visavis.data import crop_store
    from visavis.data.folder import read_folder
    from visavis.photos.input_spec import InputSpec
    from visavis.photos.photo import Photo

    people, folder, log, pause = sys.argv[1:]
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    open_photo = Photo.open

    def logged(path):
        os.write(opened, f"{Path(path).name}\\n".encode())
        time.sleep(float(pause))
        return open_photo(path)

    Photo.open = logged
    spec = InputSpec(width=8, height=6, colour="rgb", template="whole")
    crop_store.open_store(read_folder(Path(people)), spec, Path(folder), threads=1)
"""


@pytest.fixture
def people(tmp_path: Path) -> FaceSet:
    return write_noise(tmp_path / "people", 40)


def write_noise(folder: Path, count: int) -> FaceSet:
    folder.mkdir()
    rng = np.random.default_rng(2)
    for i in range(count):
        pixels = rng.integers(0, 256, (18, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p_{i:04d}.png")
    return open_source(f"folder:{folder}").faces


def expected(faces: FaceSet, spec: InputSpec = WHOLE) -> np.ndarray:
    return np.stack([
        np.asarray(Photo.open(path).pixels).reshape(6, 3, 8, 3, 3).mean(axis=(1, 3))
        for path in faces.photos
    ])  # fmt: skip


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """How often each photo was decoded, by its name."""
    counts: Counter = Counter()
    open_photo = Photo.open

    def counted(path):
        counts[Path(path).name] += 1
        return open_photo(path)

    monkeypatch.setattr(Photo, "open", counted)
    return counts


def no_detector() -> Detector:
    raise AssertionError("no detector is needed")


def worker(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(WORKER), *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_crops_are_kept_and_read_by_row(people, tmp_path, decoded):
    told = []
    store = open_store(people, WHOLE, tmp_path / "run", detector=no_detector,
                       progress=lambda *step: told.append(step))  # fmt: skip
    assert set(decoded.values()) == {1}
    assert store.crops.shape == (len(store), 6, 8, 3) == (40, 6, 8, 3)
    assert np.abs(store.crops - expected(people)).max() <= 1
    rows = np.array([7, 3, 3, 39])
    batch = store.read(rows)
    assert type(batch) is np.ndarray
    assert (batch == store.crops[rows]).all()
    batch[:] = 0  # the caller's own
    assert store.crops[7].any()
    assert store.found.all()
    assert not store.missed
    assert not store.unreadable
    assert told == [(crop_store.STAGE, done, 40) for done in (16, 32, 40)]


def test_opening_again_decodes_nothing(people, tmp_path, decoded):
    first = open_store(people, WHOLE, tmp_path / "run")
    decoded.clear()
    again = open_store(people, WHOLE, tmp_path / "run", detector=no_detector)
    assert not decoded
    assert (again.crops == first.crops).all()
    assert {path.parent for path in (tmp_path / "run").rglob("*") if path.is_file()} == {
        again.folder
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda faces, spec: (faces, spec.model_copy(update={"width": 12})),
        lambda faces, spec: (faces, spec.model_copy(update={"colour": "grey"})),
        lambda faces, spec: (replace(faces, choose="central"), spec),
        lambda faces, spec: (faces.select(np.arange(39, -1, -1)), spec),
        lambda faces, spec: (replace(faces, boxes=np.ones((40, 4), np.float32)), spec),
    ],
)
def test_all_that_shapes_it_names_it(people, tmp_path, change):
    one = open_store(people, WHOLE, tmp_path / "run")
    other = open_store(*change(people, WHOLE), tmp_path / "run")
    assert one.folder != other.folder
    assert np.abs(one.crops - expected(people)).max() <= 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not known there")
def test_a_killed_run_goes_on_where_it_was(tmp_path, decoded):
    people = write_noise(tmp_path / "people", 300)
    run, log = tmp_path / "run", tmp_path / "log"
    killed = worker(tmp_path / "people", run, log, 0.004)
    deadline = time.monotonic() + 60
    while len(lines(log)) < 130 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    before = Counter(lines(log))
    assert 130 <= len(before) < 300
    store = open_store(people, WHOLE, run, threads=1)
    assert set(before) | set(decoded) == {path.name for path in people.photos}
    twice = [name for name in before if name in decoded]
    # The batch being made, one waiting, and one being written.
    assert len(twice) <= 3 * BATCH
    assert sorted(twice) == sorted(before)[len(before) - len(twice) :]
    assert max(decoded.values()) == 1
    assert np.abs(store.crops - expected(people)).max() <= 1


@pytest.mark.slow
def test_of_two_processes_one_waits_and_no_photo_is_decoded_twice(tmp_path):
    people = write_noise(tmp_path / "people", 120)
    log = tmp_path / "log"
    both = [worker(tmp_path / "people", tmp_path / "run", log, 0.003) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert Counter(lines(log)) == Counter(path.name for path in people.photos)
    store = open_store(people, WHOLE, tmp_path / "run")
    assert np.abs(store.crops - expected(people)).max() <= 1


def test_a_changed_photo_is_cropped_again_and_no_other(people, tmp_path, decoded):
    open_store(people, WHOLE, tmp_path / "run")
    decoded.clear()
    Image.new("RGB", (24, 18), (200, 100, 50)).save(people.photos[5])
    store = open_store(people, WHOLE, tmp_path / "run")
    assert decoded == {people.photos[5].name: 1}
    assert (store.crops[5] == (200, 100, 50)).all()
    assert np.abs(store.crops - expected(people)).max() <= 1


def test_photos_that_cannot_be_read_are_listed_and_the_rest_goes_on(people, tmp_path, decoded):
    people.photos[3].write_text("no image")
    content = people.photos[20].read_bytes()
    people.photos[20].unlink()
    for _ in range(2):  # as made, and as opened again
        store = open_store(people, WHOLE, tmp_path / "run")
        assert np.flatnonzero(~store.found).tolist() == [3, 20]
        assert not store.crops[[3, 20]].any()
        assert [path for path, _ in store.unreadable] == [people.photos[3], people.photos[20]]
        assert "not an image" in store.unreadable[0][1]
        assert "does not exist" in store.unreadable[1][1]
        assert set(decoded.values()) == {1}
    people.photos[20].write_bytes(content)
    store = open_store(people, WHOLE, tmp_path / "run")
    assert [path for path, _ in store.unreadable] == [people.photos[3]]
    assert store.crops[20].any()
    assert sum(decoded.values()) == 41


def test_a_full_disk_is_one_sentence_and_what_was_done_is_kept(
    people, tmp_path, decoded, monkeypatch
):
    write, left = os.write, [20 * 6 * 8 * 3]

    def short(handle, content):
        if left[0] < len(content):
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= len(content)
        return write(handle, content)

    monkeypatch.setattr(crop_files.os, "write", short)
    with pytest.raises(DataError, match=r"the disk is full; free some space") as caught:
        open_store(people, WHOLE, tmp_path / "run", threads=1)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(crop_files.os, "write", write)
    decoded.clear()
    store = open_store(people, WHOLE, tmp_path / "run")
    assert sorted(decoded) == [path.name for path in people.photos[16:]]
    assert np.abs(store.crops - expected(people)).max() <= 1


def test_a_crop_is_on_the_disk_before_its_row_says_so(people, tmp_path, monkeypatch):
    order = []
    write_all, fsync = crop_files._write_all, os.fsync
    monkeypatch.setattr(
        crop_files, "_write_all", lambda h, c: (order.append(len(c)), write_all(h, c))
    )
    monkeypatch.setattr(crop_files.os, "fsync", lambda h: (order.append("flushed"), fsync(h)))
    open_store(people, WHOLE, tmp_path / "run")
    crop, record = 6 * 8 * 3, 9
    for batch in (16, 16, 8):
        assert order[: 2 * batch + 1] == [crop] * batch + ["flushed"] + [record] * batch
        del order[: 2 * batch + 1]
    assert not order


@pytest.mark.parametrize("name", ["crops.u8", "rows.bin"])
def test_a_file_that_was_cut_short_is_made_again(people, tmp_path, name):
    store = open_store(people, WHOLE, tmp_path / "run")
    with (store.folder / name).open("r+b") as file:
        file.truncate(100)
    again = open_store(people, WHOLE, tmp_path / "run")
    assert again.found.all()
    assert np.abs(again.crops - expected(people)).max() <= 1


def test_a_place_where_nothing_can_be_written(people, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be kept in .*file.*name another folder"):
        open_store(people, WHOLE, tmp_path / "file")


def test_no_photos_at_all(people, tmp_path):
    with pytest.raises(DataError, match="no photo to crop"):
        open_store(people.select(np.zeros(40, dtype=np.bool_)), WHOLE, tmp_path)


def test_faces_are_aligned_as_a_model_would_and_a_photo_without_one_is_missed(tmp_path):
    (tmp_path / "a").mkdir()
    draw_face(1, 0, 200).save(tmp_path / "a" / "0.jpg")
    Image.new("RGB", (80, 80), "grey").save(tmp_path / "a" / "1.jpg")
    draw_face(1, 1, 200).save(tmp_path / "a" / "2.jpg")
    faces = open_source(f"folder:{tmp_path}").faces
    store = open_store(faces, ARCFACE, tmp_path / "run")
    assert store.found.tolist() == [True, False, True]
    assert store.missed == [faces.photos[1]]
    assert not store.crops[1].any()
    detector = Detector()
    for row in (0, 2):
        face = detector.detect(Photo.open(faces.photos[row]))[0]
        assert (store.crops[row] == face.crop("arcface", 64, 64)).all()


def test_celebas_boxes_are_cut_without_a_detector(tmp_path):
    faces = open_source(f"celeba:{write_celeba(tmp_path / 'c', 5, 2, wild=True)}").faces
    spec = InputSpec(width=91, height=91, colour="grey", template="box")
    store = open_store(faces, spec, tmp_path / "run", detector=no_detector)
    assert store.found.all()
    assert store.crops.shape == (10, 91, 91, 1)
    pixels = Photo.open(faces.photos[0]).pixels
    left, top, width, height = faces.boxes[0].astype(int)
    side = 1.3 * max(width, height)
    x, y = round(left + width / 2 - side / 2), round(top + height / 2 - side / 2)
    inside = pixels[max(y, 0) : y + round(side), max(x, 0) : x + round(side)]
    seen = store.crops[0][store.crops[0] > 0]
    assert abs(float(seen.mean()) - float((inside @ [0.299, 0.587, 0.114]).mean())) < 4


def test_without_a_box_the_detectors_is_cut(tmp_path):
    faces = open_source(f"celeba:{write_celeba(tmp_path / 'c', 5, 1, wild=True)}").faces
    boxes = faces.boxes.copy()
    boxes[2] = np.nan
    spec = InputSpec(width=64, height=64, colour="rgb", template="box")
    store = open_store(replace(faces, boxes=boxes), spec, tmp_path / "run")
    found = Detector().detect(Photo.open(faces.photos[2]))[0]
    assert (store.crops[2] == found.crop("box", 64, 64)).all()


def test_where_several_faces_are_the_box_says_which_is_meant(tmp_path):
    scene = Image.new("RGB", (420, 260), (90, 120, 90))
    scene.paste(draw_face(1, 0, 240), (0, 10))
    scene.paste(draw_face(2, 0, 130), (270, 60))
    (tmp_path / "a").mkdir()
    scene.save(tmp_path / "a" / "0.png")
    faces = open_source(f"folder:{tmp_path}").faces
    found = sorted(Detector().detect(Photo.open(faces.photos[0])), key=lambda face: face.box[0])
    assert len(found) == 2
    for box, face in (
        ([np.nan] * 4, found[0]),  # the largest
        ([260, 50, 150, 150], found[1]),
        ([0, 0, 250, 250], found[0]),
        ([250, 0, 4, 4], None),
    ):
        boxes = np.array([box], dtype=np.float32)
        store = open_store(replace(faces, boxes=boxes), ARCFACE, tmp_path / "run")
        if face is None:
            assert store.missed == list(faces.photos)
        else:
            assert (store.crops[0] == face.crop("arcface", 64, 64)).all()
