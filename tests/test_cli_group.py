"""``visavis group`` on drawn people: who is together, what is written, what is refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from generated_faces import draw_face
from run_command import Run, runner
from visavis.models.model import Model
from visavis.photos.photo import Photo

ALIKE = 0.7  # drawn people are more alike than people


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capfd)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of person 0, two of person 1, one of both, one of person 2, and two bad ones."""
    folder = tmp_path_factory.mktemp("holidays")
    (folder / "more").mkdir()
    for name, person, photo in (("a", 0, 0), ("b", 1, 0), ("c", 1, 1), ("d", 2, 0)):
        draw_face(person, photo).save(folder / f"{name}.jpg", quality=92)
    draw_face(0, 1).save(folder / "more" / "a.jpg", quality=92)
    both = Image.new("RGB", (500, 250))
    both.paste(draw_face(0, 2), (0, 0))
    both.paste(draw_face(1, 2), (250, 0))
    both.save(folder / "both.jpg", quality=92)
    Image.new("RGB", (200, 150), "teal").save(folder / "sky.png")
    (folder / "text.jpg").write_text("hello")
    return folder


def test_people_are_put_together_and_shown(run: Run, album: Path, tmp_path: Path) -> None:
    page, table, named = tmp_path / "groups.html", tmp_path / "groups.csv", tmp_path / "named"
    before = sorted((p, p.stat().st_mtime_ns) for p in album.rglob("*"))
    ran = run(
        "group", album, "--threshold", ALIKE, "-o", page, "--csv", table, "--to", named, "--json"
    )
    assert ran.code == 4
    groups = ran.json["groups"]
    photos = [sorted(face["photo"] for face in group["faces"]) for group in groups]
    expected = [["a.jpg", "both.jpg", "more/a.jpg"], ["b.jpg", "both.jpg", "c.jpg"], ["d.jpg"]]
    assert photos == [[str(album / name) for name in names] for names in expected]
    left = {group["name"]: face["box"][0] for group in groups for face in group["faces"]
            if face["photo"].endswith("both.jpg")}  # fmt: skip
    assert left["person_001"] < 250 < left["person_002"] + 60
    assert [Path(reason.split()[-1]).name for reason in ran.json["skipped"][:1]] == ["sky.png"]
    assert len(ran.json["skipped"]) == 2
    assert "sky.png" in ran.err
    assert "text.jpg" in ran.err

    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["person"] for row in rows] == [f"person_00{n}" for n in (1, 1, 1, 2, 2, 2, 3)]
    assert {row["photo"] for row in rows} == {photo for names in photos for photo in names}

    text = page.read_text(encoding="utf-8")
    assert "7 faces in 6 photos: 2 people seen more than once, 1 seen once" in text
    assert text.count("data:image/jpeg;base64,") == 7
    assert "more/a.jpg" in text
    assert "no face was found in sky.png" in text
    assert str(album) not in text  # where it lies is nobody's business

    assert sorted(p.name for p in named.iterdir()) == ["person_001", "person_002"]
    first = named / "person_001"
    assert sorted(p.name for p in first.iterdir()) == ["a.jpg", "a_2.jpg", "both_face.jpg"]
    copied = {path.read_bytes() for path in first.glob("a*.jpg")}
    assert copied == {(album / "a.jpg").read_bytes(), (album / "more/a.jpg").read_bytes()}
    assert sorted((p, p.stat().st_mtime_ns) for p in album.rglob("*")) == before


def test_the_face_of_a_crowd_is_cut_out_so_that_it_is_plain_who_is_meant(
    run: Run, album: Path, tmp_path: Path, model: Model
) -> None:  # fmt: skip
    run("group", album, "--threshold", ALIKE, "-o", tmp_path / "g.html", "--to", tmp_path / "named")
    for person, photo in ((0, "person_001"), (1, "person_002")):
        cut = Photo.open(tmp_path / "named" / photo / "both_face.jpg")
        faces = model.detector.detect(cut)
        assert len(faces) == 1
        known = model.detector.detect(Photo.open(draw_face(person, 0)))[:1]
        a, b = model.encode(faces), model.encode(known)
        assert float(model.similarity(a, b)[0]) > ALIKE


def test_words_for_people(run: Run, album: Path, tmp_path: Path) -> None:
    page = tmp_path / "g.html"
    ran = run("group", album / "more", "-o", page)
    assert ran.code == 0
    assert ran.out == (
        "1 face in 1 photo: 0 people seen more than once, 1 seen once; "
        f"look at them, and name them, in {page}\n"
    )  # fmt: skip
    assert "Seen more than once" not in page.read_text(encoding="utf-8")


def test_a_lower_rate_groups_less(run: Run, album: Path, tmp_path: Path) -> None:
    page = tmp_path / "g.html"
    found = {
        rate: run("group", album, "--fmr", rate, "-o", page, "--json").json
        for rate in ("1e-2", "1e-4", "1e-6")
    }
    assert found["1e-4"]["threshold_fmr"] == 1e-4
    thresholds = [each["threshold"] for each in found.values()]
    assert thresholds == sorted(thresholds)
    assert len(found["1e-2"]["groups"]) <= len(found["1e-6"]["groups"])


class TestBadInput:
    @pytest.fixture
    def bad(self, tmp_path: Path, album: Path) -> Path:
        for name in ("empty", "nobody", "broken", "full"):
            (tmp_path / name).mkdir()
        shutil.copy(album / "sky.png", tmp_path / "nobody")
        shutil.copy(album / "text.jpg", tmp_path / "broken/1.jpg")
        shutil.copy(album / "text.jpg", tmp_path / "broken/2.jpg")
        (tmp_path / "full" / "note.txt").write_text("mine")
        return tmp_path

    @pytest.mark.parametrize(
        ("folder", "code", "words"),
        [
            ("gone", 2, ("gone", "is not a folder")),
            ("broken/1.jpg", 2, ("1.jpg", "is not a folder")),
            ("empty", 2, ("empty", "no photos")),
            ("nobody", 3, ("sky.png", "no face")),
            ("broken", 2, ("none of the 2 photos", "1.jpg")),
        ],
    )
    def test_one_sentence_and_its_code(
        self, run: Run, bad: Path, folder: str, code: int, words: tuple[str, ...]
    ) -> None:  # fmt: skip
        ran = run("group", bad / folder, "-o", bad / "g.html")
        assert ran.code == code
        ran.one_sentence(*words)
        assert not (bad / "g.html").exists()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--to", "full"), ("full", "is not empty")),
            (("--to", "full/note.txt"), ("note.txt", "is a file")),
            (("--to", "gone/named"), ("no folder", "gone")),
            (("--fmr", "1e-9"), ("1e-09", "comparisons")),
            (("-o", "gone/g.html"), ("no folder", "gone")),
        ],
    )
    def test_where_and_how(
        self, run: Run, bad: Path, album: Path, options: tuple[str, ...], words: tuple[str, ...],
    ) -> None:  # fmt: skip
        if options[0] != "--fmr":
            options = (options[0], str(bad / options[1]))
        ran = run("group", album / "more", "-o", bad / "g.html", *options)
        assert ran.code == 2
        ran.one_sentence(*words)
        assert (bad / "full/note.txt").read_text() == "mine"
