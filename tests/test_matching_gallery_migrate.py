"""Galleries moved to another model by the crops that they keep."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import sqlalchemy as sa

from generated_gallery import PlantedModel, content, embedding_of, planted_face
from visavis.errors import DataError, ModelError
from visavis.matching.gallery import index as indexes
from visavis.matching.gallery import key as keys
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.key import GalleryKey
from visavis.matching.gallery.reembed import migrate
from visavis.matching.gallery.tables import faces
from visavis.matching.gallery.transfer import import_


class Newer(PlantedModel):
    """Another planted model: of half as many numbers."""

    def __init__(self) -> None:
        super().__init__(fingerprint="e" * 64, name="newer", embedding_size=32)

    def encode(self, faces):
        return np.stack([newer(face.photo.origin) for face in faces])


def newer(origin: str) -> np.ndarray:
    half = embedding_of(origin)[::2]
    return half / np.linalg.norm(half)


@pytest.fixture(scope="module")
def planted() -> PlantedModel:
    return PlantedModel()


@pytest.fixture(scope="module")
def new() -> Newer:
    return Newer()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.db"


def fill(made: Gallery) -> None:
    for person, name in enumerate(("Ada", "Bea", "Cyd")):
        photos = [planted_face(person, number) for number in range(2)]
        made.enrol(name, photos, keep_crops=True, consent=f"{name} signed")


@pytest.mark.parametrize("encrypted", [False, True])
def test_everybody_is_known_to_the_new_model(url, planted, new, monkeypatch, encrypted):
    monkeypatch.setattr(keys, "SCRYPT_COST", 4)
    key = GalleryKey.from_passphrase("correct horse") if encrypted else None
    with Gallery(url, planted, key=key) as made:
        fill(made)
        before, info = content(made), made.info()
        served = made._store.faces.vectors
    seen = []
    moved = migrate(url, new, key=key, progress=lambda *step: seen.append(step))
    assert (moved.done, moved.scrubbed, moved.needed) == (True, True, True)
    assert (moved.before, moved.after, moved.photos) == ("planted", "newer", 6)
    assert (moved.missing, moved.left_out) == ({}, [])
    assert seen == [("embedding kept crops", 6, 6)]
    with Gallery(url, new, key=key, create=False) as made:
        for person, name in enumerate(("Ada", "Bea", "Cyd")):
            assert made.identify(planted_face(person, 9)).name == name
            consent, expires, photos = content(made)[name]
            assert (consent, expires) == before[name][:2]
            for (row, embedding, crop), (old_row, _, old_crop) in zip(
                photos, before[name][2], strict=True
            ):
                assert (row, crop) == (old_row, old_crop)
                assert embedding == newer(row["file"]).tolist()
        after = made.info()
        assert (after["model"], after["fingerprint"], after["embedding_size"]) == (
            "newer", "e" * 64, 32,
        )  # fmt: skip
        assert (after["number"], after["key"]) == (info["number"], info["key"])
        assert made._store.faces.vectors is served
        assert made.verify_integrity() == []
        assert made.events()[3].what == "migrated"
    with (
        Gallery(url, planted, key=key) as made,
        pytest.raises(ModelError, match=r"was made with newer \(eeeeeeeeeeee\)"),
    ):
        made.identify(planted_face(0, 9))


def test_there_is_nothing_to_do(path, planted):
    with Gallery(path, planted) as made:
        made.enrol("Ada", [planted_face(0)])
        generation = _generation(made)
    moved = migrate(path, planted)
    assert not moved
    assert not moved.needed
    with Gallery(path, planted) as made:
        assert _generation(made) == generation


class TestMissing:
    @pytest.fixture
    def some(self, path, planted):
        with Gallery(path, planted) as made:
            fill(made)
            made.enrol("Bea", [planted_face(1, 7)])
            made.enrol("Eve", [planted_face(5), planted_face(5, 1)])
            yield made

    def test_without_a_crop_nothing_is_changed(self, some, path, new):
        before = content(some)
        for moved in (migrate(path, new), migrate(path, new, drop_missing=True, dry_run=True)):
            assert not moved
            assert moved.needed
            assert moved.as_dict() == {
                "before": "planted",
                "after": "newer",
                "needed": True,
                "photos": 6,
                "missing": {"Bea": ["1-7.jpg"], "Eve": ["5-0.jpg", "5-1.jpg"]},
                "left_out": ["Eve"],
                "wrong_answers": 0,
                "done": False,
                "scrubbed": True,
            }
            assert content(some) == before
        assert some.identify(planted_face(5, 9)).name == "Eve"

    def test_they_are_dropped_where_that_is_asked_for(self, some, path, new):
        numbers = {person.name: person.number for person in some.people()}
        moved = migrate(path, new, drop_missing=True)
        assert moved
        assert moved.left_out == ["Eve"]
        with Gallery(path, new) as made:
            assert [(p.name, p.photos) for p in made.people()] == [
                ("Ada", 2), ("Bea", 2), ("Cyd", 2),
            ]  # fmt: skip
            answer = made.identify(planted_face(5, 9))
            assert {candidate.name for candidate in answer.candidates} == {"Ada", "Bea", "Cyd"}
            events = [(event.what, event.person, event.photos) for event in made.events()]
        assert set(events[-4:-1]) == {
            ("dropped", numbers["Bea"], 1),
            ("forgotten", numbers["Eve"], 2),
            ("migrated", None, 6),
        }


class TestMeanwhile:
    def test_who_is_enrolled_meanwhile_comes_too(self, path, planted, new):
        with Gallery(path, planted) as other:
            fill(other)

            def enrol(*_: object) -> None:
                other.enrol("Eve", [planted_face(5)], keep_crops=True)

            assert migrate(path, new, progress=enrol).photos == 7
        with Gallery(path, new) as made:
            assert made.identify(planted_face(5, 9)).name == "Eve"

    def test_and_is_never_lost(self, path, planted, new):
        with Gallery(path, planted) as other:
            fill(other)

            def enrol(*_: object) -> None:
                other.enrol("Eve", [planted_face(5)])

            moved = migrate(path, new, progress=enrol)
            assert not moved
            assert moved.missing == {"Eve": ["5-0.jpg"]}
            assert other.identify(planted_face(5, 9)).name == "Eve"
            assert other.identify(planted_face(0, 9)).name == "Ada"

    def test_all_of_it_or_nothing(self, path, planted, new, monkeypatch):
        with Gallery(path, planted) as made:
            fill(made)
            before = content(made)
            monkeypatch.setattr(
                "visavis.matching.gallery.store.Store.become", lambda *_, **__: 1 / 0
            )
            with pytest.raises(ZeroDivisionError):
                migrate(path, new)
            assert content(made) == before
            assert made.identify(planted_face(0, 9)).name == "Ada"

    def test_who_has_it_open_opens_it_again(self, url, planted, new):
        with Gallery(url, planted) as other:
            fill(other)
            other.identify(planted_face(0, 9))
            migrate(url, new)
            for act in (
                lambda: other.enrol("Eve", [planted_face(5)]),
                lambda: other.identify(planted_face(0, 9)),
            ):
                with pytest.raises(DataError, match="migrated or replaced by another process"):
                    act()


class TestWrongAnswers:
    def test_they_hold_for_the_photo_alone(self, path, planted, new, tmp_path, monkeypatch):
        with Gallery(path, planted) as made:
            fill(made)
            made.reject("Ada", planted_face(0, 9))
        assert migrate(path, new).wrong_answers == 1

        def check(file) -> None:
            with Gallery(file, new) as made:
                again = made.identify(planted_face(0, 9))
                assert again.nobody
                assert "Ada ruled out by a recorded wrong answer" in again.why
                assert made.identify(planted_face(0, 8)).name == "Ada"
                # The same pixels' embedding from another file: it is not known any more.
                with monkeypatch.context() as patch:
                    patch.setattr(Newer, "encode", lambda *_: newer("0-9")[np.newaxis])
                    assert made.identify(planted_face(0, 77)).name == "Ada"
                assert made.verify_integrity() == []

        check(path)
        with Gallery(path, new) as made:
            made.export(tmp_path / "out")
        import_(tmp_path / "out", tmp_path / "new.db")
        check(tmp_path / "new.db")

    @pytest.mark.parametrize("distance", ["euclidean", "head"])
    def test_and_rule_nobody_else_out(self, path, planted, distance):
        """Zeros are near to much in other measures."""
        model = PlantedModel(distance, fingerprint="d" * 64, name="other")
        with Gallery(path, planted) as made:
            fill(made)
            made.reject("Ada", planted_face(0, 9))
        assert migrate(path, model)
        with Gallery(path, model) as made:
            for number in range(3, 8):
                assert made.identify(planted_face(0, number), threshold=-100).name == "Ada"


def test_the_old_embeddings_are_gone(path, planted, new, monkeypatch):
    monkeypatch.setattr(indexes, "CACHED_FROM", 1)
    with Gallery(path, planted) as made:
        fill(made)
        made.reject("Ada", planted_face(50))
        made.identify(planted_face(0, 9))
    old = [embedding_of(origin).tobytes() for origin in ("0-0", "2-1", "50-0")]

    def found() -> int:
        inside = b"".join(file.read_bytes() for file in path.parent.iterdir())
        return sum(embedding in inside for embedding in old)

    assert found() == 3
    migrate(path, new)
    assert found() == 0
    with Gallery(path, new) as made:
        assert made.identify(planted_face(0, 9)).name == "Ada"


def test_a_damaged_crop(path, planted, new):
    with Gallery(path, planted) as made:
        fill(made)
        with made._store.database.writing() as connection:
            some = sa.select(sa.func.min(faces.c.id)).scalar_subquery()
            crop = KeptCrop(b"no picture", np.zeros(15, np.float32)).to_bytes()
            connection.execute(sa.update(faces).where(faces.c.id == some).values(crop=crop))
        before = content(made)
        with pytest.raises(DataError, match=r"the crop that was kept of 0-0\.jpg is damaged") as e:
            migrate(path, new)
        assert "\n" not in str(e.value)
        assert content(made) == before


def test_no_gallery(path, new):
    with pytest.raises(DataError, match="there is no gallery"):
        migrate(path, new)
    assert not path.exists()


def test_a_crop_is_embedded_as_its_photo_was(path, calibrated, samples):
    """The built-in network sees nearly the same in a kept crop as in the photo."""
    twin = _renamed(calibrated)
    photos = ["obama_2009", "obama_2010", "collins", "biden_2010"]
    with Gallery(path, calibrated) as made:
        for name in photos:
            made.enrol(name, [samples / f"{name}.jpg"], keep_crops=True, force=True)
        before = {name: made.show(name)[1][0].embedding for name in photos}
    assert migrate(path, twin)
    with Gallery(path, twin) as made:
        for name in photos:
            assert float(made.show(name)[1][0].embedding @ before[name]) > 0.99


def _renamed(model):
    twin = copy.copy(model)
    twin.card = model.card.model_copy(update={"fingerprint": "c" * 64, "name": "twin"})
    return twin


def _generation(made: Gallery) -> int:
    with made._store.database.reading() as connection:
        return made._store.generation(connection)
