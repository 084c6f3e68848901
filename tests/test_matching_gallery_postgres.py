"""What is PostgreSQL's own: pgvector, and the way from one store to the other."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from generated_gallery import SIZE, PlantedModel, add_person, embedding_of, planted_face, seen_face
from postgres_server import new_database
from visavis.errors import DataError
from visavis.matching.gallery import database as databases
from visavis.matching.gallery import faces_table
from visavis.matching.gallery.changes import Newcomer, enrol_all
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.server_index import ServerIndex
from visavis.matching.gallery.store import Store
from visavis.matching.gallery.transfer import export, import_


@pytest.fixture
def url(postgres):
    with new_database(postgres) as address:
        yield address


def test_the_server_searches_and_is_nearly_exact(url):
    store = Store.create(Database(url), "planted", "f" * 64, SIZE)
    rng = np.random.default_rng(0)
    seen = [seen_face(number, size=SIZE) for number in range(1500)]
    with store.database.writing() as connection:
        owners = []
        for start in range(0, len(seen), 3):
            owners.append(add_person(store, connection, f"P{start}"))
            store.faces.add(connection, [(owners[-1], face) for face in seen[start : start + 3]])
    vectors = np.stack([face.embedding for face in seen])
    with store.database.reading() as connection:
        assert store.faces.vectors
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # walk the graph
        index = ServerIndex(connection, store.faces)
        right = 0
        for _ in range(50):
            probe = rng.standard_normal(SIZE).astype(np.float32)
            probe /= np.linalg.norm(probe)
            nearest = int((vectors @ probe).argmax())
            right += index.nearest_people(probe, 1) == [owners[nearest // 3]]
        assert right >= 49
        np.testing.assert_array_equal(index.faces_of(owners[1]), vectors[3:6])
        first = index.nearest_people(vectors[0], 2)
        assert first[0] == owners[0]
        assert index.nearest_people(vectors[0], 1, {owners[0]}) == first[1:]
        assert len(index.nearest_people(vectors[0], 400)) == 400
    with store.database.writing() as connection:
        store.people.remove(connection, owners)
        left = connection.exec_driver_sql("SELECT count(*) FROM face_vectors").scalar_one()
    assert left == 0
    store.database.close()


def test_without_pgvector_it_is_searched_in_memory(url, monkeypatch):
    monkeypatch.setattr("visavis.matching.gallery.faces_table.renew_vectors", lambda *_: False)
    with Gallery(url, PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0)])
        assert not gallery._store.faces.vectors
        assert gallery.identify(planted_face(0, 9)).name == "Ada"


def test_from_one_store_to_the_other_and_back(url, tmp_path):
    model = PlantedModel()
    with Gallery(tmp_path / "people.db", model) as gallery:
        gallery.enrol("Zoë", [planted_face(0), planted_face(0, 1)], keep_crops=True)
        gallery.reject("Zoë", planted_face(5))
        export(gallery._store, tmp_path / "there.zip")
    assert import_(tmp_path / "there.zip", url) == (1, 2)
    with Gallery(url, model, create=False) as gallery:
        assert gallery.identify(planted_face(0, 9)).name == "Zoë"
        assert gallery.verify_integrity() == []
        assert gallery.info()["bytes"] > 10_000
        export(gallery._store, tmp_path / "back.zip")
    assert import_(tmp_path / "back.zip", tmp_path / "new.db") == (1, 2)
    with Gallery(tmp_path / "new.db", model) as gallery:
        assert gallery.info()["wrong_answers"] == 1
        assert gallery.show("Zoë")[1][0].crop is not None


def test_no_gallery_yet(url):
    with pytest.raises(DataError, match=r"there is no gallery postgresql://.*; enrol somebody"):
        Gallery(url, PlantedModel(), create=False)


def enrol_many(store: Store, people: range, photos: int = 2) -> None:
    newcomers = [
        Newcomer(f"P{n}", [seen_face(n * photos + i, size=SIZE) for i in range(photos)])
        for n in people
    ]
    with store.database.writing() as connection:
        enrol_all(store, connection, newcomers, force=True)


@pytest.mark.parametrize("at_once", [100, 10**9], ids=["index after them", "index with them"])
def test_many_at_once_are_found_however_the_index_was_made(url, monkeypatch, at_once):
    monkeypatch.setattr(faces_table, "AT_ONCE", at_once)
    made = []
    renew = faces_table.renew_vectors
    monkeypatch.setattr(faces_table, "renew_vectors", lambda *a: made.append(1) or renew(*a))
    store = Store.create(Database(url), "planted", "f" * 64, SIZE)
    enrol_many(store, range(200))
    enrol_many(store, range(200, 320))  # fewer than are there: one by one
    assert len(made) == 1 + (at_once == 100)
    with store.database.reading() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT face_id FROM face_vectors ORDER BY embedding <-> "
            "(SELECT embedding FROM face_vectors LIMIT 1) LIMIT 5"
        ).scalars()
        assert any("embedding_idx" in line for line in plan)
        known = store.people.known(connection, [f"P{n}" for n in range(320)])
        index = ServerIndex(connection, store.faces)
        for n in range(0, 320, 7):
            (found,) = index.nearest_people(seen_face(2 * n + 1, size=SIZE).embedding, 1)
            assert found == known[f"p{n}".encode()].number
    store.database.close()


def test_what_is_forgotten_is_in_no_file_of_a_table_or_index(postgres, url):
    """The write-ahead log is out of reach, and so it is not looked at."""
    with Gallery(url, PlantedModel()) as gallery:
        for person in range(4):
            gallery.enrol(f"Person {person}", [planted_face(person, n) for n in range(3)])
        faces = [planted_face(77, n) for n in range(3)]
        gallery.enrol("Xanthippe Q", faces, keep_crops=True, consent="by fax in May")
        gallery.reject("Xanthippe Q", planted_face(50))
        seen = gallery.show("Xanthippe Q")[1][0]
        with gallery._store.database.alone() as connection:
            connection.exec_driver_sql("ANALYZE")  # as the server does by itself
        secrets = [
            b"Xanthippe", b"xanthippe", b"by fax in May", b"77-0.jpg", seen.photo,
            seen.crop.picture[50:90], seen.crop.picture[-90:-50],
            *(embedding_of(f"77-{n}").tobytes() for n in range(3)), embedding_of("50-0").tobytes(),
        ]  # fmt: skip

        def found() -> set[bytes]:
            postgres.psql("CHECKPOINT")
            files = [path for path in Path(postgres.pgdata, "base").rglob("*") if path.is_file()]
            content = b"\0".join(path.read_bytes() for path in files)
            return {secret for secret in secrets if secret in content}

        assert found() == set(secrets)
        assert gallery.forget("Xanthippe Q").scrubbed
        assert found() == set()
        assert gallery.identify(planted_face(1, 9)).name == "Person 1"
        assert gallery.verify_integrity() == []


def test_searches_go_on_while_the_index_is_made_anew(url):
    wrong, done = [], threading.Event()

    def search() -> None:
        with Gallery(url, PlantedModel(), create=False) as reader:
            while not done.is_set():
                answer = reader.identify(planted_face(0, 9))
                if answer.name != "Ada":
                    wrong.append(answer.why)

    with Gallery(url, PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0)])
        readers = [threading.Thread(target=search) for _ in range(3)]
        for reader in readers:
            reader.start()
        scrubbed = [gallery.scrub() for _ in range(8)]
        done.set()
        for reader in readers:
            reader.join()
    assert all(scrubbed)
    assert wrong == []


def test_forgetting_beside_a_long_reader_says_that_traces_are_left(url, monkeypatch):
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.1)
    with Gallery(url, PlantedModel()) as gallery, Gallery(url, PlantedModel()) as other:
        gallery.enrol("Ada", [planted_face(0)])
        gallery.enrol("Bea", [planted_face(1)])
        with other._store.database.reading() as connection:
            assert len(other._store.people.everybody(connection)) == 2
            assert gallery.forget("Ada").scrubbed is False
            assert len(other._store.people.everybody(connection)) == 2
        assert gallery.scrub()


def test_a_transaction_elsewhere_that_may_see_the_forgotten(url):
    with Gallery(url, PlantedModel()) as gallery, Gallery(url, PlantedModel()) as other:
        gallery.enrol("Ada", [planted_face(0)])
        gallery.enrol("Bea", [planted_face(1)])
        with other._store.database.engine.connect() as old:
            old.execution_options(isolation_level="REPEATABLE READ")
            old.exec_driver_sql("SELECT 1 FROM pg_class LIMIT 1")  # locks none of our tables
            assert gallery.forget("Ada").scrubbed is False
        assert gallery.scrub()
