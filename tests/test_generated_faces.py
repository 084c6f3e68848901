import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from generated_faces import draw_face, write_lfw, write_people
from generated_people import portrait
from visavis.models.embed import embed_photos
from visavis.models.model import Model
from visavis.photos.photo import Photo

SAMPLES = Path(__file__).parent.parent / "samples"


def test_a_photo_is_the_same_at_every_call():
    first = np.asarray(draw_face(3, 1))
    portrait.cache_clear()
    np.testing.assert_array_equal(first, np.asarray(draw_face(3, 1)))
    assert first.shape == (250, 250, 3)
    assert first.dtype == np.uint8


def test_people_and_photos_differ():
    photo = np.asarray(draw_face(3, 1), dtype=float)
    for other in (draw_face(3, 2), draw_face(4, 1)):
        assert np.abs(photo - np.asarray(other)).mean() > 10


def test_a_photo_has_the_size_asked_for():
    assert draw_face(0, 0, size=96).size == (96, 96)


def test_a_folder_of_people(tmp_path):
    folder = write_people(tmp_path / "people", people=2, photos=3, size=64)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg")) == [
        f"Drawn_Person_00{person}/Drawn_Person_00{person}_000{photo}.jpg"
        for person in (0, 1)
        for photo in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def lfw(tmp_path_factory):
    return write_lfw(tmp_path_factory.mktemp("lfw"), people=23, photos=3, size=48)


def rows(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def photos_on_disk(lfw):
    return Counter(path.parent.name for path in (lfw / "lfw-deepfunneled").rglob("*.jpg"))


def check_pairs(lfw, pairs, each, names):
    """The first ``each`` pairs are genuine, the rest impostor, all of them photos of ``names``."""
    shots = [((r[0], r[1]), (r[-2] if len(r) == 4 else r[0], r[-1])) for r in pairs]
    assert [a[0] == b[0] for a, b in shots] == [True] * each + [False] * each
    assert len({frozenset(pair) for pair in shots}) == 2 * each, "a pair twice, or of one photo"
    for name, number in (shot for pair in shots for shot in pair):
        assert name in names
        assert (lfw / "lfw-deepfunneled" / name / f"{name}_{int(number):04d}.jpg").is_file()


def test_view_1_lists_agree_with_the_photos(lfw):
    everybody = {}
    for half in ("Train", "Test"):
        (count,), *people = rows(lfw / f"peopleDev{half}.txt")
        assert int(count) == len(people)
        names = {name: int(photos) for name, photos in people}
        assert not names.keys() & everybody.keys(), "devTrain and devTest share people"
        everybody |= names
        (each,), *pairs = rows(lfw / f"pairsDev{half}.txt")
        assert int(each) >= 8
        check_pairs(lfw, pairs, int(each), names)
    assert everybody == photos_on_disk(lfw)
    assert set(everybody.values()) == {1, 3}


def test_view_2_lists_agree_with_the_photos(lfw):
    (folds,), *lines = rows(lfw / "people.txt")
    (pair_folds, each), *pairs = rows(lfw / "pairs.txt")
    assert folds == pair_folds == "10"
    assert len(pairs) == 10 * 2 * int(each)
    everybody = {}
    for fold in range(10):
        (count,), lines = lines[0], lines[1:]
        names = {name: int(photos) for name, photos in lines[: int(count)]}
        lines = lines[int(count) :]
        assert not names.keys() & everybody.keys(), "two folds share people"
        everybody |= names
        start = fold * 2 * int(each)
        check_pairs(lfw, pairs[start : start + 2 * int(each)], int(each), names)
    assert not lines
    assert everybody == photos_on_disk(lfw)


def test_view_1_pair_lists_without_count_lines(lfw, tmp_path):
    bare = write_lfw(tmp_path, people=23, photos=3, size=48, counted=False)
    for half in ("Train", "Test"):
        assert rows(bare / f"pairsDev{half}.txt") == rows(lfw / f"pairsDev{half}.txt")[1:]


@pytest.mark.slow
def test_networks_take_generated_faces_for_faces_of_different_people():
    who = np.repeat(np.arange(24), 4)
    photos = [Photo.open(draw_face(person, i % 4)) for i, person in enumerate(int(p) for p in who)]
    embedded = list(embed_photos(Model.load("sface"), photos))
    assert [photo.found for photo in embedded] == [1] * len(photos)
    assert min(photo.faces[0].score for photo in embedded) > 0.8
    embeddings = np.concatenate([photo.embeddings for photo in embedded])
    first, second = np.triu_indices(len(who), 1)
    similarity = (embeddings @ embeddings.T)[first, second]
    genuine = who[first] == who[second]
    assert roc_auc_score(genuine, similarity) > 0.99
    assert np.median(similarity[genuine]) > 0.8
    assert np.quantile(similarity[~genuine], 0.9) < 0.5


def test_sample_portraits_are_paired_credited_small_and_without_metadata():
    photos = sorted(SAMPLES.glob("*.jpg"))
    credited = (SAMPLES / "CREDITS.md").read_text(encoding="utf-8")
    for path in photos:
        assert f"`{path.name}`" in credited
        assert path.stat().st_size < 300_000
        with Image.open(path) as image:
            assert not image.getexif()
            assert not {"icc_profile", "xmp", "photoshop"} & image.info.keys()
    with (SAMPLES / "pairs.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    names = {path.name for path in photos}
    assert len(table) == len(names) * (len(names) - 1) // 2
    for row in table:
        assert {row["first"], row["second"]} < names
        same = row["first"].split("_")[0] == row["second"].split("_")[0]
        assert row["same"] == str(int(same))
