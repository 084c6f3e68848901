"""Galleries encrypted at rest: the seals, the keys, and whole galleries under them."""

from __future__ import annotations

import hmac
import os
import random
import signal
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

import visavis
from generated_gallery import PlantedModel, add_person, content, embedding_of, planted_face
from postgres_server import new_database
from visavis.errors import DataError
from visavis.matching.gallery import encryption
from visavis.matching.gallery import index as indexes
from visavis.matching.gallery import key as keys
from visavis.matching.gallery.backup import back_up, restore
from visavis.matching.gallery.cipher import Aes256Gcm
from visavis.matching.gallery.encryption import SEALED, decrypt, encrypt, is_encrypted, rotate
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.key import GalleryKey, new_key_file
from visavis.matching.gallery.rows import WrappedKey
from visavis.matching.gallery.tables import faces, gallery, metadata, people
from visavis.matching.gallery.transfer import import_

DATA_KEY = bytes(range(32))
CIPHER = Aes256Gcm(DATA_KEY, "people.db")
NAME, NOTE, FILE = "Xanthippe Q", "by fax in May", "77-0.jpg"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Passphrases that are stretched in no time; a gallery remembers by how much."""
    monkeypatch.setattr(keys, "SCRYPT_COST", 4)


@pytest.fixture(scope="module")
def planted() -> PlantedModel:
    return PlantedModel()


@pytest.fixture
def key(tmp_path_factory) -> GalleryKey:
    path = tmp_path_factory.mktemp("keys") / "people.key"
    new_key_file(path)
    return GalleryKey.from_file(path)


@pytest.fixture
def phrase() -> GalleryKey:
    return GalleryKey.from_passphrase("correct horse")


def fill(made: Gallery) -> None:
    photos = [planted_face(77, number) for number in range(2)]
    made.enrol(NAME, photos, keep_crops=True, consent=NOTE)
    made.enrol("Bea", [planted_face(1)])
    made.reject(NAME, planted_face(50))
    assert made.identify(planted_face(77, 9)).name == NAME


def secrets_of(made: Gallery) -> list[bytes]:
    """Bytes that say who is in it."""
    (first, _) = made.show(NAME)[1]
    picture = first.crop.picture
    return [
        b"Xanthippe", b"xanthippe", NOTE.encode(), FILE.encode(), first.photo,
        picture[50:90], picture[-90:-50], first.crop.to_bytes()[:60],
        embedding_of("77-0").tobytes(), embedding_of("77-1").tobytes()[100:140],
        embedding_of("50-0").tobytes(),
    ]  # fmt: skip


def found_in(folder, secrets) -> set[bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    inside = b"\0\0\0\0".join(path.read_bytes() for path in files)
    return {secret for secret in secrets if secret in inside}


class TestSeals:
    @given(st.binary(max_size=300), st.binary(max_size=40))
    def test_what_is_sealed_is_opened(self, value, place):
        sealed = CIPHER.seal(value, place)
        assert CIPHER.open(sealed, place) == value
        assert len(sealed) == len(value) + 28
        assert CIPHER.seal(value, place) != sealed  # a nonce of its own

    @given(st.binary(max_size=60), st.data())
    def test_any_flipped_bit_is_noticed(self, value, data):
        sealed = bytearray(CIPHER.seal(value, b"here"))
        where = data.draw(st.integers(0, 8 * len(sealed) - 1))
        sealed[where // 8] ^= 1 << where % 8
        with pytest.raises(DataError, match=r"people\.db is damaged: a sealed value was changed"):
            CIPHER.open(bytes(sealed), b"here")

    @given(st.binary(max_size=60), st.integers(0, 87))
    def test_so_is_any_cut(self, value, length):
        sealed = CIPHER.seal(value, b"here")
        with pytest.raises(DataError):
            CIPHER.open(sealed[: min(length, len(sealed) - 1)], b"here")

    @given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
    def test_it_opens_nowhere_else(self, value, place, other):
        if place != other:
            with pytest.raises(DataError):
                CIPHER.open(CIPHER.seal(value, place), other)

    def test_by_the_books(self):
        """HKDF, HMAC and GCM as RFC 5869 and SP 800-38D write them, and so for ever."""

        def derived(purpose: bytes) -> bytes:
            extracted = hmac.digest(bytes(32), DATA_KEY, "sha256")
            return hmac.digest(extracted, purpose + b"\1", "sha256")

        sealed = CIPHER.seal(b"Ada", b"1/people.name/2")
        aead = AESGCM(derived(b"visavis gallery values"))
        assert aead.decrypt(sealed[:12], sealed[12:], b"1/people.name/2") == b"Ada"
        expected = hmac.digest(derived(b"visavis gallery lookup"), b"ada", "sha256")
        assert CIPHER.key_of(b"ada") == expected

    def test_every_column_of_bytes_is_sealed(self):
        columns = {
            (table.name, column.name)
            for table in metadata.sorted_tables
            for column in table.columns
            if isinstance(column.type, sa.LargeBinary) and table is not gallery
        }
        lookups = {("people", "key"), ("faces", "photo_key"), ("wrong_answers", "photo_key")}
        sealed = {(table.name, name) for table, names in SEALED.items() for name in names}
        assert columns == lookups | sealed


class TestKeys:
    def test_lazily_at_hand(self):
        assert visavis.GalleryKey is GalleryKey

    def test_a_new_file_is_its_owners(self, tmp_path):
        new_key_file(tmp_path / "a.key")
        new_key_file(tmp_path / "b.key")
        assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
        assert (tmp_path / "a.key").read_bytes() != (tmp_path / "b.key").read_bytes()
        for path, words in (("a.key", "exists; name a new file"), ("no/a.key", "cannot write")):
            with pytest.raises(DataError, match=words):
                new_key_file(tmp_path / path)

    @pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 44, b"QUFB\n", b"A" * 2000])
    def test_files_that_hold_no_key(self, tmp_path, content):
        (tmp_path / "k").write_bytes(content)
        with pytest.raises(DataError, match="is no key file, which holds 32 bytes in base64"):
            GalleryKey.from_file(tmp_path / "k")
        with pytest.raises(DataError, match=r"cannot read the key file .*gone: No such file"):
            GalleryKey.from_file(tmp_path / "gone")

    def test_wrapped_and_unwrapped(self, key, phrase):
        for own, other in ((key, phrase), (phrase, key)):
            wrapped = own.wrap(DATA_KEY, 7)
            assert wrapped != own.wrap(DATA_KEY, 7)
            assert own.unwrap(wrapped, 7, "people.db") == DATA_KEY
            with pytest.raises(
                DataError, match=r"does not open people\.db: it is another gallery's"
            ):
                own.unwrap(wrapped, 8, "people.db")
            with pytest.raises(DataError, match=r"people\.db is opened by a .*, not by a "):
                other.unwrap(wrapped, 7, "people.db")

    def test_so_for_ever(self):
        """What an earlier version wrapped."""
        sealed = bytes.fromhex(
            "000000000000000000000000"
            "be2560885bfaa5b36e7f9f5a56a434ad93ad93bcb5a81bad85b64d179bd27dcf8ce135328af959b311815dc0a8a4b46f"
        )
        wrapped = WrappedKey(sealed, b"s" * 16, 4)
        assert GalleryKey.from_passphrase("correct horse").unwrap(wrapped, 7, "g") == DATA_KEY

    def test_passphrases(self, phrase):
        wrapped = GalleryKey.from_passphrase("Zoë says so").wrap(DATA_KEY, 7)
        assert (len(wrapped.salt), wrapped.cost) == (16, 4)
        assert GalleryKey.from_passphrase("Zoe\u0308 says so").unwrap(wrapped, 7, "g") == DATA_KEY
        with pytest.raises(DataError, match="that passphrase does not open g"):
            phrase.unwrap(wrapped, 7, "g")
        with pytest.raises(DataError, match="cannot be empty"):
            GalleryKey.from_passphrase("")
        with pytest.raises(DataError, match="fewer than 8 characters is guessed at once"):
            GalleryKey.from_passphrase("sévenüs").wrap(DATA_KEY, 7)

    @pytest.mark.parametrize("cost", [0, 23, 63])
    def test_a_damaged_cost_takes_no_memory(self, phrase, cost):
        with pytest.raises(DataError, match="its passphrase cannot have a cost of"):
            phrase.unwrap(WrappedKey(b"", b"s" * 16, cost), 7, "g")

    def test_nobody_prints_one(self, key, phrase):
        for one in (key, phrase):
            assert one._secret.hex() not in repr(one)
            assert "horse" not in repr(one) + str(one)


class TestGalleries:
    """On both stores."""

    @pytest.fixture
    def filled(self, url, planted):
        with Gallery(url, planted) as made:
            fill(made)
        return url

    def test_encrypted_rotated_decrypted(self, filled, planted, key, phrase):
        with Gallery(filled, planted) as made:
            before, info = content(made), made.info()
        assert (info["cipher"], info["key"], is_encrypted(filled)) == ("plain", None, False)
        with_server = _has_vectors(filled, planted)
        for change, opens, kind in (
            (lambda: encrypt(filled, key), key, "file"),
            (lambda: rotate(filled, key, phrase), phrase, "passphrase"),
            (lambda: rotate(filled, phrase, phrase), phrase, "passphrase"),
            (lambda: decrypt(filled, phrase), None, None),
        ):
            assert change() is True
            assert is_encrypted(filled) is (opens is not None)
            with Gallery(filled, planted, key=opens, create=False) as made:
                assert content(made) == before
                assert made.verify_integrity() == []
                assert (made.info()["number"], made.info()["key"]) == (info["number"], kind)
                assert made.identify(planted_face(77, 9)).name == NAME
                assert made.identify(planted_face(50)).nobody
                assert made.enrol("xanthippe q", [planted_face(77)]).already == [FILE]
            assert _has_vectors(filled, planted, opens) is (with_server and opens is None)
        with Gallery(filled, planted) as made:
            events = [event.what for event in made.events()]
        assert [what for what in events if "crypted" in what] == [
            "encrypted", "encrypted anew", "encrypted anew", "decrypted",
        ]  # fmt: skip

    def test_made_encrypted(self, url, planted, phrase, key):
        with Gallery(url, planted, key=phrase) as made:
            fill(made)
            made.rename(NAME, "Ada")
            assert made.merge("Bea", "Ada").photos == 3
            assert not made._store.faces.vectors
        assert is_encrypted(url)
        with Gallery(url, planted, key=phrase, create=False) as made:
            assert made.identify(planted_face(77, 9)).name == "Ada"
            assert made.forget("ada").names == ["Ada"]
            assert made.identify(planted_face(77, 9)).nobody

    def test_keys_that_do_not_fit(self, filled, planted, key, phrase):
        with pytest.raises(DataError, match="is not encrypted, and a key is given"):
            Gallery(filled, planted, key=key)
        for act in (lambda: rotate(filled, None, key), lambda: decrypt(filled, None)):
            with pytest.raises(DataError, match="is not encrypted; say `visavis gallery encrypt`"):
                act()
        encrypt(filled, phrase)
        other = GalleryKey.from_passphrase("incorrect horse")
        for given_key, words in (
            (None, "is encrypted: give its key with --key-file, VISAVIS_GALLERY_KEY_FILE or"),
            (other, "that passphrase does not open"),
            (key, "is opened by a passphrase, not by a key file"),
        ):
            for act in (
                lambda given_key=given_key: Gallery(filled, planted, key=given_key),
                lambda given_key=given_key: rotate(filled, given_key, key),
                lambda given_key=given_key: decrypt(filled, given_key),
            ):
                with pytest.raises(DataError, match=words):
                    act()
        with pytest.raises(DataError, match="encrypted already; `visavis gallery encrypt --rotate"):
            encrypt(filled, key)
        rotate(filled, phrase, key)
        with pytest.raises(DataError, match="is opened by a key file, not by a passphrase"):
            Gallery(filled, planted, key=phrase)

    def test_a_value_moved_elsewhere_does_not_open(self, filled, planted, phrase):
        encrypt(filled, phrase)
        with Gallery(filled, planted, key=phrase) as made:
            writing = made._store.database.writing
            with writing() as connection:
                asked = sa.select(people.c.id, people.c.name).order_by(people.c.id)
                first, second = connection.execute(asked).all()
                for row, other in ((first, second), (second, first)):
                    changed = sa.update(people).where(people.c.id == row.id)
                    connection.execute(changed.values(name=other.name))
            with pytest.raises(DataError, match="is damaged: a sealed value was changed, or comes"):
                made.people()
            with writing() as connection:
                for row in (first, second):
                    changed = sa.update(people).where(people.c.id == row.id)
                    connection.execute(changed.values(name=row.name))
            assert made.verify_integrity() == []
            with writing() as connection:  # to another column of its own row
                connection.execute(sa.update(faces).values(file=faces.c.photo))
            (problem,) = made.verify_integrity()
            assert "a sealed value was changed" in problem

    def test_who_has_it_open_opens_it_again(self, filled, planted, key, phrase):
        """Nobody writes in the clear, or by an old key, into what another process encrypted."""
        was = Gallery(filled, planted)
        was.identify(planted_face(77, 9))
        encrypt(filled, key)
        opened = Gallery(filled, planted, key=key)
        for stale in (was, opened):
            if stale is opened:
                rotate(filled, key, phrase)
            for act in (
                lambda stale=stale: stale.enrol("Cyd", [planted_face(3)]),
                lambda stale=stale: stale.rename("Bea", "Cyd"),
                lambda stale=stale: stale.identify(planted_face(77, 9)),
                lambda stale=stale: stale.people(),
            ):
                with pytest.raises(DataError, match="by another process meanwhile; open it again"):
                    act()
            stale.close()
        with Gallery(filled, planted, key=phrase) as made:
            assert [person.name for person in made.people()] == ["Bea", NAME]

    def test_who_writes_meanwhile_waits_and_is_refused(self, filled, planted, key, monkeypatch):
        begun, go_on, seal = Event(), Event(), encryption._seal_rows

        def slow(*given):
            begun.set()
            go_on.wait(20)
            seal(*given)

        monkeypatch.setattr(encryption, "_seal_rows", slow)
        with Gallery(filled, planted) as stale, ThreadPoolExecutor(2) as pool:
            changing = pool.submit(encrypt, filled, key)
            assert begun.wait(20)
            enrolling = pool.submit(stale.enrol, "Cyd", [planted_face(3)])
            time.sleep(0.2)
            assert not enrolling.done()
            go_on.set()
            changing.result()
            with pytest.raises(DataError, match="meanwhile; open it again"):
                enrolling.result()
        with Gallery(filled, planted, key=key) as made:
            assert [person.name for person in made.people()] == ["Bea", NAME]

    def test_what_was_begun_before_is_sealed_too(self, filled, planted, key):
        with Gallery(filled, planted) as stale, ThreadPoolExecutor(1) as pool:
            with stale._store.database.writing() as connection:
                add_person(stale._store, connection, "Cyd", NOTE)
                changing = pool.submit(encrypt, filled, key)
                time.sleep(0.2)
                assert not changing.done()
            changing.result()
        with Gallery(filled, planted, key=key) as made:
            assert made.show("cyd")[0].consent == NOTE

    def test_nothing_is_made_by_trying(self, tmp_path, key):
        for act in (
            lambda: encrypt(tmp_path / "p.db", key),
            lambda: rotate(tmp_path / "p.db", key, key),
            lambda: decrypt(tmp_path / "p.db", key),
        ):
            with pytest.raises(DataError, match="there is no gallery"):
                act()
        assert not is_encrypted(tmp_path / "p.db")
        assert list(tmp_path.iterdir()) == []


def _has_vectors(url, planted, key=None) -> bool:
    with Gallery(url, planted, key=key, create=False) as made:
        return made._store.faces.vectors


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path, planted, monkeypatch):
        """A gallery whose index is cached beside it."""
        monkeypatch.setattr(indexes, "CACHED_FROM", 1)
        folder = tmp_path / "gallery"
        folder.mkdir()
        with Gallery(folder / "people.db", planted) as made:
            fill(made)
            self.secrets = secrets_of(made)
        (folder / ".people.db-index-killed").write_bytes(embedding_of("77-0").tobytes())
        return folder / "people.db"

    def test_no_plaintext_is_left(self, path, planted, key, phrase):
        assert found_in(path.parent, self.secrets) == set(self.secrets)
        encrypt(path, key)
        assert found_in(path.parent, self.secrets) == set()
        with Gallery(path, planted, key=key) as made:  # at work, with its log and its index
            assert made.identify(planted_face(77, 9)).name == NAME
            made.enrol(NAME, [planted_face(77, 5)], keep_crops=True)
            made.identify(planted_face(77, 9))
            assert any("-index-" in file.name for file in path.parent.iterdir())
            assert any(file.name.endswith("-wal") for file in path.parent.iterdir())
            assert found_in(path.parent, [*self.secrets, embedding_of("77-5").tobytes()]) == set()
        old = _sealed(path)
        rotate(path, key, phrase)
        assert found_in(path.parent, self.secrets + old) == set()
        back_up(path, path.parent / "copy.db")
        assert found_in(path.parent, self.secrets) == set()
        decrypt(path, phrase)
        assert found_in(path.parent, self.secrets) == set(self.secrets)

    def test_nor_where_somebody_reads_meanwhile(self, path, planted, key):
        with Gallery(path, planted) as other:
            other.people()
            assert encrypt(path, key) is True
            assert found_in(path.parent, self.secrets) == set()

    def test_forgotten_seals_are_gone_too(self, path, planted, key):
        encrypt(path, key)
        with Gallery(path, planted, key=key) as made:
            made.identify(planted_face(77, 9))
            old = set(_sealed(path))
            made.forget(NAME)
            left = set(_sealed(path))
            assert (len(old), len(left)) == (10, 4)  # of two people and three photos
            assert found_in(path.parent, old) == left

    def test_the_cached_index_is_one_seal(self, path, planted, key, monkeypatch):
        encrypt(path, key)

        def answer():
            with Gallery(path, planted, key=key) as made:
                return made.identify(planted_face(77, 9)).as_dict()

        first = answer()
        (cache,) = [file for file in path.parent.iterdir() if "-index-" in file.name]
        rows = "visavis.matching.gallery.faces_table.FacesTable.embeddings"
        with monkeypatch.context() as patch:
            patch.setattr(rows, lambda *_: 1 / 0)
            assert answer() == first
        sealed = cache.read_bytes()
        cache.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        assert answer() == first
        assert len(cache.read_bytes()) == len(sealed)

    def test_copies(self, path, planted, key, tmp_path):
        """A backup is encrypted and needs no key; an export is in the clear and needs it."""
        encrypt(path, key)
        backup = tmp_path / "backup.db"
        assert back_up(path, backup) == restore(backup, tmp_path / "new.db") == 2
        with (
            Gallery(path, planted, key=key) as made,
            Gallery(tmp_path / "new.db", planted, key=key, create=False) as again,
        ):
            assert content(again) == content(made)
            made.export(tmp_path / "out")
            assert b"Xanthippe" in (tmp_path / "out" / "people.jsonl").read_bytes()
            with pytest.raises(DataError, match="is encrypted: give its key"):
                import_(tmp_path / "out", path)
            target = tmp_path / "third" / "people.db"
            target.parent.mkdir()
            assert import_(tmp_path / "out", target, key) == (2, 3)
            assert found_in(target.parent, self.secrets) == set()
            with Gallery(target, planted, key=key) as third:
                assert content(third) == content(made)
                assert third.info()["number"] != made.info()["number"]

    def test_another_gallerys_rows_do_not_open(self, path, planted, key, tmp_path):
        """Nor where both have one data key, as after a restored backup."""
        encrypt(path, key)
        back_up(path, tmp_path / "copy.db")
        with Gallery(path, planted, key=key) as made:
            cipher = made._store.sealing.cipher
            number = made.info()["number"]
            row = made.people()[0].number
            with made._store.database.reading() as connection:
                sealed = connection.scalar(sa.select(people.c.name).where(people.c.id == row))
        assert cipher.open(sealed, f"{number}/people.name/{row}".encode()) == b"Bea"
        with pytest.raises(DataError):
            cipher.open(sealed, f"{number + 1}/people.name/{row}".encode())

    @pytest.mark.parametrize("column", ["wrapped_key", "key_salt", "key_cost", "id"])
    def test_a_damaged_key_row(self, path, planted, phrase, column):
        encrypt(path, phrase)
        value = {"key_cost": 5, "id": 7}.get(column, b"x" * 60)
        with Gallery(path, planted, key=phrase) as made, made._store.database.writing() as writing:
            writing.execute(sa.update(gallery).values({column: value}))
        with pytest.raises(DataError, match="that passphrase does not open"):
            Gallery(path, planted, key=phrase)


def test_no_plaintext_is_left_on_the_server(postgres, planted, key):
    with new_database(postgres) as url:
        with Gallery(url, planted) as made:
            fill(made)
            secrets = secrets_of(made)
        tables = postgres.pgdata / "base"
        postgres.psql("CHECKPOINT")
        assert len(found_in(tables, secrets)) > len(secrets) / 2  # it compresses some
        assert encrypt(url, key)
        postgres.psql("CHECKPOINT")
        assert found_in(tables, secrets) == set()


def _sealed(path) -> list[bytes]:
    """Parts of all sealed embeddings and names, as the rows hold them."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        values = [
            bytes(value)
            for column in (faces.c.embedding, faces.c.file, people.c.name, people.c.key)
            for value in connection.scalars(sa.select(column))
        ]
    engine.dispose()
    return values


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it kills its own forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_in_the_middle_it_is_the_old_gallery_or_the_new(tmp_path, planted, key, phrase):
    path = tmp_path / "people.db"
    with Gallery(path, planted) as made:
        for person in range(18):
            made.enrol(f"Person {person}", [planted_face(person)], keep_crops=True)
        before = content(made)
    encrypt(path, key)  # all is imported before the forks
    decrypt(path, key)
    started = time.perf_counter()
    _change_for_ever(path, key, phrase, rounds=1)
    span = time.perf_counter() - started
    rng = random.Random(2)
    seen = set()
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                _change_for_ever(path, key, phrase)
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0.1, 1.0) * span)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "it failed by itself"
        opens = _opening_key(path, planted, key, phrase)
        seen.add(opens)
        with Gallery(path, planted, key=opens, create=False) as made:
            assert made.verify_integrity() == []
            assert content(made) == before
            assert made.scrub()
        found = found_in(tmp_path, [b"Person 17", embedding_of("17-0").tobytes()])
        assert bool(found) is (opens is None)
        _back_to_plain(path, opens)
    assert len(seen) > 1


def _change_for_ever(path, key, phrase, rounds: int = 10**6) -> None:
    for _ in range(rounds):
        encrypt(path, key)
        rotate(path, key, phrase)
        decrypt(path, phrase)


def _opening_key(path, planted, *known):
    """The one way to open it."""
    ways = []
    for one in (None, *known):
        try:
            Gallery(path, planted, key=one, create=False).close()
            ways.append(one)
        except DataError:
            pass
    (way,) = ways
    return way


def _back_to_plain(path, opens) -> None:
    if opens is not None:
        decrypt(path, opens)


def test_many_rows(tmp_path, key, monkeypatch):
    """More than one statement takes."""
    monkeypatch.setattr(
        "visavis.matching.gallery.encryption.in_blocks",
        lambda values: (values[start : start + 2] for start in range(0, len(values), 2)),
    )
    model = PlantedModel()
    with Gallery(tmp_path / "people.db", model) as made:
        for person in range(5):
            made.enrol(f"P{person}", [planted_face(person)])
        before = content(made)
    encrypt(tmp_path / "people.db", key)
    with Gallery(tmp_path / "people.db", model, key=key) as made:
        assert content(made) == before
        embeddings = made.show("p3")[1][0].embedding
    np.testing.assert_array_equal(embeddings, embedding_of("3-0"))
