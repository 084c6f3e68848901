"""What ``Gallery.check`` finds: one planted case of each kind, and none where nothing is wrong."""

from __future__ import annotations

import shutil
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from generated_gallery import PlantedModel, embedding_of, planted_face, planted_scores
from visavis.errors import DataError, UnsupportedRateError
from visavis.matching.gallery import likeness as likenesses
from visavis.matching.gallery.findings import KINDS, command
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.health_page import health_page
from visavis.matching.gallery.likeness import compare_all
from visavis.photos.photo import Photo

PEOPLE = 9


def rows(*faces):
    return [planted_face(person, number) for person, number in faces]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """Nine people with three photos each; nothing is wrong with them."""
    path = tmp_path_factory.mktemp("healthy") / "people.db"
    with Gallery(path, PlantedModel()) as made:
        for person in range(PEOPLE):
            made.enrol(f"P{person}", rows((person, 0), (person, 1), (person, 2)))
    return path


@pytest.fixture
def gallery(healthy, tmp_path):
    shutil.copy(healthy, tmp_path / "people.db")
    with Gallery(tmp_path / "people.db", PlantedModel()) as copied:
        yield copied


def named(finding):
    return [(photo.person, photo.file) for photo in finding.photos]


def other_pixels(face, seed=0):
    """Another photo with the same face: its embedding is equal, its pixels are not."""
    pixels = np.random.default_rng([9, seed]).integers(
        0, 255, face.photo.pixels.shape, dtype=np.uint8
    )
    return replace(face, photo=Photo(pixels, face.photo.origin))


class TestOfPhotos:
    def test_where_nothing_is_wrong(self, gallery):
        health = gallery.check()
        assert health.whole
        assert health.findings == []
        assert (health.people, health.photos) == (PEOPLE, 3 * PEOPLE)
        assert health.threshold.photos == 3 * PEOPLE
        assert health.not_compared is None

    def test_somebody_elses(self, gallery):
        gallery.enrol("P0", rows((1, 9)))
        (finding,) = gallery.check().findings
        assert finding.kind == "mislabelled"
        photo, like = finding.photos
        assert (photo.person, photo.file, like.person) == ("P0", "1-9.jpg", "P1")
        assert finding.similarity > gallery.check().threshold.value
        assert "1-9.jpg is enrolled for P0, but looks like P1" in finding.why
        assert finding.mend == (
            f"visavis people not P0 sha256:{photo.sha256[:12]}", "visavis enrol P1 1-9.jpg",
        )  # fmt: skip
        assert gallery.reject("P0", photo.named)
        assert gallery.check().findings == []

    def test_somebody_elses_of_two_photos(self, gallery):
        gallery.enrol("Two", rows((50, 0), (1, 9)))
        (finding,) = gallery.check().findings
        assert (finding.kind, finding.photos[0].file) == ("mislabelled", "1-9.jpg")

    def test_that_it_is_right_can_be_recorded(self, gallery):
        gallery.enrol("P0", rows((1, 9)))
        (finding,) = gallery.check().findings
        assert finding.otherwise == (f"visavis people not P1 {finding.photos[0].named}",)
        assert not gallery.reject("P1", finding.photos[0].named)
        assert gallery.check().findings == []

    def test_a_strangers(self, gallery):
        gallery.enrol("P2", rows((77, 0)))
        (finding,) = gallery.check().findings
        assert finding.kind == "unlike"
        photo, nearest = named(finding)
        assert photo == ("P2", "77-0.jpg")
        own = {f"2-{i}.jpg": float(embedding_of("77-0.jpg") @ embedding_of(f"2-{i}.jpg"))
               for i in range(3)}  # fmt: skip
        assert nearest == ("P2", max(own, key=own.get))
        assert finding.similarity == pytest.approx(max(own.values()), abs=1e-5)
        bound = planted_scores().threshold(1e-2).value
        assert finding.similarity < bound
        assert f"1 in 100 pairs of different people reaches {bound:.3f}" in finding.why

    def test_of_two_unlike_photos_neither_is_accused(self, gallery):
        gallery.enrol("Two", rows((60, 0), (61, 0)))
        assert gallery.check().findings == []

    def test_one_person_under_two_names(self, gallery):
        gallery.enrol("Third", rows((3, 7), (3, 8)))
        (finding,) = gallery.check().findings
        assert finding.kind == "alike"
        assert [photo.person for photo in finding.photos] == ["Third", "P3"]
        assert finding.mend == ("visavis people merge Third P3",)
        gallery.reject("P3", finding.photos[0].named)
        again = gallery.check().of("alike")
        assert [found.photos[0].file for found in again] != [finding.photos[0].file]
        for found in again:
            gallery.reject("P3", found.photos[0].named)
        assert gallery.check().findings == []  # both photos are known not to show P3

    def test_where_all_photos_are_somebody_elses_it_is_the_two_who_are_alike(self, gallery):
        far = [replace(face, photo=replace(face.photo, origin="4-5.jpg"))
               for face in rows((4, 5), (4, 6))]  # fmt: skip
        gallery.enrol("Fourth", far)
        kinds = [finding.kind for finding in gallery.check().findings]
        assert kinds == ["alike", "duplicate"]

    def test_twice(self, gallery):
        gallery.enrol("P5", [other_pixels(planted_face(5, 1))])
        (finding,) = gallery.check().findings
        assert finding.kind == "duplicate"
        assert finding.similarity == pytest.approx(1)
        copy, kept = finding.photos
        assert copy.number > kept.number  # the older stays
        assert finding.mend == (f"visavis people drop P5 {copy.named}",)
        assert gallery.drop("P5", copy.named).photos == 3
        assert gallery.check().findings == []

    def test_of_many_copies_one_stays(self, gallery):
        gallery.enrol("P5", [other_pixels(planted_face(5, 1), seed) for seed in range(4)])
        found = gallery.check().findings
        assert [finding.kind for finding in found] == ["duplicate"] * 4
        for finding in found:
            gallery.drop("P5", finding.photos[0].named)
        assert gallery.show("P5")[0].photos == 3

    def test_the_larger_copy_stays(self, gallery):
        larger = planted_face(6, 1)
        gallery.enrol("P6", [replace(other_pixels(larger), landmarks=larger.landmarks * 1.1)])
        (finding,) = gallery.check().findings
        assert finding.photos[0].number < finding.photos[1].number

    def test_weak(self, gallery):
        small = planted_face(7, 8, landmarks=planted_face(7).landmarks / 10)
        gallery.enrol("P7", [small], force=True)
        (finding,) = gallery.check().findings
        assert (finding.kind, named(finding)) == ("weak", [("P7", "7-8.jpg")])
        assert "small (4 pixels between the eyes)" in finding.why
        assert finding.mend[0] == "visavis enrol P7 BETTER-PHOTO"

    def test_one_photo(self, gallery):
        gallery.enrol("It's me", rows((80, 0)))
        (finding,) = gallery.check().findings
        assert (finding.kind, named(finding)) == ("single", [("It's me", "80-0.jpg")])
        assert finding.mend == (command("enrol", "It's me", "PHOTOS"),)

    def test_people_whose_time_is_over_are_not_looked_at(self, gallery):
        gallery.enrol("Past", rows((3, 7)), expires=datetime(2020, 1, 1, tzinfo=UTC))
        health = gallery.check()
        assert (health.findings, health.people) == ([], PEOPLE)

    def test_the_worst_first_and_as_json(self, gallery):
        gallery.enrol("Single", rows((80, 0)))
        gallery.enrol("P0", rows((1, 9)))
        plain = gallery.check().as_dict()
        assert [finding["kind"] for finding in plain["findings"]] == ["mislabelled", "single"]
        assert plain["findings"][0]["photos"][0]["file"] == "1-9.jpg"
        assert plain["threshold"] == gallery.check().threshold.value

    def test_a_model_without_figures_compares_nothing(self, tmp_path):
        bare = PlantedModel(scores=None, calibration=None)
        with Gallery(tmp_path / "bare.db", bare) as made:
            made.enrol("P0", rows((0, 0), (1, 9)))
            made.enrol("P1", rows((1, 0)))
            health = made.check()
        assert [finding.kind for finding in health.findings] == ["single"]
        assert "visavis calibrate" in health.not_compared

    def test_no_rate(self, gallery):
        with pytest.raises(UnsupportedRateError, match="between 0 and 1"):
            gallery.check(fpir=2)

    def test_nobody(self, tmp_path):
        with Gallery(tmp_path / "empty.db", PlantedModel()) as made:
            assert made.check().findings == []


class TestMending:
    def test_no_such_photo(self, gallery):
        for change in (gallery.reject, gallery.drop):
            with pytest.raises(DataError, match="sha256:00000000 is no photo of"):
                change("P0", "sha256:00000000")

    def test_another_persons(self, gallery):
        theirs = gallery.show("P1")[1][0].photo.hex()
        with pytest.raises(DataError, match="is not enrolled for P0"):
            gallery.drop("P0", f"sha256:{theirs}")

    def test_the_only_photo_stays(self, gallery):
        gallery.enrol("Single", rows((80, 0)))
        with pytest.raises(DataError, match="the only photo of Single: enrol another one first"):
            gallery.drop("Single", planted_face(80, 0))
        assert gallery.show("Single")[0].photos == 1

    def test_by_the_photo_itself(self, gallery):
        assert gallery.drop("P0", planted_face(0, 1)).photos == 2
        assert [face.file for face in gallery.show("P0")[1]] == ["0-0.jpg", "0-2.jpg"]
        assert gallery.identify(planted_face(0, 1)).name == "P0"  # no wrong answer is recorded


def compared_one_by_one(model, owners, vectors, nearly_equal, threshold):
    own, other, where = (np.full(len(owners), fill) for fill in (-np.inf, -np.inf, 0))
    doubles, alike = set(), set()
    for i in range(len(owners)):
        for j in range(len(owners)):
            if i == j:
                continue
            s = np.float32(model.similarity(vectors[[i]], vectors[[j]])[0])
            if owners[i] == owners[j]:
                own[i] = max(own[i], s)
                if s >= nearly_equal:
                    doubles.add((min(i, j), max(i, j)))
                continue
            if s > other[i]:
                other[i], where[i] = s, j
            if s >= threshold:
                alike.add(tuple(sorted((owners[i], owners[j]))))
    return own, other, where, doubles, alike


class TestLikeness:
    @pytest.mark.parametrize("distance", ["cosine", "euclidean", "head"])
    def test_against_one_by_one(self, distance, monkeypatch):
        monkeypatch.setattr(likenesses, "BLOCK", 70)  # several blocks, the last one short
        rng = np.random.default_rng(1)
        owners = np.sort(rng.integers(0, 6, 23))
        vectors = rng.standard_normal((23, 8)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        model = PlantedModel(distance)
        every = model.similarity_matrix(vectors, vectors)
        high, low = np.quantile(every, [0.9, 0.8]).astype(float)
        got = compare_all(model, owners, vectors, nearly_equal=high, threshold=low)
        own, other, where, doubles, alike = compared_one_by_one(model, owners, vectors, high, low)
        np.testing.assert_allclose(got.own, own, rtol=1e-4)
        np.testing.assert_allclose(got.other, other, rtol=1e-4)
        np.testing.assert_array_equal(got.other_row, where)
        assert set(map(tuple, got.doubles.tolist())) == doubles
        assert set(map(tuple, got.alike.tolist())) == alike
        assert doubles
        assert alike

    def test_a_head_compares_the_nearest_and_the_persons_own(self, monkeypatch):
        monkeypatch.setattr(likenesses, "RESCORED", 3)
        rng = np.random.default_rng(2)
        vectors = rng.standard_normal((30, 8)).astype(np.float32)
        owners = np.repeat(np.arange(10), 3)
        model = PlantedModel("head")
        compared = []
        monkeypatch.setattr(
            model, "similarity", lambda a, b: compared.append(len(a)) or -np.abs(a - b).sum(axis=1)
        )
        got = compare_all(model, owners, vectors, nearly_equal=9, threshold=9)
        assert compared == [6] * 30  # three of their own, itself among them, and three more
        assert np.isfinite(got.own).all()
        assert np.isfinite(got.other).all()

    def test_memory_does_not_grow_with_the_pairs(self):
        rng = np.random.default_rng(3)
        vectors = rng.standard_normal((6000, 16)).astype(np.float32)
        owners = np.repeat(np.arange(3000), 2)
        tracemalloc.start()
        compare_all(PlantedModel(), owners, vectors, nearly_equal=99.0, threshold=99.0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 100e6  # all pairs at once would take 144 MB, and their masks as much again


class TestPage:
    def test_each_finding_with_its_pictures(self, gallery):
        gallery.enrol("P0", rows((1, 9)), keep_crops=True)
        gallery.enrol("P1", rows((1, 10)), keep_crops=True)
        gallery.enrol("<b>Single</b>", rows((80, 0)))
        page = health_page(gallery.check(), gallery.faces_of)
        (finding,) = gallery.check().of("mislabelled")
        pictures = sum(photo.crop for photo in finding.photos)
        assert pictures
        assert page.count("data:image/jpeg;base64,") == pictures
        assert "below without a picture" in page
        assert "<b>Single" not in page
        assert "&lt;b&gt;Single" in page
        assert "http" not in page.replace("http-equiv", "")
        assert str(gallery.name).rpartition("/")[0] not in page.replace(gallery.name, "")

    def test_without_crops_it_says_why(self, tmp_path):
        with Gallery(tmp_path / "plain.db", PlantedModel()) as made:
            made.enrol("Single", rows((80, 0)))
            page = health_page(made.check(), made.faces_of)
        assert "There are no pictures" in page
        assert "--keep-crops" in page
        assert "80-0.jpg" in page

    def test_where_nothing_is_wrong(self, gallery):
        page = health_page(gallery.check(), gallery.faces_of)
        assert "9 people with 27 photos: nothing to mend" in page
        assert "picture" not in page.partition("<main>")[2].partition("<footer>")[0]

    def test_kinds_have_titles(self):
        from visavis.matching.gallery.health_page import MEANINGS, TITLES

        assert set(TITLES) == set(MEANINGS) == set(KINDS)
