"""What is PostgreSQL's own: pgvector, and the way from one store to the other."""

from __future__ import annotations

import numpy as np
import pytest

from generated_gallery import SIZE, PlantedModel, planted_face, seen_face
from postgres_server import new_database
from visavis.errors import DataError
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
            owners.append(store.people.add(connection, f"P{start}", None, None))
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
