"""A gallery's database: schema, transactions, and what it says of its troubles."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from generated_gallery import add_person, seen_face
from visavis.errors import DataError
from visavis.matching.gallery import database as databases
from visavis.matching.gallery import schema, tables
from visavis.matching.gallery.cipher import Plain
from visavis.matching.gallery.database import Database, parse_url
from visavis.matching.gallery.rows import WrongAnswer
from visavis.matching.gallery.sealing import new_numbers
from visavis.matching.gallery.store import Store


def make(path, size: int = 4) -> Store:
    return Store.create(Database(path), "planted", "f" * 64, size)


@pytest.fixture
def store(tmp_path):
    made = make(tmp_path / "people.db")
    yield made
    made.database.close()


def enrol(store: Store, name: str, *faces, **more) -> int:
    with store.database.writing() as connection:
        number = add_person(store, connection, name, more.get("consent"), more.get("expires"))
        store.faces.add(connection, [(number, face) for face in faces])
        store.changed(connection)
    return number


def test_a_new_gallery_is_what_the_schema_says(store):
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert schema.schema_of(connection, "people.db") == tables.SCHEMA
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        ]
    assert modes == ["wal", 2, 1, 1]
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [tables.SCHEMA]


def test_created_once_opened_ever_after(store, tmp_path):
    again = make(tmp_path / "people.db")
    opened = Store.open(Database(tmp_path / "people.db"))
    assert store.facts == again.facts == opened.facts
    assert (opened.facts.model, opened.facts.embedding_size) == ("planted", 4)
    for other in (again, opened):
        other.database.close()


def test_nothing_is_made_by_looking(tmp_path):
    assert Store.open(Database(tmp_path / "people.db")) is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_gallery_yet(tmp_path):
    (tmp_path / "people.db").touch()
    assert Store.open(Database(tmp_path / "people.db")) is None


def test_what_is_written_is_read(store):
    first, second = seen_face(1, crop=True), seen_face(2)
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    number = enrol(store, "Ada Lovelace", first, second, consent="signed", expires=expires)
    with store.database.reading() as connection:
        ada = store.people.find(connection, "ada LOVELACE")
        assert (ada.number, ada.name, ada.photos) == (number, "Ada Lovelace", 2)
        assert (ada.consent, ada.expires) == ("signed", expires)
        assert datetime.now(UTC) - ada.created < timedelta(minutes=1)
        one, two = store.faces.of(connection, number)
        owners, embeddings = store.faces.embeddings(connection)
        known = store.faces.enrolled_as(connection, [first.photo, b"x" * 32])
    for face, back in ((first, one), (second, two)):
        assert (back.photo, back.file, back.box) == (face.photo, face.file, face.box)
        assert back.sharpness == pytest.approx(face.sharpness)
        np.testing.assert_array_equal(back.embedding, face.embedding)
    assert two.crop is None
    assert one.crop.picture == first.crop.picture
    np.testing.assert_array_equal(one.crop.places, first.crop.places)
    assert owners.tolist() == [number, number]
    np.testing.assert_array_equal(embeddings, [first.embedding, second.embedding])
    assert known == {first.photo: {number}}


def test_a_transaction_is_whole_or_nothing(store):
    with pytest.raises(RuntimeError), store.database.writing() as connection:
        number = add_person(store, connection, "Ada")
        store.faces.add(connection, [(number, seen_face(1))])
        raise RuntimeError
    with store.database.reading() as connection:
        assert store.counts(connection) == {"people": 0, "photos": 0, "wrong_answers": 0}


def test_a_person_goes_with_all_that_is_known(store):
    number = enrol(store, "Ada", seen_face(1))
    other = enrol(store, "Bea", seen_face(2))
    wrong = WrongAnswer(number, b"w" * 32, np.ones(4, np.float32))
    with store.database.writing() as connection:
        store.faces.add_wrong_answer(connection, wrong)
    with store.database.reading() as connection:
        (back,) = store.faces.wrong_answers(connection)
    assert (back.person, back.photo) == (number, wrong.photo)
    np.testing.assert_array_equal(back.embedding, wrong.embedding)
    with store.database.writing() as connection:
        store.people.remove(connection, [number])
        assert store.counts(connection) == {"people": 1, "photos": 1, "wrong_answers": 0}
        assert store.people.by_number(connection, [number, other]).keys() == {other}


def test_merged_people_keep_each_photo_once(store):
    shared = seen_face(1)
    source, target = enrol(store, "A. L.", shared, seen_face(2)), enrol(store, "Ada", shared)
    with store.database.writing() as connection:
        store.people.merge(connection, source, target)
    with store.database.reading() as connection:
        (ada,) = store.people.everybody(connection)
        assert (ada.number, ada.photos) == (target, 2)


def test_the_sealed_columns_pass_through_the_cipher(tmp_path, monkeypatch):
    """Nothing that names or shows somebody is written but by ``seal`` and ``key_of``."""

    class Marked(Plain):
        def seal(self, content, associated):
            return b"sealed:" + associated + b":" + content[::-1]

        def open(self, sealed, associated):
            mark = b"sealed:" + associated + b":"
            assert sealed.startswith(mark)
            return sealed.removeprefix(mark)[::-1]

        def key_of(self, content):
            return b"key:" + content[::-1]

    plain = make(tmp_path / "people.db")
    store = Store(plain.database, plain.facts, Marked())
    face = seen_face(1, crop=True)
    number = enrol(store, "Ada Lovelace", face, consent="signed in May")
    with store.database.writing() as connection:
        store.faces.add_wrong_answer(connection, WrongAnswer(number, face.photo, face.embedding))
    with store.database.reading() as connection:
        assert store.people.person(connection, "Ada lovelace").consent == "signed in May"
        (back,) = store.faces.of(connection, number)
        assert (back.file, back.photo) == (face.file, face.photo)
        np.testing.assert_array_equal(store.faces.embeddings(connection)[1][0], face.embedding)
        assert len(store.faces.wrong_answers(connection)) == 1
        assert store.faces.enrolled_as(connection, [face.photo]) == {face.photo: {number}}
    store.database.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    secrets = (
        b"Ada", b"Lovelace", b"lovelace", b"signed in", face.file.encode(), face.photo,
        face.embedding.tobytes(), face.crop.picture,
    )  # fmt: skip
    assert not [secret for secret in secrets if secret in content]


def test_generations_only_grow(store):
    with store.database.writing() as connection:
        seen = [store.generation(connection)]
        for _ in range(3):
            store.changed(connection)
            seen.append(store.generation(connection))
        store.changed(connection, after=seen[-1] + 10**15)
        seen.append(store.generation(connection))
    assert seen == sorted(set(seen))
    assert seen[-1] > seen[-2] + 10**15


def test_numbers_are_new():
    numbers = [number for _ in range(50) for number in new_numbers(3)]
    assert len(set(numbers)) == 150
    assert max(numbers) < 2**63


def test_readers_read_while_one_writes(store, tmp_path):
    enrol(store, "Ada", seen_face(1))
    reader = Store.open(Database(tmp_path / "people.db"))
    with store.database.writing() as writing:
        add_person(store, writing, "Bea")
        with reader.database.reading() as connection:
            assert reader.counts(connection)["people"] == 1
    with reader.database.reading() as connection:
        assert reader.counts(connection)["people"] == 2
    reader.database.close()


def test_a_second_writer_waits_then_says_so(store, tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.1)
    other = Store.open(Database(tmp_path / "people.db"))
    with store.database.writing(), pytest.raises(DataError, match="in use by another process"):
        enrol(other, "Bea")
    assert enrol(other, "Bea")
    other.database.close()


def test_a_full_disk_changes_nothing(store):
    enrol(store, "Ada", seen_face(1))
    with store.database.alone() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    sa.event.listen(
        store.database.engine,
        "begin",
        lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}"),
    )
    crowd = [seen_face(n, crop=True) for n in range(40)]
    with pytest.raises(DataError, match="the disk is full; free some space, nothing was changed"):
        enrol(store, "Bea", *crowd)
    with store.database.reading() as connection:
        assert [person.name for person in store.people.everybody(connection)] == ["Ada"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello " * 1000, "is not an SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "people.db"),
    ],
)
def test_not_a_database(tmp_path, content, message):
    path = tmp_path / "people.db"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        Store.open(Database(path))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_truncated_database(store, tmp_path):
    enrol(store, "Ada", *[seen_face(n, crop=True) for n in range(20)])
    store.database.close()
    path = tmp_path / "people.db"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match="is damaged or truncated; bring a backup back with"):
        Store.open(Database(path))


def test_somebody_elses_database(tmp_path):
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    for attempt in (lambda: Store.open(Database(path)), lambda: make(path)):
        with pytest.raises(DataError, match="it holds other tables, such as bookmarks"):
            attempt()


def test_a_newer_schema(store, tmp_path):
    with store.database.writing() as connection:
        connection.execute(sa.update(schema.VERSION).values(version_num="9999"))
    with pytest.raises(DataError, match=r"is of schema 9999, and this visavis knows schemas up to"):
        Store.open(Database(tmp_path / "people.db"))


def test_an_older_schema_is_brought_up(tmp_path):
    """A gallery of the first schema, made by its own revision, with what an old visavis wrote."""
    database = Database(tmp_path / "people.db")
    database.make_private()
    face = seen_face(1)
    with database.writing() as connection:
        schema.upgrade(connection, "0001")
        connection.exec_driver_sql(
            "INSERT INTO gallery VALUES (7, 'planted', 'ff', 4, 'plain', 11, 1700000000000000)"
        )
        connection.exec_driver_sql(
            "INSERT INTO people VALUES (8, x'616461', x'416461', NULL, 9, 9)"
        )
        connection.exec_driver_sql(
            "INSERT INTO faces VALUES (9, 8, ?, x'00', x'00', x'61', 1, 2, 3, 4, 5, 6, 7, 8,"
            " NULL, 9)",
            (face.embedding.tobytes(),),
        )
    store = Store.open(database)
    assert (store.facts.number, store.facts.model, store.facts.key) == (7, "planted", None)
    with database.reading() as connection:
        assert schema.schema_of(connection, "people.db") == tables.SCHEMA
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert store.generation(connection) == 11
        assert store.people.person(connection, "ada").number == 8
        (back,) = store.faces.of(connection, 8)
    np.testing.assert_array_equal(back.embedding, face.embedding)
    enrol(store, "Bea", seen_face(2))
    database.close()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        make(tmp_path / "nowhere" / "people.db")


def test_a_file_that_may_only_be_read(store, tmp_path, monkeypatch):
    enrol(store, "Ada", seen_face(1))
    store.database.close()
    path = tmp_path / "people.db"
    path.chmod(stat.S_IRUSR)
    monkeypatch.setattr(databases.os, "access", lambda *_: False)  # root may write anything
    reader = Store.open(Database(path))
    with reader.database.reading() as connection:
        assert reader.counts(connection)["people"] == 1
    with pytest.raises(DataError, match="may not be written"):
        enrol(reader, "Bea")
    reader.database.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["people.db"]


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "a:b://c"])
def test_other_addresses_are_refused(url):
    with pytest.raises(DataError, match="is no gallery's address; write sqlite:///people"):
        parse_url(url)


def test_addresses(tmp_path):
    assert parse_url("people.db") == parse_url("sqlite:///people.db")
    for scheme in ("postgres", "postgresql"):
        database = Database(f"{scheme}://ada:secret@db.example/people")
        assert database.name == "postgresql://ada:***@db.example/people"
        assert database.path is None


def test_a_database_server_that_does_not_answer():
    pytest.importorskip("psycopg")
    database = Database("postgresql://ada:secret@127.0.0.1:1/people")
    with pytest.raises(DataError) as caught:
        Store.open(database)
    assert str(caught.value).startswith("postgresql://ada:***@127.0.0.1:1/people: connection")
    assert "secret" not in str(caught.value)
