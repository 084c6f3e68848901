"""The picture of a data set: what it says, and where it can be written."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from generated_celeba import write_celeba
from generated_lfw import write_lfw
from visavis.cli.app import main
from visavis.data.info import Duplicate, SourceInfo, describe
from visavis.data.lfw import open_lfw
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.report.data_plots import draw_source
from visavis.report.picture_file import FORMATS


@pytest.fixture
def info(tmp_path: Path) -> SourceInfo:
    return describe(open_lfw(write_lfw(tmp_path)))


def words(info: SourceInfo, folder: Path) -> list[str]:
    """All text of the picture, which an SVG keeps in comments beside its glyphs."""
    draw_source(info, folder / "a.svg")
    return (folder / "a.svg").read_text("utf-8").split("<!-- ")[1:]


def says(texts: list[str], *wanted: str) -> None:
    for text in wanted:
        assert any(found.startswith(f"{text} -->") for found in texts), text


def test_it_counts_people_splits_pairs_and_sizes(info, tmp_path):
    sized = replace(info, sizes={"250 x 250": 15, "9 x 9": 1}, n_sized=16)
    texts = words(sized, tmp_path)
    says(texts, "16 photos of 8 people", "photos a person", "devTrain", "devTest", "3-4")
    says(texts, "LFW View 1 devTest", "genuine", "impostor", "250 x 250", "9 x 9")
    says(texts, "width x height in pixels of 16 photos")
    assert any("16 unreadable photos." in text for text in texts)


def test_it_tells_of_leaks(info, tmp_path):
    twice = (Duplicate(("a", "b"), ("A",), ("devTrain", "devTest")),)
    texts = words(replace(info, duplicates=twice), tmp_path)
    assert any("1 of them across splits" in text for text in texts)


def test_a_source_of_many_sizes_and_folds_is_cut_to_what_fits(info, tmp_path):
    sizes = {f"{i} x {i}": 100 - i for i in range(1, 40)}
    many = tuple(replace(info.pairs[0], name=f"fold {i}") for i in range(30))
    texts = words(replace(info, sizes=sizes, pairs=many), tmp_path)
    says(texts, "31 others", "pairs (and 18 more lists)")


def test_without_splits_pairs_or_a_readable_photo(info, tmp_path):
    bare = replace(info, photos_by_split={}, people_by_split={}, pairs=(), sizes={}, n_sized=0)
    says(words(bare, tmp_path), "all", "16")


def test_celeba_is_drawn(tmp_path):
    source = open_source(f"celeba:{write_celeba(tmp_path / 'c', drawn=False)}")
    says(words(describe(source), tmp_path), "train", "validation", "CelebA test")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_and_the_same_bytes_each_time(info, tmp_path, suffix):
    for name in ("a", "b"):
        draw_source(info, tmp_path / f"{name}{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    assert content == (tmp_path / f"b{suffix}").read_bytes()
    assert len(content) > 5000


def test_another_suffix_or_no_folder(info, tmp_path):
    with pytest.raises(DataError, match=r"picture as a\.txt; end its name in one of \.png"):
        draw_source(info, tmp_path / "a.txt")
    with pytest.raises(DataError, match="there is no folder"):
        draw_source(info, tmp_path / "none" / "a.png")


@pytest.mark.parametrize(("name", "code"), [("a.png", 0), ("a.txt", 2)])
def test_the_command_draws_it(tmp_path, monkeypatch, capsys, name, code):
    folder = write_celeba(tmp_path / "c", drawn=False)
    monkeypatch.setattr(
        sys, "argv", ["visavis", "data", "info", f"celeba:{folder}", "--save", str(tmp_path / name)]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == code
    said = capsys.readouterr()
    if code:
        assert said.err.startswith("visavis: cannot save a picture as a.txt")
        assert not said.out
    else:
        assert "train: 63 photos of 18 people" in said.out
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 1000
