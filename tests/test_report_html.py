"""The report as a file: whole, safe, small, the same each time."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generated_evaluation import draw_evaluation, draw_pairs, without_pairs
from visavis.errors import DataError
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import LABELS
from visavis.report import html
from visavis.report.photographs import hardest_pairs, thumbnail


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    photos = []
    for number in range(80):
        photos.append(folder / f"p{number}.jpg")
        Image.fromarray(rng.integers(0, 255, (40, 30, 3), dtype=np.uint8)).save(photos[-1])
    names = [f"Person {number}" for number in range(40)]
    return draw_evaluation(draw_pairs(photos, names, 150, 150))


@pytest.fixture(scope="module")
def page(evaluation: Evaluation) -> str:
    return html.report_html(evaluation, "visavis evaluate --model sface --view 1")


class Tags(HTMLParser):
    """Collects every tag and checks that each one is closed by its own kind."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def test_every_figure_stands_with_its_value_its_interval_and_its_meaning(page, evaluation):
    for name, estimate in evaluation.figures.estimates():
        assert LABELS[name] in page
        if estimate.value is not None and estimate.value > 1e-3:
            assert f"{estimate.value:.4f}" in page
            assert f"{estimate.low:.4f} to {estimate.high:.4f}" in page
    assert "needs 30,000 comparisons" in page
    assert "The share of all pairs that are decided rightly." in page
    assert "n = 150 genuine and 150 impostor pairs of 40 people" in page


def test_it_says_where_things_were_fitted_and_how_to_make_it_again(page, evaluation):
    assert evaluation.protocol in page
    assert evaluation.fingerprint in page
    assert "all comparisons of LFW View 1 devTrain" in page
    assert "LFW View 1 devTrain pairs" in page
    text = re.sub(r"<[^>]+>", "", page)
    assert "visavis evaluate --model sface --view 1" in text


def test_it_asks_nothing_of_any_network(page):
    for _, attributes in tags(page):
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/jpeg;base64,"))
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert "@import" not in page
    assert not re.findall(r"url\((?!#)", page)


def test_pictures_have_words_and_ids_are_unique(page):
    found = tags(page)
    assert all(attributes.get("alt") for tag, attributes in found if tag == "img")
    drawings = [attributes for tag, attributes in found if tag == "svg"]
    assert len(drawings) >= 6
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed_at = set(re.findall(r"url\(#([^)]+)\)", page))
    pointed_at |= set(re.findall(r'(?:href|labelledby)="#?([^"]+)"', page))
    assert pointed_at <= set(ids)


def test_tables_have_headers(page):
    found = [tag for tag, _ in tags(page)]
    assert found.count("table") == 3
    assert found.count("th") > 20


def test_the_same_evaluation_gives_the_same_bytes(evaluation, page):
    again = html.report_html(
        replace(evaluation, seconds=99.0), "visavis evaluate --model sface --view 1"
    )
    assert again == page


def test_names_are_text_not_markup(evaluation):
    faces = evaluation.pairs.faces
    names = tuple(f"<b>{name}</b> & co $x$" for name in faces.names)
    group = replace(evaluation.groups[0], tag="<i>", group="<script>alert(1)</script> $\\frac$")
    hostile = replace(
        evaluation,
        model='<img src="x">',
        protocol="</title><script>",
        pairs=replace(evaluation.pairs, faces=replace(faces, names=names)),
        groups=[group],
        unreadable=[(Path("a<b>.jpg"), "not <an> image")],
    )
    page = html.report_html(hostile, "visavis <evaluate> && rm")
    assert {tag for tag, _ in tags(page)}.isdisjoint({"b", "i", "script", "an"})
    assert "&lt;b&gt;Person" in page
    assert "a&lt;b&gt;.jpg" in page
    assert all(
        (attributes.get("src") or "").startswith("data:")
        for tag, attributes in tags(page)
        if tag == "img"
    )


def test_a_photo_that_has_vanished_is_named_in_place_of_its_picture(evaluation, tmp_path):
    faces = evaluation.pairs.faces
    gone = tuple(tmp_path / f"gone{number}.jpg" for number in range(len(faces)))
    (tmp_path / "gone3.jpg").write_text("no photo")
    (tmp_path / "gone4.jpg").mkdir()
    pairs = replace(evaluation.pairs, faces=replace(faces, photos=gone))
    page = html.report_html(replace(evaluation, pairs=pairs))
    assert "<img" not in page
    assert page.count("cannot be opened any more") == 32


def test_photos_left_out_are_listed_below_their_common_folder(evaluation):
    photos = evaluation.pairs.faces.photos
    page = html.report_html(
        replace(evaluation, missed=list(photos[:2]), unreadable=[(photos[3], "it is empty")])
    )
    assert "No face found in 2 photos" in page
    assert "<code>p1.jpg</code>" in page
    assert "<code>p3.jpg</code>: it is empty" in page
    assert str(photos[0].parent) not in page
    assert "None: a face was found" in html.report_html(
        replace(evaluation, missed=[], unreadable=[])
    )


def test_a_long_list_of_photos_is_cut_and_says_so(evaluation):
    many = [Path(f"/x/{number}.jpg") for number in range(5000)]
    page = html.report_html(replace(evaluation, missed=many))
    assert "No face found in 5,000 photos" in page
    assert "The first 200 are named." in page


def test_thumbnails_shrink_until_the_report_is_small_enough(evaluation, page, monkeypatch):
    assert len(page.encode()) < html.LARGEST_REPORT
    bare = len(
        html._render(html.evaluation_content(evaluation, ""), "report.html.j2", lambda _: None)
    )
    sizes: list[int] = []

    def heavy(_: Path, size: int) -> str:
        sizes.append(size)
        return "data:image/jpeg;base64," + "A" * 1000 * size

    monkeypatch.setattr(html, "thumbnail", heavy)
    monkeypatch.setattr(html, "LARGEST_REPORT", bare + 120 * 1000 * 32)
    assert len(html.report_html(evaluation)) < bare + 120 * 1000 * 32
    assert set(sizes) == {224, 112}
    monkeypatch.setattr(html, "LARGEST_REPORT", 1)
    assert "<img" not in html.report_html(evaluation)


def test_an_evaluation_of_all_comparisons_needs_no_listed_pair(evaluation):
    page = html.report_html(without_pairs(evaluation))
    assert "all comparisons of the reported people" in page
    assert "The hardest pairs" not in page
    assert 'id="roc"' in page
    assert 'id="similarities"' in page
    assert 'id="reliability"' not in page


def test_the_hardest_pairs_are_those_nearest_the_other_side(evaluation):
    genuine = hardest_pairs(evaluation, genuine=True)
    impostor = hardest_pairs(evaluation, genuine=False)
    same, similarity = evaluation.pairs.same, evaluation.similarity
    finite = np.isfinite(similarity)
    assert [pair.similarity for pair in genuine] == sorted(similarity[same & finite])[:8]
    assert [pair.similarity for pair in impostor] == sorted(similarity[~same])[:-9:-1]
    for pair in genuine:
        assert pair.people[0] == pair.people[1]
        assert pair.wrong == (pair.similarity < 0.2836)
    for pair in impostor:
        assert pair.people[0] != pair.people[1]
        assert pair.wrong == (pair.similarity >= 0.2836)


def test_wrong_pairs_are_flagged(evaluation, page):
    shown = [
        *hardest_pairs(evaluation, genuine=True),
        *hardest_pairs(evaluation, genuine=False),
    ]
    assert page.count('class="pair wrong"') == sum(pair.wrong for pair in shown) > 0


def test_a_report_is_written_whole(evaluation, tmp_path):
    path = tmp_path / "ümläut report.html"
    path.write_text("old")
    html.write_report(path, evaluation)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_missing_folder_is_one_sentence(evaluation, tmp_path):
    with pytest.raises(DataError, match=r"there is no folder .*missing"):
        html.write_report(tmp_path / "missing" / "report.html", evaluation)


def test_a_folder_in_the_reports_place_is_one_sentence(evaluation, tmp_path):
    with pytest.raises(DataError, match="it is a folder"):
        html.write_report(tmp_path, evaluation)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_report(evaluation, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match="the disk is full"):
        html.write_report(path, evaluation)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "F", "1"])
def test_a_photo_of_any_kind_becomes_a_small_jpeg(mode: str, tmp_path: Path):
    path = tmp_path / "photo.tif"
    grey = np.linspace(0, 60_000 if mode == "I;16" else 255, 400 * 200).reshape(200, 400)
    if mode == "I;16":
        Image.fromarray(grey.astype(np.uint16)).save(path)
    else:
        Image.fromarray(grey.astype(np.uint8)).convert(mode).save(path)
    shown = decoded(thumbnail(path, 100), tmp_path)
    assert shown.size == (100, 50)
    columns = np.asarray(shown.convert("L"), dtype=float).mean(axis=1)
    assert columns[-1] > columns[0] + 100


def test_a_thumbnail_stands_upright(tmp_path: Path):
    sideways = Image.new("RGB", (60, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "photo.jpg", exif=exif)
    assert decoded(thumbnail(tmp_path / "photo.jpg", 50), tmp_path).size == (25, 50)


def decoded(uri: str | None, folder: Path) -> Image.Image:
    from base64 import b64decode
    from io import BytesIO

    assert uri is not None
    with Image.open(BytesIO(b64decode(uri.partition(",")[2]))) as image:
        image.load()
        return image


def test_a_decompression_bomb_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.new("L", (300, 300)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    assert thumbnail(tmp_path / "bomb.png", 100) is None


def test_the_halfway_threshold_stands_beside_the_rates(evaluation):
    page = html.report_html(evaluation)
    row = page[page.index("half-way") :].partition("</tr>")[0]
    point = evaluation.halfway
    assert "between the mean similarities of LFW View 1 devTrain pairs" in row
    shown = [f"{point.threshold.value:.4f}"]
    shown += [f"{rate.value:.4f}" for rate in (point.fmr, point.fnmr, point.accuracy)]
    places = [row.index(value) for value in shown]
    assert places == sorted(places)
    assert "half-way" not in html.report_html(replace(evaluation, halfway=None))


def test_without_folds_groups_or_operating_points_their_parts_are_left_out(evaluation):
    page = html.report_html(replace(evaluation, groups=[], operating=[], halfway=None))
    assert "Operating points" not in page
    assert "Groups" not in page
    assert "Accuracy of each fold" not in page
    tags(page)
