"""From a folder of photos to people who are known: grouped, named on the page, enrolled."""

from __future__ import annotations

import csv
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generated_faces import draw_face
from run_command import Run, runner
from visavis.cli.group import _rows
from visavis.cli.outputs import write_rows
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.named_groups import COLUMNS, read_groups
from visavis.matching.gallery.names import lookup_key
from visavis.matching.group_page import group_page
from visavis.matching.group_photos import People, group_photos
from visavis.models.model import Model

ALIKE = 0.62
"""Drawn people are more alike than real ones; this keeps the three apart."""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of person 0, two of person 1, one of both, and one of person 2."""
    folder = tmp_path_factory.mktemp("home") / "my album"
    folder.mkdir()
    for name, person, photo in (("a", 0, 0), ("b", 0, 1), ("c", 1, 0), ("d", 1, 1), ("e", 2, 0)):
        draw_face(person, photo).save(folder / f"{name}.jpg", quality=92)
    both = Image.new("RGB", (500, 250))
    both.paste(draw_face(0, 2), (0, 0))
    both.paste(draw_face(1, 2), (250, 0))
    both.save(folder / "both, here.jpg", quality=92)
    return folder


@pytest.fixture(scope="module")
def grouped(album: Path, model: Model) -> tuple[People, str]:
    """The people in it, and their page."""
    people = group_photos(model, sorted(album.iterdir()), threshold=ALIKE)
    return people, group_page(people, album)


@pytest.fixture
def page(grouped: tuple[People, str], run: Run) -> Path:
    path = Path("groups.html")
    path.write_text(grouped[1], encoding="utf-8")
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


class Page(HTMLParser):
    """The groups of a page: for each, the photos and boxes of its faces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.groups: list[list[tuple[str, str]]] = []
        self.fields = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if "data-group" in known:
            self.groups.append([])
        if "data-photo" in known:
            assert "checked" in known
            self.groups[-1].append((known["data-photo"], known["data-box"]))
        self.fields += known.get("class") == "name"


def save(page: Path, names: dict[int, str]) -> Path:
    """What the page's script saves where groups are named."""
    rows = [
        ",".join([f'"{name}"', f'"{photo}"', box])
        for group, name in names.items()
        for photo, box in Page(page.read_text(encoding="utf-8")).groups[group]
    ]
    saved = Path("names.csv")
    saved.write_text("\r\n".join([",".join(COLUMNS), *rows, ""]), encoding="utf-8")
    return saved


def known() -> dict[str, list[str]]:
    with Gallery("people.db", create=False) as gallery:
        return {
            person.name: [face.file for face in gallery.show(person.name)[1]]
            for person in gallery.people()
        }


def test_grouped_named_enrolled(run: Run, album: Path) -> None:
    assert run("group", album, "--threshold", ALIKE).code == 0
    page = Path("groups.html")
    shown = Page(page.read_text(encoding="utf-8"))
    assert [len(group) for group in shown.groups] == [3, 3, 1]
    assert shown.fields == 3
    names = save(page, {0: "Ann, the first", 1: "Ben"})
    ran = run("enrol", "--groups", names, "--photos", album)
    assert ran.code == 0
    assert sorted(ran.out.splitlines()) == [
        "Ann, the first: 3 photos enrolled", "Ben: 3 photos enrolled",
    ]  # fmt: skip
    ann, ben = known().values()
    assert sorted(ann) == ["a.jpg", "b.jpg", "both, here.jpg"]
    assert sorted(ben) == ["both, here.jpg", "c.jpg", "d.jpg"]
    again = run("enrol", "--groups", names, "--photos", album)
    assert "Ben: 0 photos enrolled, 3 were before" in again.out


def test_each_gets_their_own_face_of_a_crowd(run: Run, album: Path, page: Path) -> None:
    names = save(page, {0: "Ann", 1: "Ben"})
    run("enrol", "--groups", names, "--photos", album, "--keep-crops")
    with Gallery("people.db", create=False) as gallery:
        people = {p.name: gallery.show(p.name)[1] for p in gallery.people()}
    for name, faces in people.items():
        (crowded,) = [face for face in faces if face.file.startswith("both")]
        own = [face.embedding for face in faces if face is not crowded]
        (other,) = [people[one] for one in people if one != name]
        assert min(crowded.embedding @ mine for mine in own) > max(
            crowded.embedding @ theirs.embedding for theirs in other
        )
        assert crowded.box[0] < 100  # in pixels of what was cut out
    photos = {face.photo for faces in people.values() for face in faces}
    assert len(photos) == 6


def test_the_table_of_csv_with_names_written_in(
    run: Run, grouped: tuple[People, str]
) -> None:  # fmt: skip
    write_rows(Path("who.csv"), COLUMNS, _rows(grouped[0]))
    with Path("who.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    named = {"person_001": "Ann", "person_002": "", "person_003": "ann"}
    with Path("who.csv").open("w", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *([named[row[0]], *row[1:]] for row in rows)])
    ran = run("enrol", "--groups", "who.csv")
    assert (ran.code, ran.out) == (0, "Ann: 4 photos enrolled\n")


def test_a_photo_that_is_gone_or_changed_is_skipped(
    run: Run, album: Path, page: Path, tmp_path: Path
) -> None:  # fmt: skip
    names = save(page, {0: "Ann"})
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "a.jpg").write_bytes((album / "a.jpg").read_bytes())
    moved = Image.new("RGB", (800, 800))
    moved.paste(Image.open(album / "b.jpg"), (500, 500))
    moved.save(copy / "b.jpg")
    ran = run("enrol", "--groups", names, "--photos", copy)
    assert ran.code == 4
    assert ran.out == "Ann: 1 photo enrolled, 2 skipped\n"
    assert "both, here.jpg does not exist" in ran.err
    assert "b.jpg shows no face where it did when it was grouped" in ran.err


def test_the_page_says_how_to_go_on_and_asks_nobody(
    grouped: tuple[People, str], album: Path
) -> None:  # fmt: skip
    _, text = grouped
    assert "visavis enrol --groups names.csv --photos &#39;my album&#39;" in text
    assert "default-src 'none'" in text
    assert f'"{",".join(COLUMNS)}"' in text
    assert str(album.parent) not in text


HEAD = ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("person,photo\nAnn,a.jpg\n", ["names.csv lacks the column left", "--csv"]),
        (HEAD + ",a.jpg,1,1,9,9\n", ["names.csv names nobody"]),
        (HEAD + "Ann,a.jpg,1,x,9,9\n", ["names.csv: line 2: left, top, width and height"]),
        (HEAD + "Ann,a.jpg,1,1,0,9\n", ["line 2: a face is wider and higher than 0"]),
        (HEAD + "Ann,a.jpg,nan,1,9,9\n", ["line 2: a face is wider"]),
        (HEAD + "A\x07nn,a.jpg,1,1,9,9\n", ["control characters"]),
        (HEAD + "Ann,a.jpg,1,1,9,9\n", ["none of the photos in names.csv is there", "--photos"]),
        (None, ["names.csv does not exist"]),
    ],
)
def test_bad_tables(run: Run, content: str | None, words: list[str]) -> None:
    if content is not None:
        Path("names.csv").write_text(content, encoding="utf-8")
    ran = run("enrol", "--groups", "names.csv")
    assert ran.code == 2
    ran.one_sentence(*words)
    assert not Path("people.db").exists()


def test_one_way_at_a_time(run: Run) -> None:
    ran = run("enrol", "Ann", "a.jpg", "--groups", "names.csv")
    assert ran.code == 2
    ran.one_sentence("or --groups with the names")


def cell(text: str) -> str:
    """As the page's script quotes it."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: name.strip() and not any(unicodedata.category(c)[0] in "CZ" for c in name)
)
PATHS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/"), min_size=1)


@given(st.lists(st.tuples(NAMES, PATHS, st.floats(0.1, 5000)), min_size=1, max_size=5))
def test_whatever_the_page_saves_is_read_back(tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.getbasetemp()
    table = folder / "saved.csv"
    lines = [HEAD.strip(), *(f"{cell(n)},{cell(p)},-1.5,2.0,{size!r},9.0" for n, p, size in rows)]
    table.write_text("\r\n".join([*lines, ""]), encoding="utf-8", newline="")
    with patch.object(Path, "exists", lambda path: True):
        read = read_groups(table, folder)
    assert sorted((face.photo, face.box) for _, face in read) == sorted(
        (folder / photo, (-1.5, 2.0, size, 9.0)) for _, photo, size in rows
    )
    assert {lookup_key(name) for name, _ in read} == {lookup_key(name) for name, *_ in rows}


def test_people_are_put_in_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    rows = ["Ann,a.jpg,1,2,3,4", "Ben,a.jpg,5,6,7,8", " ANN ,b.jpg,1,1,1,1"]
    (tmp_path / "names.csv").write_text(HEAD + "\n".join(rows))
    read = read_groups(tmp_path / "names.csv", tmp_path)
    assert [(name, face.photo.name, face.box) for name, face in read] == [
        ("Ann", "a.jpg", (1, 2, 3, 4)),
        ("Ann", "b.jpg", (1, 1, 1, 1)),
        ("Ben", "a.jpg", (5, 6, 7, 8)),
    ]
