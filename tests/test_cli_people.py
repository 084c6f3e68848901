"""``visavis people``: listed, shown, renamed, merged, forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from generated_gallery import PlantedModel, planted_face
from run_command import Run, runner
from visavis.matching.gallery.gallery import Gallery


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """In a folder whose ``people.db`` knows Ada, Bea and Cyd; nobody needs the model."""
    monkeypatch.chdir(tmp_path)
    with Gallery("people.db", PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0), planted_face(0, 1)], consent="signed")
        gallery.enrol("Bea", [planted_face(1)], keep_crops=True)
        gallery.enrol("Cyd", [planted_face(2)], expires=datetime(2020, 1, 1, tzinfo=UTC))
    return runner(monkeypatch, capfd)


def names(run: Run) -> list[str]:
    return [person["name"] for person in run("people", "list", "--json").json["people"]]


def test_list(run: Run) -> None:
    header, *rows = (line.split("\t") for line in run("people", "list").out.splitlines())
    assert header == ["person", "photos", "since", "expires", "consent"]
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("Ada", "2", "", "signed"), ("Bea", "1", "", ""), ("Cyd", "1", "2020-01-01", ""),
    ]  # fmt: skip


def test_show(run: Run) -> None:
    ran = run("people", "show", "ADA")
    assert ran.code == 0
    assert "  consent   signed" in ran.out
    assert "0-0.jpg\t" in ran.out
    plain = run("people", "show", "bea", "--json").json
    assert (plain["name"], plain["photos"][0]["file"]) == ("Bea", "1-0.jpg")
    assert plain["photos"][0]["crop"] is True


def test_rename_merge_and_forget(run: Run) -> None:
    assert run("people", "rename", "ada", "Ada Lovelace").out == "ada is Ada Lovelace now\n"
    assert names(run) == ["Ada Lovelace", "Bea", "Cyd"]
    merged = run("people", "merge", "bea", "ada lovelace", "--json").json
    assert (merged["name"], merged["photos"]) == ("Ada Lovelace", 3)
    gone = run("people", "forget", "ada lovelace")
    assert (gone.code, gone.out) == (0, "forgotten: Ada Lovelace; 3 photos\n")
    assert names(run) == ["Cyd"]


def test_agree(run: Run) -> None:
    told = run("people", "agree", "ada", "--expires", "2031-05-01")
    assert (told.code, told.out) == (0, "Ada is known until 2031-05-01, with the note: signed\n")
    cleared = run("people", "agree", "cyd", "--no-expiry", "--consent", "by letter", "--json").json
    assert (cleared["expires"], cleared["consent"]) == (None, "by letter")
    assert run("people", "agree", "ada", "--no-consent").out == "Ada is known until 2031-05-01\n"
    run("people", "agree", "ada").one_sentence("say what changes", "--no-expiry")
    both = run("people", "agree", "ada", "--no-expiry", "--expires", "2031-05-01")
    both.one_sentence("not both")
    run("people", "agree", "eve", "--no-expiry").one_sentence("nobody called eve")


def test_purge(run: Run) -> None:
    run("people", "purge").one_sentence("visavis people purge --expired")
    assert run("people", "purge", "--expired", "--json").json == {
        "forgotten": ["Cyd"], "photos": 1, "scrubbed": True,
    }  # fmt: skip
    assert run("people", "purge", "--expired").out == "forgotten: nobody; 0 photos\n"
    assert names(run) == ["Ada", "Bea"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "Eve"), ["nobody called Eve is in people.db; see `visavis people list`"]),
        (("forget", "Ada", "Eve"), ["nobody called Eve"]),
        (("rename", "Ada", "BEA"), ["Bea is somebody else's name", "people merge 'Ada' 'Bea'"]),
        (("rename", "Ada", " "), ["a person needs a name"]),
        (("merge", "Ada", "ada"), ["one person already"]),
        (("not", "Eve", "a.jpg"), ["nobody called Eve"]),
        (("list", "-g", "gone.db"), ["there is no gallery gone.db"]),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], words: list[str]) -> None:
    ran = run("people", *arguments)
    assert ran.code == 2
    ran.one_sentence(*words)
    assert names(run) == ["Ada", "Bea", "Cyd"]


def test_a_wrong_answer(
    run: Run, tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_GALLERY", "real.db")
    assert run("enrol", "Obama", samples / "obama_2009.jpg", samples / "obama_2010.jpg").code == 0
    assert run("identify", samples / "obama_2012.jpg").code == 0
    ran = run("people", "not", "Obama", samples / "obama_2012.jpg")
    assert (ran.code, ran.out) == (
        0, f"{samples / 'obama_2012.jpg'} will not be called Obama\n",
    )  # fmt: skip
    again = run("identify", samples / "obama_2012.jpg")
    assert again.code == 1
    assert "Obama ruled out by a recorded wrong answer" in again.out
    taken = run("people", "not", "Obama", samples / "obama_2009.jpg")
    assert "and it is no photo of Obama any more" in taken.out
