"""Galleries written to files and brought back."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

from generated_gallery import PlantedModel, add_person, content, planted_face
from visavis.errors import DataError, ModelError
from visavis.matching.gallery.backup import back_up, restore
from visavis.matching.gallery.faces_table import FacesTable
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.transfer import export, import_


@pytest.fixture(scope="module")
def planted() -> PlantedModel:
    return PlantedModel()


@pytest.fixture
def gallery(tmp_path, planted):
    with Gallery(tmp_path / "people.db", planted) as made:
        faces = [planted_face(0), planted_face(0, 1)]
        expires = datetime(2040, 1, 1, tzinfo=UTC)
        made.enrol("Zoë", faces, keep_crops=True, consent="signed", expires=expires)
        made.enrol("Bea", [planted_face(1)])
        made.reject("Bea", planted_face(2))
        yield made


def same(gallery: Gallery, path, planted) -> bool:
    with Gallery(path, planted, create=False) as other:
        assert other.identify(planted_face(0, 9)).name == "Zoë"
        assert other.identify(planted_face(2)).nobody
        assert other.verify_integrity() == []
        return content(other) == content(gallery)


@pytest.mark.parametrize("name", ["people.zip", "people"])
def test_exported_and_imported(gallery, tmp_path, planted, name):
    target = tmp_path / "out" / name
    target.parent.mkdir()
    assert export(gallery._store, target) == 2
    assert [path.name for path in target.parent.iterdir()] == [name]
    assert target.stat().st_mode & 0o077 == 0
    assert import_(target, tmp_path / "new.db") == (2, 3)
    assert same(gallery, tmp_path / "new.db", planted)
    assert import_(target, tmp_path / "new.db") == (2, 0)  # once more changes nothing
    assert same(gallery, tmp_path / "new.db", planted)


def test_an_export_needs_no_visavis_to_be_read(gallery, tmp_path):
    export(gallery._store, tmp_path / "out")
    head = json.loads((tmp_path / "out" / "gallery.json").read_text())
    assert (head["model"], head["embedding_size"], head["people"]) == ("planted", 64, 2)
    lines = (tmp_path / "out" / "people.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Bea", "Zoë"]
    with np.load(tmp_path / "out" / "embeddings.npz", allow_pickle=False) as arrays:
        assert arrays["faces"].shape == (3, 64)
        assert arrays["wrong"].shape == (1, 64)
    assert len(list((tmp_path / "out" / "crops").iterdir())) == 2


def test_an_import_joins_who_is_known(gallery, tmp_path, planted):
    export(gallery._store, tmp_path / "out.zip")
    with Gallery(tmp_path / "new.db", planted) as other:
        other.enrol("ZOË", [planted_face(0, 5)])
        assert import_(tmp_path / "out.zip", tmp_path / "new.db") == (2, 3)
        assert [(p.name, p.photos) for p in other.people()] == [("Bea", 1), ("ZOË", 3)]


def test_an_import_is_whole_or_not_at_all(gallery, tmp_path, planted, monkeypatch):
    export(gallery._store, tmp_path / "out.zip")
    with monkeypatch.context() as patch:
        patch.setattr(FacesTable, "add_wrong_answer", lambda *_: 1 / 0)  # the last that is written
        with pytest.raises(ZeroDivisionError):
            import_(tmp_path / "out.zip", tmp_path / "new.db")
    with Gallery(tmp_path / "new.db", planted) as other:
        assert other.people() == []
    assert import_(tmp_path / "out.zip", tmp_path / "new.db") == (2, 3)
    assert same(gallery, tmp_path / "new.db", planted)


def test_another_models_export_is_refused(gallery, tmp_path):
    export(gallery._store, tmp_path / "out.zip")
    with Gallery(tmp_path / "new.db", PlantedModel(fingerprint="e" * 64, name="other")) as other:
        with pytest.raises(ModelError, match=r"was made with planted .*with other"):
            import_(tmp_path / "out.zip", tmp_path / "new.db")
        assert other.people() == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gallery.json", lambda text: "{"),
        ("gallery.json", lambda text: text.replace('"format": 1', '"format": 9')),
        ("people.jsonl", lambda text: text.splitlines()[0]),
        ("people.jsonl", lambda text: text.replace('"Bea"', '"B\\u0000"')),
        ("people.jsonl", lambda text: text.replace("crops/0", "../../crops/0")),
        ("embeddings.npz", lambda text: "hello"),
    ],
)
def test_a_damaged_export_changes_nothing(gallery, tmp_path, name, change):
    export(gallery._store, tmp_path / "out")
    path = tmp_path / "out" / name
    path.write_text(change(path.read_text(errors="replace")))
    with pytest.raises(DataError) as caught:
        import_(tmp_path / "out", tmp_path / "new.db")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new.db").exists()


def test_what_is_no_export(gallery, tmp_path):
    with pytest.raises(DataError, match="there is no exported gallery"):
        import_(tmp_path / "nothing.zip", tmp_path / "new.db")
    for path in (tmp_path / "text.zip", tmp_path / "empty.zip"):
        path.write_text("hello")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for path in (tmp_path / "text.zip", tmp_path / "empty.zip", tmp_path):
        with pytest.raises(DataError, match="is no exported gallery, or damaged"):
            import_(path, tmp_path / "new.db")
    with pytest.raises(DataError, match="exists; name a new"):
        export(gallery._store, tmp_path / "text.zip")


def test_backed_up_and_restored(gallery, tmp_path, planted):
    backup = tmp_path / "backup.db"
    assert back_up(tmp_path / "people.db", backup) == 2
    assert backup.stat().st_mode & 0o077 == 0
    assert restore(backup, tmp_path / "new.db") == 2
    assert same(gallery, tmp_path / "new.db", planted)
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == [
        "backup.db"
    ]


def test_an_older_backup_is_restored(gallery, tmp_path, planted):
    """One of the first schema, which knew no keys."""
    back_up(tmp_path / "people.db", tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as connection:
        for column in ("wrapped_key", "key_salt", "key_cost"):
            connection.execute(f"ALTER TABLE gallery DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    assert restore(tmp_path / "old.db", tmp_path / "new.db") == 2
    assert same(gallery, tmp_path / "new.db", planted)


def test_a_restored_gallery_is_seen_by_who_has_it_open(gallery, tmp_path):
    back_up(tmp_path / "people.db", tmp_path / "backup.db")
    gallery.enrol("Cyd", [planted_face(3)])
    assert gallery.identify(planted_face(3, 9)).name == "Cyd"
    with pytest.raises(DataError, match=r"people\.db holds 3 people; give --force"):
        restore(tmp_path / "backup.db", tmp_path / "people.db")
    assert restore(tmp_path / "backup.db", tmp_path / "people.db", force=True) == 2
    assert gallery.identify(planted_face(3, 9)).nobody
    assert gallery.identify(planted_face(0, 9)).name == "Zoë"
    assert gallery.events()[-3].what == "restored"


@pytest.mark.parametrize("damage", [b"hello", b""])
def test_a_damaged_gallery_is_restored(gallery, tmp_path, planted, damage):
    back_up(tmp_path / "people.db", tmp_path / "backup.db")
    gallery.close()
    path = tmp_path / "people.db"
    path.write_bytes(damage or path.read_bytes()[:-5000])
    with pytest.raises(DataError):
        restore(tmp_path / "backup.db", path)
    assert restore(tmp_path / "backup.db", path, force=True) == 2
    with Gallery(path, planted) as again:
        assert again.identify(planted_face(0, 9)).name == "Zoë"
        assert again.verify_integrity() == []


def test_what_is_no_backup(gallery, tmp_path):
    (tmp_path / "text").write_text("hello")
    back_up(tmp_path / "people.db", tmp_path / "newer.db")
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for name, message in (
        ("missing", "there is no backup"),
        ("text", "is no backup of a gallery"),
        ("newer.db", "is of schema 9999"),
    ):
        with pytest.raises(DataError, match=message):
            restore(tmp_path / name, tmp_path / "new.db")
    with pytest.raises(DataError, match="exists; name a new file"):
        back_up(tmp_path / "people.db", tmp_path / "text")
    with pytest.raises(DataError, match="there is no gallery"):
        back_up(tmp_path / "missing.db", tmp_path / "b.db")
    with pytest.raises(DataError, match="is kept by PostgreSQL"):
        back_up("postgresql://host/people", tmp_path / "b.db")
    assert not (tmp_path / "new.db").exists()


def test_a_backup_while_somebody_writes(gallery, tmp_path):
    with gallery._store.database.writing() as connection:
        add_person(gallery._store, connection, "Half")
        assert back_up(tmp_path / "people.db", tmp_path / "backup.db") == 2
    with sqlite3.connect(tmp_path / "backup.db") as copy:
        assert copy.execute("SELECT count(*) FROM people").fetchone() == (2,)
    copy.close()
