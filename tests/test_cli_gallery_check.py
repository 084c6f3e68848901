"""``visavis gallery check``: what is found, how it is said and shown, and the way it is mended."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from generated_gallery import PlantedModel, planted_face
from run_command import Run, runner_beside
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.gallery import Gallery
from visavis.models.model import Model


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, model: Model, samples: Path) -> Path:
    """Collins with a photo of Obama among hers, Obama, and Biden with one photo."""
    path = tmp_path_factory.mktemp("known") / "people.db"
    people = {
        "Collins": ("collins", "obama_2012"),
        "Obama": ("obama_2009", "obama_2010"),
        "Biden": ("biden_2010",),
    }
    with Gallery(path, model) as gallery:
        for name, files in people.items():
            photos = [samples / f"{file}.jpg" for file in files]
            assert gallery.enrol(name, photos, keep_crops=True).skipped == []
    return path


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, known: Path
) -> Run:
    return runner_beside(known, tmp_path, monkeypatch, capfd)


def test_what_is_found_is_said_with_its_mend(run: Run, samples: Path) -> None:
    ran = run("gallery", "check")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "people.db is whole; 3 people with 5 photos: 2 findings"
    assert lines[2] == "Photos that look like somebody else's (1)"
    assert "obama_2012.jpg is enrolled for Collins, but looks like Obama" in lines[3]
    mend = shlex.split(lines[4])
    assert mend[:4] == ["visavis", "people", "not", "Collins"]
    assert shlex.split(lines[5]) == ["visavis", "enrol", "Obama", "obama_2012.jpg"]
    assert lines[6].startswith("    or, if it is right as it is: visavis people not Obama sha256:")
    assert lines[-1] == "    visavis enrol Biden PHOTOS"

    mended = run(*mend[1:])
    assert (mended.code, "no photo of Collins any more" in mended.out) == (0, True)
    shutil.copy(samples / "obama_2012.jpg", ".")
    assert run("enrol", "Obama", "obama_2012.jpg").code == 0
    assert run("gallery", "check").out.startswith(
        "people.db is whole; 3 people with 5 photos: 2 findings\n"
    )


def test_a_page_and_json(run: Run) -> None:
    ran = run("gallery", "check", "--report", "health.html", "--json")
    assert ran.code == 0
    assert [finding["kind"] for finding in ran.json["findings"]] == ["mislabelled", "single"]
    assert (ran.json["page"], ran.json["problems"]) == ("health.html", [])
    page = Path("health.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 3
    assert "obama_2012.jpg is enrolled for Collins, but looks like Obama" in page


def test_mends_name_a_gallery_that_is_not_the_usual_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("people.db").rename("my people.db")
    ran = run("gallery", "check", "-g", "my people.db")
    assert "visavis enrol Biden PHOTOS --gallery 'my people.db'\n" in ran.out
    monkeypatch.setenv("VISAVIS_GALLERY", "my people.db")
    assert "--gallery" not in run("gallery", "check").out


def test_another_models_gallery_is_whole_but_not_compared(run: Run) -> None:
    with Gallery("planted.db", PlantedModel()) as gallery:
        gallery.enrol("Ada", [planted_face(0)])
    ran = run("gallery", "check", "-g", "planted.db")
    assert ran.code == 0
    assert "Ada has one photo" in ran.out
    assert "warning: the photos were not compared: planted.db was made with planted" in ran.err


def test_a_broken_database(run: Run) -> None:
    database = Database("people.db")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE faces SET embedding = x'00'")
    database.close()
    ran = run("gallery", "check", "--json", "--report", "health.html")
    assert ran.code == 1
    assert "an embedding is not of 128 numbers" in ran.json["problems"][0]
    assert "people.db is broken: 1 problem" in Path("health.html").read_text(encoding="utf-8")
    assert "an embedding is not of 128 numbers" in run("gallery", "check").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-g", "gone.db"), ["there is no gallery gone.db"]),
        (("--fpir", "2"), ["between 0 and 1"]),
        (("--report", "gone/health.html"), ["there is no folder gone"]),
    ],
)
def test_bad_input(run: Run, arguments, words) -> None:
    ran = run("gallery", "check", *arguments)
    assert ran.code == 2
    ran.one_sentence(*words)


def test_drop(run: Run) -> None:
    ran = run("people", "show", "Obama", "--json")
    sha256 = ran.json["photos"][0]["sha256"]
    dropped = run("people", "drop", "Obama", f"sha256:{sha256[:10]}")
    assert (dropped.code, dropped.out) == (0, "Obama has 1 photo now\n")
    again = run("people", "drop", "Obama", f"sha256:{sha256[:10]}")
    assert again.code == 2
    again.one_sentence(f"sha256:{sha256[:10]} is no photo of people.db")
    only = run("people", "drop", "Biden", "gone.jpg")
    assert only.code == 2
    only.one_sentence("gone.jpg does not exist")
