"""``visavis gallery``: looked at, checked, copied, brought back."""

from __future__ import annotations

from pathlib import Path

import pytest

from generated_gallery import PlantedModel, planted_face
from run_command import Run, runner
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.tables import SCHEMA


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    with Gallery("people.db", PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0), planted_face(0, 1)])
        gallery.enrol("Bea", [planted_face(1)])
    return runner(monkeypatch, capfd)


def test_info(run: Run) -> None:
    ran = run("gallery", "info")
    assert ran.code == 0
    assert "  model    planted (ffffffffffff)" in ran.out
    assert "  people   2 with 3 photos" in ran.out
    plain = run("gallery", "info", "--json").json
    assert (plain["people"], plain["photos"], plain["schema"]) == (2, 3, SCHEMA)


def test_scrub(run: Run) -> None:
    assert run("gallery", "scrub").code == 0


def test_export_and_import(run: Run) -> None:
    assert run("gallery", "export", "out.zip").out.startswith("2 people exported to out.zip")
    ran = run("gallery", "import", "out.zip", "-g", "new.db")
    assert (ran.code, ran.out) == (0, "2 people imported into new.db, with 3 new photos\n")
    again = run("gallery", "import", "out.zip", "-g", "new.db", "--json").json
    assert again == {"imported": 2, "photos": 0, "gallery": "new.db"}
    assert run("people", "list", "-g", "new.db").out == run("people", "list").out


def test_backup_and_restore(run: Run) -> None:
    assert run("gallery", "backup", "copy.db", "--json").json["backed_up"] == 2
    run("people", "forget", "Ada")
    refused = run("gallery", "restore", "copy.db")
    assert refused.code == 2
    refused.one_sentence("people.db holds 1 people; give --force")
    ran = run("gallery", "restore", "copy.db", "--force")
    assert (ran.code, ran.out) == (0, "2 people restored into sqlite:///people.db\n")
    assert run("gallery", "check").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("info", "-g", "gone.db"), ["there is no gallery gone.db"]),
        (("export", "people.db"), ["people.db exists; name a new folder or .zip file"]),
        (("export", "no/where"), ["cannot write no/where"]),
        (("import", "gone.zip"), ["there is no exported gallery gone.zip"]),
        (("import", "people.db"), ["people.db is no exported gallery, or damaged"]),
        (("backup", "people.db"), ["people.db exists; name a new file"]),
        (("backup", "no/where.db"), ["cannot write no/where.db"]),
        (("restore", "gone.db"), ["there is no backup gone.db"]),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], words: list[str]) -> None:
    ran = run("gallery", *arguments)
    assert ran.code == 2
    ran.one_sentence(*words)
    assert run("gallery", "check").code == 0
