"""The photo walk for many: in order, bounded, and no bad photo stops it."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import CrowdError, NoFaceError, PhotoError
from visavis.models import embed
from visavis.models.embed import embed_photos
from visavis.models.encoder import BATCH
from visavis.photos.face import Face
from visavis.photos.photo import Photo

BLANK = np.zeros((64, 64, 3), np.uint8)
LANDMARKS = np.float32([[20, 20], [40, 20], [30, 30], [22, 40], [38, 40]])


@pytest.fixture
def fake(model, monkeypatch):
    """A walk whose detection is free; counts the photos that are alive at once."""
    alive: weakref.WeakSet = weakref.WeakSet()
    lock = threading.Lock()
    most = [0, 0]

    class Pixels(np.ndarray):
        """An array that can be watched."""

    def find(_: object, source: int, __: str) -> tuple[list[Face], int]:
        pixels = np.full((64, 64, 3), source, np.uint8).view(Pixels)
        with lock:
            alive.add(_Watched(pixels))
            most[1] += 1
            most[0] = max(most[0], len(alive))
        return [Face(Photo(pixels, str(source)), (0, 0, 64, 64), LANDMARKS, 0.9)], 1

    class _Watched:
        """Lives as long as the pixels do."""

        def __init__(self, pixels: Pixels) -> None:
            pixels.watch = self

    monkeypatch.setattr(embed, "find_faces", find)
    return most


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_order_and_errors(model, samples, threads):
    names = ["obama_2009", "collins", "biden_2010", "obama_2012"]
    paths = [samples / f"{name}.jpg" for name in names] * 6
    bad = {3: Path("missing.jpg"), 11: BLANK, 12: b"", 23: samples / "pairs.csv"}
    sources = [bad.get(number, path) for number, path in enumerate(paths)]
    found = list(embed_photos(model, sources, threads=threads))
    assert [photo.source for photo in found] == sources
    expected = {path: model.encode(model.detector.detect(Photo.open(path))) for path in paths[:4]}
    for number, photo in enumerate(found):
        if number in bad:
            assert isinstance(photo.error, NoFaceError if number == 11 else PhotoError)
            assert photo.faces == []
            assert photo.embeddings.shape == (0, 128)
        else:
            assert photo.error is None
            assert photo.faces[0].photo.origin == str(paths[number])
            assert float(photo.embeddings[0] @ expected[paths[number]][0]) > 0.999


def test_every_face_and_which_is_chosen(model, samples):
    two = np.concatenate(
        [Photo.open(samples / f"obama_{year}.jpg").pixels[:900, :500] for year in (2010, 2012)],
        axis=1,
    )
    portrait = samples / "collins.jpg"
    sources = [two, portrait, BLANK, two]
    everything = list(embed_photos(model, sources, "all"))
    assert [len(photo.faces) for photo in everything] == [2, 1, 0, 2]
    assert [photo.found for photo in everything] == [2, 1, 0, 2]
    assert [photo.embeddings.shape for photo in everything] == [
        (count, 128) for count in (2, 1, 0, 2)
    ]
    one = list(embed_photos(model, sources, "one"))
    assert isinstance(one[0].error, CrowdError)
    assert one[1].error is None
    largest = list(embed_photos(model, sources, "largest"))
    areas = [face.box[2] * face.box[3] for face in everything[0].faces]
    assert largest[0].faces[0].box == everything[0].faces[int(np.argmax(areas))].box
    assert largest[0].found == 2


def test_no_photos(model):
    assert list(embed_photos(model, [])) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_is_bounded(model, fake, threads):
    """However many photos there are, a few batches are alive, not all."""
    photos = range(120)
    for number, photo in enumerate(embed_photos(model, photos, threads=threads)):
        assert photo.source == number
        del photo
    gc.collect()
    assert fake[1] == 120
    assert fake[0] <= (2 * threads + 2) * BATCH


@pytest.mark.parametrize("threads", [1, 2])
def test_closed_early(model, fake, threads):
    walk = embed_photos(model, range(2000), threads=threads)
    assert next(walk).source == 0
    walk.close()
    assert fake[1] <= (2 * threads + 2) * BATCH
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embed")]


def test_closing_cancels_what_has_not_begun(model, monkeypatch):
    """Five batches are in flight; beyond the first two each thread holds one, none the fifth."""
    begun, gate = [], threading.Event()

    def find(_: object, source: int, __: str) -> tuple[list[Face], int]:
        begun.append(source)
        if source >= 2 * BATCH:
            gate.wait(10)
        return [], 0

    monkeypatch.setattr(embed, "find_faces", find)
    walk = embed_photos(model, range(2000), threads=2)
    assert next(walk).source == 0
    release = threading.Timer(0.2, gate.set)
    release.start()
    walk.close()
    release.join()
    assert max(begun) < 4 * BATCH


def test_a_programming_error_is_not_carried_as_a_bad_photo(model, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(embed, "find_faces", broken)
    with pytest.raises(ZeroDivisionError):
        list(embed_photos(model, [1, 2, 3], threads=2))
