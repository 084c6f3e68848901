"""``visavis match`` on drawn people: whom it names, what it draws, what it refuses."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from generated_faces import draw_face
from run_command import Run, runner
from visavis.matching.gallery.threshold import fmr_for

ALIKE = 0.7  # drawn people are more alike than people


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capfd)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References of Ada (two), Bob and Cyd; on site two of Ada, one of Bob and a stranger."""
    folder = tmp_path_factory.mktemp("door")
    for name, person, photo in (
        ("references/ada_1", 0, 0), ("references/ada_2", 0, 1), ("references/bob", 1, 0),
        ("references/cyd", 2, 0), ("onsite/ada/x", 0, 2), ("onsite/ada/y", 0, 3),
        ("onsite/bob/x", 1, 1), ("onsite/IMG_7/x", 3, 0), ("one/ada", 0, 0),
    ):  # fmt: skip
        path = folder / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_face(person, photo).save(path, quality=92)
    return folder


def people(ran) -> list[tuple[str, str | None]]:
    return [(Path(p["photo"]).parent.name, p["person"]) for p in ran.json["pairs"]]


def test_a_closed_set_names_everybody(run: Run, folders: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    ran = run("match", folders / "references", folders / "onsite", "--json", "--csv", table)
    assert ran.code == 0
    found = people(ran)
    assert found[1:] == [("ada", "ada"), ("ada", "ada"), ("bob", "bob")]
    assert found[0][0] == "IMG_7"
    assert found[0][1] is not None
    assert (ran.json["named"], ran.json["right"]) == (3, 3)  # IMG_7 is no name of ours
    assert (ran.json["people"], ran.json["references"]) == (3, 4)
    assert ran.json["threshold"] is ran.json["fpir"] is None
    for pair in ran.json["pairs"]:
        # Of unit vectors the squared distance is 2 - 2 cos.
        assert pair["distance"] ** 2 == pytest.approx(2 - 2 * pair["similarity"], abs=1e-5)
        assert 0 < pair["probability"] < 1
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["person"] for row in rows] == [person for _, person in found]
    assert Path(rows[3]["reference"]).name == "bob.jpg"


def test_an_open_set_says_nobody(run: Run, folders: Path) -> None:
    ran = run(
        "match", folders / "references", folders / "onsite", "--open-set", "--threshold", ALIKE,
        "--json",
    )  # fmt: skip
    assert people(ran) == [("IMG_7", None), ("ada", "ada"), ("ada", "ada"), ("bob", "bob")]
    assert ran.json["pairs"][0]["nearest"] in {"ada", "bob", "cyd"}
    assert ran.json["fpir"] is None


def test_more_references_raise_the_threshold(run: Run, folders: Path) -> None:
    arguments = ("match", folders / "references", folders / "onsite", "--open-set", "--json")
    ran = run(*arguments).json
    assert ran["threshold_fmr"] == pytest.approx(fmr_for(0.01, 4))
    assert ran["fpir"] == pytest.approx(0.01)
    given = run(*arguments, "--fmr", "1e-4").json
    assert given["threshold_fmr"] == 1e-4
    assert given["fpir"] == pytest.approx(4e-4, rel=1e-3)
    assert given["threshold"] > ran["threshold"]
    strict = run(*arguments, "--fpir", "1e-5").json
    assert strict["threshold_fmr"] == pytest.approx(2.5e-6, rel=1e-3)


def test_one_to_one_leaves_the_second_photo_of_a_person_over(run: Run, folders: Path) -> None:
    ran = run(
        "match", folders / "references", folders / "onsite", "--one-to-one", "--open-set",
        "--threshold", ALIKE, "--json",
    )  # fmt: skip
    found = people(ran)
    assert sorted(person for name, person in found if name == "ada" and person) == ["ada"]
    assert ("bob", "bob") in found
    assert ("IMG_7", None) in found
    assert ran.json["right"] == 2


def test_the_pairs_are_drawn(run: Run, folders: Path, tmp_path: Path) -> None:
    arguments = ("match", folders / "references", folders / "onsite", "--open-set", "--threshold",
                 ALIKE, "--save")  # fmt: skip
    ran = run(*arguments, tmp_path / "pairs.png")
    assert ran.code == 0
    assert ran.out.splitlines()[0].startswith("photo\tperson\t")
    assert ran.out.splitlines()[1].split("\t")[1] == "nobody"
    assert ran.out.endswith(
        "4 on-site photos, 3 people on 4 reference photos: 3 named, 1 nobody. "
        "Right by their names: 3 of 3\n"
    )
    with Image.open(tmp_path / "pairs.png") as picture:
        assert min(picture.size) > 500
    run(*arguments, tmp_path / "pairs.html")
    text = (tmp_path / "pairs.html").read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == 8
    assert text.count('<span class="badge">right</span>') == 3
    assert text.count('<span class="badge">nobody</span>') == 1
    assert "below a similarity of 0.7000 it is of nobody" in text
    assert str(folders) not in text


def test_bad_photos_are_listed_and_skipped(run: Run, folders: Path, tmp_path: Path) -> None:
    references, onsite = tmp_path / "references", tmp_path / "onsite"
    shutil.copytree(folders / "references", references)
    shutil.copytree(folders / "onsite", onsite)
    (references / "dan.jpg").write_text("hello")
    Image.new("RGB", (200, 150), "teal").save(onsite / "bob" / "sky.png")
    crowd = Image.new("RGB", (500, 250))
    crowd.paste(draw_face(1, 2), (0, 0))
    crowd.paste(draw_face(2, 2), (250, 0))
    crowd.save(onsite / "bob" / "two.png")
    ran = run("match", references, onsite, "--json", "--save", tmp_path / "pairs.html")
    assert ran.code == 4
    assert len(ran.json["pairs"]) == 4
    assert ran.json["people"] == 3
    assert [name in ran.err for name in ("dan.jpg", "sky.png", "two.png")] == [True] * 3
    text = (tmp_path / "pairs.html").read_text(encoding="utf-8")
    assert "dan.jpg is not an image" in text
    assert str(tmp_path) not in text
    chosen = run("match", references, onsite, "--json", "--faces", "largest")
    assert len(chosen.json["pairs"]) == 5


@pytest.fixture(scope="module")
def bad(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for name in ("empty", "nobody", "broken"):
        (folder / name).mkdir()
    Image.new("RGB", (200, 150), "teal").save(folder / "nobody/sky.png")
    for name in ("1", "2"):
        (folder / "broken" / f"{name}.jpg").write_text("hello")
    for name in ("references", "onsite", "one"):
        shutil.copytree(folders / name, folder / name)
    return folder


class TestBadInput:
    @pytest.mark.parametrize(
        ("folders_given", "code", "words"),
        [
            (("gone", "onsite"), 2, ("gone", "is not a folder")),
            (("references", "references/bob.jpg"), 2, ("bob.jpg", "is not a folder")),
            (("empty", "onsite"), 2, ("empty", "no photos")),
            (("references", "empty"), 2, ("empty", "no photos")),
            (("broken", "onsite"), 2, ("none of the 2 photos", "1.jpg")),
            (("references", "broken"), 2, ("none of the 2 photos", "1.jpg")),
            (("references", "nobody"), 3, ("no face", "sky.png")),
            (("one", "onsite"), 2, ("one person only, ada", "--open-set")),
        ],
    )
    def test_one_sentence_and_its_code(
        self, run: Run, bad: Path, folders_given: tuple[str, str], code: int, words: tuple[str, ...]
    ) -> None:  # fmt: skip
        references, onsite = (bad / name for name in folders_given)
        ran = run("match", references, onsite, "--save", bad / "pairs.html")
        assert ran.code == code
        ran.one_sentence(*words)
        assert not (bad / "pairs.html").exists()

    def test_one_reference_is_enough_for_an_open_set(self, run: Run, bad: Path) -> None:
        ran = run(
            "match", bad / "one", bad / "onsite", "--open-set", "--threshold", ALIKE, "--json"
        )
        assert [person for _, person in people(ran)] == [None, "ada", "ada", None]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--threshold", "0.4"), ("--open-set",)),
            (("--fpir", "0.1"), ("--open-set",)),
            (("--faces", "all"), ("one face",)),
            (("--open-set", "--fmr", "1e-9"), ("1e-09",)),
            (("--save", "pairs.xyz"), ("pairs.xyz", ".html", ".png")),
            (("--csv", "gone/pairs.csv"), ("no folder gone",)),
        ],
    )
    def test_wrong_usage(
        self, run: Run, bad: Path, options: tuple[str, ...], words: tuple[str, ...]
    ) -> None:  # fmt: skip
        ran = run("match", bad / "references", bad / "onsite", *options)
        assert ran.code == 2
        ran.one_sentence(*words)
