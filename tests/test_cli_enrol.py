"""``visavis enrol``: who becomes known, what is skipped, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from generated_faces import draw_face
from run_command import Run, runner
from visavis.matching.gallery.gallery import Gallery


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("VISAVIS_GALLERY", f"sqlite:///{tmp_path / 'people.db'}")
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def known(folder: Path) -> dict[str, int]:
    with Gallery(folder / "people.db", create=False) as gallery:
        return {person.name: person.photos for person in gallery.people()}


@pytest.fixture
def black(tmp_path: Path) -> Path:
    path = tmp_path / "black.png"
    Image.new("RGB", (200, 200)).save(path)
    return path


def test_a_person(run: Run, tmp_path: Path, samples: Path) -> None:
    ran = run("enrol", "Obama", samples / "obama_2009.jpg", samples / "obama_2010.jpg")
    assert (ran.code, ran.out) == (0, "Obama: 2 photos enrolled\n")
    again = run("enrol", "obama", samples / "obama_2010.jpg", samples / "obama_2012.jpg")
    assert (again.code, again.out) == (0, "Obama: 1 photo enrolled, 1 were before\n")
    assert known(tmp_path) == {"Obama": 3}


def test_what_is_skipped_is_told(run: Run, tmp_path: Path, samples: Path, black: Path) -> None:
    crowd = tmp_path / "crowd.png"
    both = Image.new("RGB", (500, 250))
    both.paste(draw_face(0, 0), (0, 0))
    both.paste(draw_face(1, 0), (250, 0))
    both.save(crowd)
    ran = run("enrol", "Eve", samples / "collins.jpg", black, crowd, "gone.jpg", "--json")
    assert ran.code == 4
    (person,) = ran.json["people"]
    assert (person["name"], person["added"]) == ("Eve", ["collins.jpg"])
    reasons = ("no face was found in", "shows 2 faces", "gone.jpg does not exist")
    for reason, words in zip(person["skipped"], reasons, strict=True):
        assert words in reason
        assert f"skipped: {reason}" in ran.err
    assert run("enrol", "Fay", crowd, "--force").code == 0
    assert known(tmp_path) == {"Eve": 1, "Fay": 1}


def test_nothing_enrolled(run: Run, tmp_path: Path, samples: Path, black: Path) -> None:
    ran = run("enrol", "Eve", black)
    assert ran.code == 3
    ran.one_sentence("no face was found in", "black.png")
    ran = run("enrol", "Eve", black, black)
    assert ran.code == 3
    ran.one_sentence("none of 2 photos could be enrolled")
    assert run("enrol", "Eve", "gone.jpg").code == 2
    assert known(tmp_path) == {}


def test_a_folder_of_people(run: Run, tmp_path: Path) -> None:
    people = tmp_path / "people"
    for person in range(3):
        (people / f"Person {person}").mkdir(parents=True)
        for photo in range(2):
            draw_face(person, photo).save(people / f"Person {person}" / f"{photo}.png")
    ran = run("enrol", "--from", people, "--consent", "signed", "--expires", "2040-02-03")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [f"Person {n}: 2 photos enrolled" for n in range(3)]
    with Gallery(tmp_path / "people.db") as gallery:
        everybody = gallery.people()
    assert [(p.consent, f"{p.expires:%F}") for p in everybody] == [("signed", "2040-02-03")] * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["takes a name and photos"]),
        (("Ada",), ["takes a name and photos"]),
        (("Ada", "a.jpg", "--from", "folder"), ["takes a name and photos"]),
        (("Ada", "empty"), ["empty holds no photos"]),
        (("--from", "empty"), ["empty holds no photos"]),
        (("--from", "nowhere"), ["nowhere is not a folder"]),
        ((" ", "a.jpg"), ["a person needs a name"]),
        (("x" * 300, "a.jpg"), ["at most 200 characters"]),
        (("A\nb", "a.jpg"), ["control characters"]),
        (("Ada", "a.jpg", "--gallery", "mysql://x/y"), ["mysql://x/y is no gallery's address"]),
        (("Ada", "a.jpg", "--gallery", "no/such/people.db"), ["there is no folder no/such"]),
        (("Ada", "a.jpg", "--gallery", "text.db"), ["text.db", "not an SQLite database"]),
        (("Ada", "a.jpg", "--model", "nothing"), ["there is no model nothing"]),
    ],
)
def test_refused(run: Run, tmp_path: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.db").write_text("hello " * 99)
    ran = run("enrol", *arguments)
    assert ran.code == 2
    ran.one_sentence(*words)
    assert not (tmp_path / "people.db").exists()
