"""The real LFW and AT&T, where somebody has them."""

import os
from pathlib import Path

import pytest

from visavis.data.info import describe
from visavis.data.prepare import prepare
from visavis.data.source import open_source

FOLDER = Path(os.environ.get("VISAVIS_DATA") or Path(__file__).parents[2] / "shared" / "data")


def needs(name):
    there = (FOLDER / name).is_file()
    return pytest.mark.skipif(not there, reason=f"no {name}: set VISAVIS_DATA to its folder")


@needs("att_faces.zip")
def test_att(tmp_path):
    prepare("att", tmp_path, FOLDER / "att_faces.zip")
    info = describe(open_source(str(tmp_path)))
    assert info.sizes == {"92 x 112": 400}
    assert info.people_by_photos == {10: 40}
    assert info.unreadable == info.duplicates == ()


@pytest.fixture(scope="module")
def lfw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lfw")
    prepare("lfw", folder, FOLDER / "lfw-deepfunneled.tgz")
    return folder


@pytest.mark.slow
@needs("lfw-deepfunneled.tgz")
def test_lfw_view_1(lfw):
    source = open_source(f"lfw:{lfw}", view=1)
    assert (len(source.faces), len(source.faces.names)) == (13_233, 5_749)
    assert (len(source.fitting.faces), len(source.fitting.faces.names)) == (9_525, 4_038)
    assert (len(source.pairs.faces), len(source.pairs.faces.names)) == (3_708, 1_711)
    assert (len(source.fitting), source.fitting.same.sum()) == (2_200, 1_100)
    assert (len(source.pairs), source.pairs.same.sum()) == (1_000, 500)
    info = describe(source)
    assert info.sizes == {"250 x 250": 1000}
    assert info.photos_per_person == {"min": 1, "median": 1.0, "max": 530}


@pytest.mark.slow
@needs("lfw-deepfunneled.tgz")
def test_lfw_view_2(lfw):
    source = open_source(str(lfw), view=2)
    assert len(source.faces) == 13_233
    assert len(source.pairs) == 6_000
    for fold in range(10):
        assert source.pairs.same[source.pairs.fold == fold].tolist() == [True] * 300 + [False] * 300


@pytest.mark.slow
@needs("lfw-deepfunneled.tgz")
def test_lfw_without_lists_of_people(lfw, tmp_path):
    (tmp_path / "lfw").symlink_to(lfw / "lfw-deepfunneled")
    for name in ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt"):
        (tmp_path / name).symlink_to(lfw / name)
    for view, n_pairs in ((1, 1_000), (2, 6_000)):
        source = open_source(str(tmp_path), view=view)
        assert len(source.pairs) == n_pairs
        assert "named in its pairs" in source.protocol
        assert len(source.faces) < 13_233
