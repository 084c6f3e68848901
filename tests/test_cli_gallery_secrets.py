"""``visavis gallery encrypt | decrypt | new-key | migrate``, and every verb under a key."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import pytest

from generated_gallery import PlantedModel, planted_face
from generated_models import write_model
from run_command import Run, runner
from visavis.matching.gallery import key as keys
from visavis.matching.gallery.encryption import is_encrypted
from visavis.matching.gallery.gallery import Gallery

PASSPHRASE = "VISAVIS_GALLERY_PASSPHRASE"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keys, "SCRYPT_COST", 4)
    with Gallery("people.db", PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0), planted_face(0, 1)], keep_crops=True)
        gallery.enrol("Bea", [planted_face(1)])
    return runner(monkeypatch, capfd)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """Somebody who sits there and types."""

    def sit(*lines: str) -> list[str]:
        waiting, asked = iter(lines), []

        def typed(prompt: str) -> str:
            asked.append(prompt)
            line = next(waiting, None)
            if line is None:
                raise EOFError
            return line

        monkeypatch.setattr(getpass, "getpass", typed)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        return asked

    return sit


def test_by_a_key_file(run: Run) -> None:
    assert run("gallery", "new-key", "k").out.startswith("k is a new key; keep it, and a copy")
    ran = run("gallery", "encrypt", "--key-file", "k")
    assert (ran.code, ran.err) == (0, "sealing people (2)\nsealing faces (3)\n")
    assert ran.out.startswith("sqlite:///people.db is encrypted. Keep a copy of the key elsewhere.")
    info = run("gallery", "info", "--key-file", "k")
    assert "  sealed   by aes-256-gcm, opened by a key file\n" in info.out
    refused = run("gallery", "info")
    assert refused.code == 2
    refused.one_sentence("people.db is encrypted: give its key with --key-file, VISAVIS_GALLERY")
    run("gallery", "new-key", "other")
    ran = run("people", "list", "--key-file", "other")
    assert ran.code == 2
    ran.one_sentence("other does not open people.db")
    plain = run("gallery", "decrypt", "--key-file", "k", "--json").json
    assert (plain["encrypted"], plain["scrubbed"]) == (False, True)
    assert "  sealed   no: visavis gallery encrypt\n" in run("gallery", "info").out


def test_by_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "correct horse")
    plain = run("gallery", "encrypt", "--json").json
    assert plain == {"gallery": "sqlite:///people.db", "encrypted": True, "scrubbed": True}
    assert run("gallery", "info", "--json").json["key"] == "passphrase"
    monkeypatch.setenv(PASSPHRASE, "incorrect horse")
    ran = run("gallery", "check")
    assert ran.code == 2
    ran.one_sentence("that passphrase does not open people.db")


def test_every_verb_takes_the_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("gallery", "new-key", "k")
    run("gallery", "encrypt", "--key-file", "k")
    monkeypatch.setenv("VISAVIS_GALLERY_KEY_FILE", "k")
    assert run("people", "show", "ada").out.startswith("Ada\n")
    assert run("people", "rename", "Ada", "Ida").code == 0
    assert run("people", "merge", "Bea", "Ida").out == "Ida has 3 photos now\n"
    assert run("gallery", "check").out.startswith("people.db is whole")
    assert run("gallery", "scrub").code == 0
    ran = run("gallery", "export", "out.zip")
    assert ran.out == "1 people exported to out.zip, in the clear; keep it as safe as the gallery\n"
    assert run("gallery", "import", "out.zip", "-g", "new.db").code == 0
    assert is_encrypted("new.db")
    assert run("people", "list", "-g", "new.db").out == run("people", "list").out
    assert run("people", "purge", "--expired").code == 0
    assert run("people", "forget", "Ida").out == "forgotten: Ida; 3 photos\n"
    monkeypatch.delenv("VISAVIS_GALLERY_KEY_FILE")
    assert run("gallery", "backup", "copy.db").code == 0  # these two need none
    assert run("gallery", "restore", "copy.db", "--force").code == 0
    assert run("people", "list").code == 2


def test_enrolled_into_an_encrypted_gallery(run: Run, samples: Path) -> None:
    run("gallery", "new-key", "k")
    place = ("-g", "made.db", "--key-file", "k")
    assert run("enrol", "Obama", samples / "obama_2009.jpg", *place).code == 0
    assert is_encrypted("made.db")
    ran = run("identify", samples / "obama_2012.jpg", *place)
    assert ran.code == 0
    assert ran.out.startswith("Obama\n")
    ran = run("identify", samples / "obama_2012.jpg", "-g", "made.db")
    assert ran.code == 2
    ran.one_sentence("made.db is encrypted: give its key")


def test_rotate(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("gallery", "new-key", "k")
    run("gallery", "new-key", "k2")
    run("gallery", "encrypt", "--key-file", "k")
    ran = run("gallery", "encrypt", "--rotate", "--key-file", "k", "--new-key-file", "k2")
    assert ran.out.startswith("sqlite:///people.db is encrypted anew: only the new key opens it.")
    assert run("people", "list", "--key-file", "k").code == 2
    assert run("people", "list", "--key-file", "k2").code == 0
    monkeypatch.setenv("VISAVIS_GALLERY_NEW_PASSPHRASE", "correct horse")
    assert run("gallery", "encrypt", "--rotate", "--key-file", "k2").code == 0
    monkeypatch.setenv(PASSPHRASE, "correct horse")
    assert run("people", "list").code == 0


def test_asked_on_a_terminal(run: Run, terminal) -> None:
    asked = terminal("correct horse", "correct horse")
    assert run("gallery", "encrypt").code == 0
    assert asked == ["new passphrase: ", "once more: "]
    asked = terminal("correct horse")
    assert run("people", "list").code == 0
    assert asked == ["passphrase of sqlite:///people.db: "]
    terminal("correct horse", "battery staple", "battery staple")
    assert run("gallery", "encrypt", "--rotate").code == 0
    asked = terminal("battery staple")
    assert run("gallery", "decrypt").code == 0
    asked = terminal()
    assert run("people", "list").code == 0
    assert asked == []  # nothing needs it


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["correct horse", "correct horsf"], "these were two passphrases; nothing was changed"),
        (["short", "short"], "fewer than 8 characters"),
        (["", ""], "a passphrase cannot be empty"),
        ([], "no passphrase was given"),
    ],
)
def test_typed_wrongly(run: Run, terminal, typed: list[str], words: str) -> None:
    terminal(*typed)
    ran = run("gallery", "encrypt")
    assert ran.code == 2
    ran.one_sentence(words)
    assert not is_encrypted("people.db")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("encrypt",), "give the key that is to open it: --key-file FILE"),
        (("encrypt", "--rotate"), "give the key that is to open it: --new-key-file FILE"),
        (("encrypt", "--key-file", "gone"), "cannot read the key file gone"),
        (("encrypt", "--key-file", "people.db"), "people.db is no key file"),
        (("encrypt", "--new-key-file", "k"), "--new-key-file goes with --rotate"),
        (("encrypt", "--rotate", "--new-key-file", "k"), "people.db is not encrypted"),
        (("encrypt", "--key-file", "k", "-g", "gone.db"), "there is no gallery gone.db"),
        (("decrypt",), "people.db is not encrypted"),
        (("info", "--key-file", "k"), "people.db is not encrypted, and a key is given"),
        (("new-key", "people.db"), "people.db exists; name a new file for the key"),
        (("migrate", "--model", "nothing"), "nothing"),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], words: str) -> None:
    run("gallery", "new-key", "k")
    ran = run("gallery", *arguments)
    assert ran.code == 2
    ran.one_sentence(words)
    assert run("gallery", "check").code == 0


class TestMigrate:
    @pytest.fixture(autouse=True)
    def drawn(self, run: Run) -> None:
        write_model(Path("drawn"))

    def test_what_is_missing(self, run: Run) -> None:
        ran = run("gallery", "migrate", "--model", "drawn")
        assert (ran.code, ran.out) == (2, "")
        ran.one_sentence("no crop is kept of 1 of 3 photos, so nothing was changed")
        assert "no crop is kept: 1-0.jpg of Bea, who has no other photo\n" in ran.err
        ran = run("gallery", "migrate", "--model", "drawn", "--json")
        assert ran.code == 2
        assert (ran.json["done"], ran.json["missing"]) == (False, {"Bea": ["1-0.jpg"]})
        assert "visavis: no crop is kept of 1 of 3 photos" in ran.err

    def test_how_much_it_takes(self, run: Run) -> None:
        ran = run("gallery", "migrate", "--model", "drawn", "--dry-run")
        assert ran.code == 0
        assert ran.out == (
            "2 photos of sqlite:///people.db to be embedded by drawn instead of planted\n"
        )
        plain = run("gallery", "migrate", "--model", "drawn", "--dry-run", "--json").json
        assert (plain["photos"], plain["left_out"], plain["done"]) == (2, ["Bea"], False)
        assert run("gallery", "info", "--json").json["model"] == "planted"

    def test_done(self, run: Run) -> None:
        ran = run("gallery", "migrate", "--model", "drawn", "--drop-missing")
        assert ran.code == 0
        assert ran.out == "2 photos of sqlite:///people.db embedded by drawn instead of planted\n"
        assert "forgotten: 1-0.jpg of Bea, who has no other photo\n" in ran.err
        assert "warning: drawn has no calibration" in ran.err
        info = run("gallery", "info", "--json").json
        assert (info["model"], info["people"], info["embedding_size"]) == ("drawn", 1, 4)
        again = run("gallery", "migrate", "--model", "drawn")
        assert (again.code, again.out) == (
            0,
            "sqlite:///people.db is drawn's already; there is nothing to do\n",
        )
