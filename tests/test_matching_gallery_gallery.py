"""Enrolling, identifying and forgetting planted people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

import visavis
from generated_gallery import SIZE, PlantedModel, embedding_of, planted_face, seen_face
from visavis.errors import CrowdError, DataError, ModelError, NoFaceError, UnsupportedRateError
from visavis.matching.gallery import database as databases
from visavis.matching.gallery import index as indexes
from visavis.matching.gallery.changes import Newcomer, enrol, enrol_all
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.tables import SCHEMA
from visavis.photos.photo import Photo


@pytest.fixture(scope="module")
def planted() -> PlantedModel:
    return PlantedModel()


@pytest.fixture
def gallery(tmp_path, planted):
    with Gallery(tmp_path / "people.db", planted) as made:
        yield made


@pytest.fixture
def anywhere(url, planted):
    with Gallery(url, planted) as made:
        yield made


def photos(person: int, *numbers: int):
    return [planted_face(person, number) for number in numbers or (0, 1, 2)]


def fill(gallery: Gallery, people: int, *numbers: int) -> None:
    for person in range(people):
        gallery.enrol(f"Person {person}", photos(person, *numbers))


def test_lazily_at_hand():
    assert visavis.Gallery is Gallery


class TestEnrol:
    @pytest.fixture
    def gallery(self, anywhere):
        return anywhere

    def test_a_person_becomes_known(self, gallery):
        enrolled = gallery.enrol("Ada", photos(0))
        assert enrolled
        assert enrolled.added == ["0-0.jpg", "0-1.jpg", "0-2.jpg"]
        person, faces = gallery.show("ADA")
        assert (person.name, person.photos) == ("Ada", 3)
        assert [face.file for face in faces] == enrolled.added
        np.testing.assert_array_equal(faces[1].embedding, embedding_of("0-1.jpg"))
        assert faces[0].box == planted_face(0).box
        assert faces[0].sharpness == pytest.approx(planted_face(0).sharpness)

    def test_a_name_that_exists_gets_more_photos(self, gallery):
        gallery.enrol("Ada", photos(0, 0))
        assert gallery.enrol("ada", photos(0, 1)).name == "Ada"
        assert [(person.name, person.photos) for person in gallery.people()] == [("Ada", 2)]

    def test_a_photo_that_is_enrolled_is_done(self, gallery):
        gallery.enrol("Ada", photos(0, 0))
        again = gallery.enrol("Ada", photos(0, 0, 1, 1))
        assert again
        assert (again.added, again.already) == (["0-1.jpg"], ["0-0.jpg", "0-1.jpg"])
        assert again.skipped == []

    def test_a_photo_that_is_somebody_elses(self, gallery):
        gallery.enrol("Ada", photos(0, 0))
        refused = gallery.enrol("Bea", photos(0, 0))
        assert not refused
        assert "0-0.jpg is enrolled for Ada: if that is wrong" in str(refused.skipped[0])
        assert [person.name for person in gallery.people()] == ["Ada"]
        assert gallery.enrol("Bea", photos(0, 0), force=True).added == ["0-0.jpg"]

    def test_weak_views_are_refused_one_by_one(self, gallery):
        flat = Photo(np.full((112, 112, 3), 90, np.uint8), "0-7.jpg")
        blurred = planted_face(0, 7, photo=flat)
        small = planted_face(0, 8, landmarks=planted_face(0).landmarks / 10)
        some = gallery.enrol("Ada", [blurred, planted_face(0), small])
        assert some.added == ["0-0.jpg"]
        reasons = [str(reason) for reason in some.skipped]
        assert "the face in 0-7.jpg is blurred: take a better photo, or enrol it" in reasons[0]
        assert "the face in 0-8.jpg is small (4 pixels between the eyes)" in reasons[1]
        assert gallery.enrol("Ada", [blurred, small], force=True).added == ["0-7.jpg", "0-8.jpg"]

    def test_consent_and_expiry(self, gallery):
        gallery.enrol("Ada", photos(0, 0), consent="signed", expires=datetime(2031, 5, 1))
        gallery.enrol("Ada", photos(0, 1))
        (ada,) = gallery.people()
        assert (ada.consent, ada.expires) == ("signed", datetime(2031, 5, 1, tzinfo=UTC))
        gallery.enrol("Ada", photos(0, 1), consent="signed again")
        assert gallery.people()[0].consent == "signed again"

    def test_crops_are_kept_only_where_asked(self, gallery):
        gallery.enrol("Ada", photos(0, 0))
        gallery.enrol("Ada", photos(0, 1), keep_crops=True)
        without, kept = gallery.show("Ada")[1]
        assert without.crop is None
        face, again = planted_face(0, 1), kept.crop.face("0-1.jpg")
        np.testing.assert_allclose(again.landmarks, face.landmarks, atol=1e-4)
        assert again.score == pytest.approx(face.score)
        np.testing.assert_allclose(again.box, face.box)

    def test_many_people(self, gallery):
        pairs = [(f"P{person}", face) for person in range(4) for face in photos(person)]
        pairs += [("bad\nname", planted_face(9))]
        done = list(gallery.enrol_many(pairs))
        assert [bool(enrolled) for enrolled in done] == [True] * 4 + [False]
        assert "control characters" in str(done[-1].skipped[0])
        assert len(gallery.people()) == 4

    @pytest.mark.parametrize(("name", "message"), [("", "needs a name"), ("a\0", "control")])
    def test_names_that_are_none(self, gallery, name, message):
        with pytest.raises(DataError, match=message):
            gallery.enrol(name, photos(0))

    def test_no_photos(self, gallery):
        with pytest.raises(DataError, match="there are no photos to enrol Ada with"):
            gallery.enrol("Ada", [])

    def test_every_face_of_a_photo_is_nobody(self, gallery):
        with pytest.raises(DataError, match="one face of each photo is enrolled"):
            gallery.enrol("Ada", photos(0), faces="all")


class TestIdentify:
    @pytest.fixture
    def gallery(self, anywhere):
        return anywhere

    def test_everybody_is_found_again(self, gallery):
        fill(gallery, 12)
        for person in range(12):
            answer = gallery.identify(planted_face(person, 9))
            assert answer
            assert answer.name == f"Person {person}"
            best, *others = answer.candidates
            own = [embedding_of(f"{person}-{number}") for number in range(3)]
            similarity = [float(mine @ embedding_of(f"{person}-9")) for mine in own]
            assert best.similarity == pytest.approx(max(similarity), abs=1e-6)
            assert best.mean_similarity == pytest.approx(np.mean(similarity), abs=1e-6)
            assert best.photos == 3
            assert len(others) == 4
            found = [candidate.similarity for candidate in answer.candidates]
            assert found == sorted(found, reverse=True)
            assert f"Person {person}'s similarity of" in answer.why

    def test_strangers_are_nobody(self, gallery):
        fill(gallery, 12)
        answers = [gallery.identify(planted_face(person)) for person in range(100, 130)]
        assert sum(map(bool, answers)) <= 2  # 1 % of them may be named
        nobody = next(answer for answer in answers if not answer)
        assert nobody.nobody
        assert nobody.person is nobody.name is None
        assert nobody.why.startswith(f"the most alike is {nobody.candidates[0].name} with ")
        assert "below 0." in nobody.why

    def test_the_threshold_follows_the_gallery_and_the_rate(self, gallery):
        fill(gallery, 2)
        few = gallery.identify(planted_face(0, 9)).threshold
        assert few == gallery.threshold() == SearchRule().cut_off(gallery.model, 6)
        fill(gallery, 12)
        many = gallery.identify(planted_face(0, 9)).threshold
        assert many.value > few.value
        assert gallery.identify(planted_face(0, 9), fpir=0.1).threshold.value < many.value
        with pytest.raises(UnsupportedRateError):
            gallery.identify(planted_face(0), fpir=0)

    def test_the_callers_threshold_and_probability(self, gallery):
        fill(gallery, 3)
        answer = gallery.identify(planted_face(0, 9), threshold=0.999)
        assert answer.nobody
        assert "below 0.999, given by the caller" in answer.why
        first = answer.candidates[0]
        expected = gallery.model.probability(first.similarity, 0.5 / 3)
        assert first.probability == pytest.approx(float(expected))

    def test_two_people_who_are_too_alike(self, gallery):
        gallery.enrol("Ada", photos(0, 0, 1))
        gallery.enrol("Bea", photos(0, 2, 3))
        answer = gallery.identify(planted_face(0, 9))
        assert answer.nobody
        assert "are closer than the margin of 0.066; if they are one person, merge" in answer.why
        assert gallery.identify(planted_face(0, 9), margin=0)
        gallery.merge("Bea", "Ada")
        assert gallery.identify(planted_face(0, 9)).name == "Ada"

    def test_a_gallery_of_nobody(self, gallery):
        answer = gallery.identify(planted_face(0))
        assert answer.nobody
        assert answer.why.endswith("holds nobody yet")
        assert answer.as_dict()["candidates"] == []

    def test_fewer_people_than_are_asked_for(self, gallery):
        fill(gallery, 2)
        assert len(gallery.identify(planted_face(0, 9), top=50).candidates) == 2
        assert len(gallery.identify(planted_face(0, 9), top=1).candidates) == 1

    @pytest.mark.parametrize("distance", ["euclidean", "head"])
    def test_other_distances(self, url, distance):
        model = PlantedModel(distance, scores=None, calibration=None)
        with Gallery(url, model) as gallery:
            fill(gallery, 12)
            for person in range(12):
                answer = gallery.identify(planted_face(person, 9), threshold=-100)
                assert answer.name == f"Person {person}"
                own = [embedding_of(f"{person}-{number}") for number in range(3)]
                probe = np.broadcast_to(embedding_of(f"{person}-9"), (3, 64))
                best = model.similarity(probe, np.stack(own)).max()
                assert answer.candidates[0].similarity == pytest.approx(best)
            assert gallery.identify(planted_face(0, 9), threshold=0.1).nobody
            with pytest.raises(ModelError, match="no calibration yet"):
                gallery.identify(planted_face(0, 9))

    def test_a_person_of_many_photos_hides_nobody(self, gallery):
        gallery.enrol("Ada", photos(0, *range(90)))
        fill(gallery, 3, 200)
        answer = gallery.identify(planted_face(0, 99))
        assert len(answer.candidates) == 4

    def test_weak_probes_are_warned_of(self, gallery):
        fill(gallery, 2)
        small = planted_face(0, 9, landmarks=planted_face(0).landmarks / 10)
        assert "is small" in gallery.identify(small).warnings[0]

    def test_the_answer_in_plain_types(self, gallery):
        fill(gallery, 2)
        plain = gallery.identify(planted_face(0, 9)).as_dict()
        assert plain["person"] == "Person 0"
        assert plain["nobody"] is False
        assert plain["threshold_fpir"] == 0.01
        assert plain["threshold_photos"] == 6
        assert plain["face"]["faces_in_photo"] == 1
        assert [row["name"] for row in plain["candidates"]] == ["Person 0", "Person 1"]


class TestOtherProcesses:
    @pytest.fixture
    def gallery(self, anywhere):
        return anywhere

    def test_what_one_enrols_the_other_finds(self, gallery, url, planted):
        fill(gallery, 2)
        with Gallery(url, planted) as other:
            assert other.identify(planted_face(2, 9)).nobody
            gallery.enrol("Person 2", photos(2))
            assert other.identify(planted_face(2, 9)).name == "Person 2"
            gallery.forget("Person 2")
            assert other.identify(planted_face(2, 9)).nobody

    def test_another_models_gallery(self, gallery, url):
        fill(gallery, 2)
        other = PlantedModel(fingerprint="e" * 64, name="other")
        message = (
            "was made with planted .ffffffffffff., and its embeddings mean nothing to other "
            ".eeeeeeeeeeee.; use --model planted"
        )
        with Gallery(url, other) as wrong:
            assert len(wrong.people()) == 2  # names need no model
            for act in (
                lambda: wrong.identify(planted_face(0)),
                lambda: wrong.enrol("Ada", photos(0)),
                lambda: wrong.reject("Person 0", planted_face(0)),
            ):
                with pytest.raises(ModelError, match=message):
                    act()

    def test_looking_makes_nothing(self, tmp_path, planted):
        with pytest.raises(DataError, match=r"there is no gallery .*people\.db; enrol somebody"):
            Gallery(tmp_path / "people.db", planted, create=False)
        assert list(tmp_path.iterdir()) == []


class TestWrongAnswers:
    @pytest.fixture
    def gallery(self, anywhere):
        return anywhere

    def test_it_is_not_repeated(self, gallery):
        fill(gallery, 3)
        probe = planted_face(0, 9)
        assert gallery.identify(probe).name == "Person 0"
        assert gallery.reject("Person 0", probe) is False
        answer = gallery.identify(probe)
        assert answer.nobody
        assert "Person 0 ruled out by a recorded wrong answer" in answer.why
        assert "Person 0" not in [candidate.name for candidate in answer.candidates]
        assert gallery.identify(planted_face(0, 8)).name == "Person 0"  # another photo

    def test_nor_for_a_nearly_equal_photo(self, gallery, planted, monkeypatch):
        fill(gallery, 3)
        gallery.reject("Person 0", planted_face(0, 9))
        nudged = embedding_of("0-9") + np.float32(0.01) * embedding_of("5-5")
        monkeypatch.setattr(type(planted), "encode", lambda *_: nudged[np.newaxis])
        assert gallery.identify(planted_face(0, 77)).nobody

    def test_the_same_file_whatever_the_model_says(self, gallery, planted, monkeypatch):
        fill(gallery, 3)
        gallery.reject("Person 0", planted_face(0, 9))
        other = embedding_of("0-5")[np.newaxis]
        monkeypatch.setattr(type(planted), "encode", lambda *_: other)
        assert gallery.identify(planted_face(0, 9)).nobody

    def test_an_enrolled_photo_is_taken_away(self, gallery):
        fill(gallery, 2)
        assert gallery.reject("Person 0", planted_face(0, 1)) is True
        assert gallery.people()[0].photos == 2

    def test_of_nobody(self, gallery):
        with pytest.raises(DataError, match="nobody called Eve is in"):
            gallery.reject("Eve", planted_face(0))


class TestPeople:
    @pytest.fixture
    def gallery(self, anywhere):
        return anywhere

    def test_in_the_order_of_their_names(self, gallery):
        for person, name in enumerate(("bea", "Zoë", "Ada")):
            gallery.enrol(name, photos(person, 0))
        assert [person.name for person in gallery.people()] == ["Ada", "bea", "Zoë"]

    def test_rename(self, gallery):
        fill(gallery, 2)
        assert gallery.rename("person 0", "PERSON 0").name == "PERSON 0"
        assert gallery.rename("Person 0", "Ada").photos == 3
        assert gallery.identify(planted_face(0, 9)).name == "Ada"
        with pytest.raises(DataError, match="visavis people merge 'Ada' 'Person 1'"):
            gallery.rename("Ada", "person 1")
        with pytest.raises(DataError, match="nobody called Person 0"):
            gallery.rename("Person 0", "Bea")

    def test_a_photo_among_the_wrong_persons_is_found_and_mended(self, gallery):
        fill(gallery, 3)
        gallery.enrol("Person 0", photos(1, 9), keep_crops=True)
        (finding,) = gallery.check().findings
        assert (finding.kind, finding.photos[0].file) == ("mislabelled", "1-9.jpg")
        kept, _ = gallery.faces_of(finding.photos)
        assert kept.photo.origin == "1-9.jpg"
        gallery.drop("Person 0", finding.photos[0].named)
        assert gallery.check().findings == []
        assert gallery.events()[-1].what == "dropped"

    def test_merge(self, gallery):
        fill(gallery, 2)
        merged = gallery.merge("person 1", "person 0")
        assert (merged.name, merged.photos) == ("Person 0", 6)
        assert gallery.identify(planted_face(1, 9)).name == "Person 0"
        with pytest.raises(DataError, match="one person already"):
            gallery.merge("Person 0", "person 0")

    def test_who_has_expired_is_not_named_and_goes(self, gallery):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        gallery.enrol("Ada", photos(0), expires=yesterday)
        gallery.enrol("Bea", photos(1), expires=datetime.now(UTC) + timedelta(days=1))
        answer = gallery.identify(planted_face(0, 9))
        assert answer.nobody
        assert [candidate.name for candidate in answer.candidates] == ["Bea"]
        gone = gallery.purge_expired()
        assert (gone.names, gone.photos) == (["Ada"], 3)
        assert [person.name for person in gallery.people()] == ["Bea"]
        assert gallery.purge_expired().names == []

    def test_forget_all_or_none(self, gallery):
        fill(gallery, 3)
        with pytest.raises(DataError, match="nobody called Eve"):
            gallery.forget("Person 0", "Eve")
        assert len(gallery.people()) == 3
        gone = gallery.forget("Person 0", "person 2", "PERSON 0")
        assert (gone.names, gone.photos, gone.scrubbed) == (["Person 0", "Person 2"], 6, True)

    def test_the_audit_log(self, gallery):
        fill(gallery, 2)
        number = gallery.people()[0].number
        gallery.identify(planted_face(0, 9))
        gallery.identify(planted_face(50))
        gallery.forget("Person 0")
        events = [(event.what, event.person, event.photos) for event in gallery.events()]
        assert events[0] == ("enrolled", number, 3)
        assert events[2:] == [
            ("identified", number, 1), ("identified", None, 1), ("forgotten", number, 3),
        ]  # fmt: skip


def test_many_at_once_are_enrolled_as_one_by_one(tmp_path, planted):
    """Names that recur, known ones in another case, photos that recur and photos of others."""
    until = datetime(2040, 1, 1, tzinfo=UTC)
    faces = [seen_face(number, size=SIZE) for number in range(12)]
    skipped = DataError("no photo")
    newcomers = [
        Newcomer("Ada", [faces[0], faces[1], faces[0]], "signed"),
        Newcomer("Bea", [faces[2], skipped]),
        Newcomer("KNOWN", [faces[3], faces[4]], None, until),
        Newcomer("ada", [faces[1], faces[5], faces[2]], "signed again"),
        Newcomer("Nobody", [skipped], "by mail"),
        Newcomer("Nobody", []),
        *(Newcomer(f"P{number}", [faces[number]]) for number in range(6, 12)),
    ]
    told = []
    for name in ("one", "all"):
        with Gallery(tmp_path / f"{name}.db", planted) as made:
            store = made._store
            enrol(store, "Known", [faces[3]], consent="old", expires=None, force=False)
            if name == "all":
                with store.database.writing() as connection:
                    answers = enrol_all(store, connection, newcomers, force=True)
            else:
                answers = [
                    enrol(store, n.name, n.found, consent=n.consent, expires=n.expires, force=True)
                    for n in newcomers
                ]
            known = {
                person.name: (person.consent, person.expires, [face.file for face in faces])
                for person, faces in (made.show(each.name) for each in made.people())
            }
            events = [(event.what, event.photos) for event in made.events()]
            told.append((known, [answer.as_dict() for answer in answers], events))
    assert told[0] == told[1]
    assert told[0][0]["Ada"][0] == "signed again"
    assert "Nobody" not in told[0][0]


@pytest.mark.parametrize("cached", [True, False])
def test_what_is_forgotten_is_in_no_file(gallery, tmp_path, monkeypatch, cached):
    """The name, the note, the file's name, the crop and the embedding: in no byte of any file."""
    monkeypatch.setattr(indexes, "CACHED_FROM", 1 if cached else 10**9)
    fill(gallery, 4)
    faces = photos(77, 0, 1, 2)
    gallery.enrol("Xanthippe Q", faces, keep_crops=True, consent="by fax in May")
    gallery.reject("Xanthippe Q", planted_face(50))
    assert gallery.identify(planted_face(77, 9)).name == "Xanthippe Q"
    picture = gallery.show("Xanthippe Q")[1][0].crop.picture
    (tmp_path / ".people.db-index-killed").write_bytes(embedding_of("77-0").tobytes())
    secrets = [
        b"Xanthippe", b"xanthippe", b"by fax in May", b"77-0.jpg", picture[50:90], picture[-90:-50],
        *(embedding_of(f"77-{number}").tobytes() for number in range(3)),
        embedding_of("50-0").tobytes(), embedding_of("77-1").tobytes()[100:140],
    ]  # fmt: skip

    def found() -> set[bytes]:
        content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        return {secret for secret in secrets if secret in content}

    assert found() == set(secrets)
    assert cached is any("-index-" in p.name for p in tmp_path.iterdir() if p.name[0] != ".")
    assert gallery.forget("Xanthippe Q").scrubbed
    assert found() == set()
    assert gallery.identify(planted_face(1, 9)).name == "Person 1"
    assert found() == set()


def test_forgetting_beside_a_reader_says_that_traces_are_left(
    gallery, tmp_path, planted, monkeypatch
):
    fill(gallery, 3)
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.1)
    with (
        Gallery(tmp_path / "people.db", planted) as other,
        other._store.database.reading() as connection,
    ):
        other._store.people.everybody(connection)
        gallery._store.database.engine.dispose()
        gone = gallery.forget("Person 0")
    assert gone.scrubbed is False
    assert len(gallery.people()) == 2


def test_files_are_for_their_owner(gallery, tmp_path, monkeypatch):
    monkeypatch.setattr(indexes, "CACHED_FROM", 1)
    fill(gallery, 2)
    gallery.identify(planted_face(0, 9))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


class TestCache:
    @pytest.fixture(autouse=True)
    def always(self, monkeypatch):
        monkeypatch.setattr(indexes, "CACHED_FROM", 1)

    @staticmethod
    def caches(folder):
        return sorted(path for path in folder.iterdir() if "-index-" in path.name)

    def answer(self, folder, planted):
        with Gallery(folder / "people.db", planted) as fresh:
            return fresh.identify(planted_face(1, 9)).as_dict()

    def test_it_gives_the_same_answer_without_reading_the_rows(
        self, gallery, tmp_path, planted, monkeypatch
    ):
        fill(gallery, 3)
        first = self.answer(tmp_path, planted)
        (cache,) = self.caches(tmp_path)
        monkeypatch.setattr(
            "visavis.matching.gallery.faces_table.FacesTable.embeddings", lambda *_: 1 / 0
        )
        assert self.answer(tmp_path, planted) == first
        assert self.caches(tmp_path) == [cache]

    @pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
    def test_a_damaged_one_is_made_again(self, gallery, tmp_path, planted, damage):
        fill(gallery, 3)
        first = self.answer(tmp_path, planted)
        (cache,) = self.caches(tmp_path)
        good = cache.read_bytes()
        middle = len(good) // 2
        cache.write_bytes(
            {
                "flip": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
                "cut": good[:middle],
                "empty": b"",
                "other": b"hello",
            }[damage]
        )
        assert self.answer(tmp_path, planted) == first
        assert cache.read_bytes() == good

    def test_an_old_one_goes(self, gallery, tmp_path, planted):
        fill(gallery, 3)
        self.answer(tmp_path, planted)
        old = self.caches(tmp_path)
        gallery.enrol("Person 1", photos(1, 5))
        self.answer(tmp_path, planted)
        new = self.caches(tmp_path)
        assert len(new) == 1
        assert new != old

    def test_a_disk_that_takes_none(self, gallery, tmp_path, planted, monkeypatch):
        fill(gallery, 3)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(indexes, "_write_private", full)
        assert self.answer(tmp_path, planted)["person"] == "Person 1"

    def test_one_that_comes_late_is_not_left(self, gallery, tmp_path, monkeypatch):
        """Somebody is forgotten by another process while this one writes its copy."""
        fill(gallery, 3)
        write = indexes._write_private

        def late(path, content):
            store = gallery._store
            with store.database.writing() as connection:
                store.changed(connection)
            write(path, content)

        monkeypatch.setattr(indexes, "_write_private", late)
        gallery.identify(planted_face(0, 9))
        assert self.caches(tmp_path) == []


def test_integrity(gallery):
    fill(gallery, 2)
    assert gallery.verify_integrity() == []
    gallery.reject("Person 0", planted_face(0, 0))
    with gallery._store.database.writing() as connection:
        connection.exec_driver_sql(
            "DELETE FROM faces WHERE person_id = (SELECT min(id) FROM people)"
        )
    assert gallery.verify_integrity() == ["Person 0 has no photo: enrol one, or forget them"]
    with gallery._store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE faces SET embedding = x'00'")
    assert any("an embedding is not of 64 numbers" in line for line in gallery.verify_integrity())


def test_info(gallery):
    fill(gallery, 2)
    info = gallery.info()
    assert (info["people"], info["photos"], info["wrong_answers"]) == (2, 6, 0)
    assert (info["model"], info["embedding_size"], info["schema"]) == ("planted", 64, SCHEMA)
    assert info["bytes"] > 10_000


class TestRealPhotos:
    """The whole walk, on the built-in model."""

    @pytest.fixture(scope="class")
    @classmethod
    def known(cls, tmp_path_factory, model, samples):
        folder = tmp_path_factory.mktemp("known")
        with Gallery(folder / "people.db", model) as made:
            made.enrol("Barack Obama", [samples / "obama_2009.jpg", samples / "obama_2010.jpg"])
            made.enrol("Susan Collins", [samples / "collins.jpg"])
            yield made

    def test_who_is_this(self, known, samples):
        answer = known.identify(samples / "obama_2012.jpg")
        assert answer.name == "Barack Obama"
        assert known.identify((samples / "collins.jpg").read_bytes()).name == "Susan Collins"
        assert known.identify(samples / "biden_2010.jpg").nobody

    def test_one_picture_in_another_file_is_the_same_photo(self, known, samples, tmp_path):
        with Image.open(samples / "collins.jpg") as picture:
            picture.save(tmp_path / "other.png")
        assert known.enrol("Susan Collins", [tmp_path / "other.png"]).already == ["other.png"]

    def test_photos_of_nobody_and_of_many(self, known, samples, tmp_path):
        both = Image.new("RGB", (800, 500))
        for left, name in ((0, "collins"), (400, "biden_2010")):
            with Image.open(samples / f"{name}.jpg") as picture:
                both.paste(picture.resize((400, 500)), (left, 0))
        both.save(tmp_path / "both.png")
        Image.fromarray(np.zeros((99, 99, 3), np.uint8)).save(tmp_path / "black.png")
        enrolled = known.enrol("Eve", [tmp_path / "both.png", tmp_path / "black.png"])
        assert [type(reason) for reason in enrolled.skipped] == [CrowdError, NoFaceError]
        with pytest.raises(NoFaceError, match=r"no face was found in .*black\.png"):
            known.identify(tmp_path / "black.png")
        everybody = next(known.identify_many([tmp_path / "both.png"], faces="all")).answers
        assert sorted(answer.name or "nobody" for answer in everybody) == [
            "Susan Collins", "nobody",
        ]  # fmt: skip
