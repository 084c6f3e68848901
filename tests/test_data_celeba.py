"""CelebA in its published layout, drawn small: what is read, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generated_celeba import LISTS, NAMES, split_of, write_celeba
from visavis.data.balanced import balanced_pairs
from visavis.data.csv_source import open_csv
from visavis.data.faceset import FaceSet
from visavis.data.filters import filter_faces
from visavis.data.known import known_sets
from visavis.data.pairs_csv import write_pairs
from visavis.data.prepare import prepare
from visavis.data.source import open_source
from visavis.data.splits import TEST, TRAIN, VALIDATION, assert_people_disjoint
from visavis.errors import DataError


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    return write_celeba(tmp_path / "celeba", drawn=False)


def rewrite(celeba: Path, name: str, old: str, new: str) -> None:
    text = (celeba / name).read_text()
    assert old in text
    (celeba / name).write_text(text.replace(old, new, 1))


def test_people_splits_and_attributes(celeba):
    source = open_source(f"celeba:{celeba}", seed=3)
    faces = source.faces
    assert len(faces) == 30 + 3 * 26  # four of the thirty have one photo
    assert faces.names == tuple(str(100 + person) for person in range(30))
    splits = (TRAIN, VALIDATION, TEST)
    for person, split in zip(faces.people, faces.split, strict=True):
        assert split == splits[split_of(person)]
    assert list(faces.tags) == NAMES
    male = [person % 2 == 0 for person in faces.people]
    assert (faces.tags["Male"] == np.where(male, "yes", "no")).all()
    assert source.pairs.name == "CelebA test"
    assert set(source.pairs.faces.split) == {TEST}
    assert set(source.fitting.faces.split) == {VALIDATION}
    assert_people_disjoint(source.pairs, source.fitting)
    assert "seed 3" in source.protocol


def test_boxes_belong_to_the_photos_as_they_were_found(tmp_path, celeba):
    aligned = open_source(f"celeba:{celeba}").faces
    assert np.isnan(aligned.boxes).all()
    assert aligned.choose == "central"
    wild = open_source(f"celeba:{write_celeba(tmp_path / 'w', wild=True, drawn=False)}").faces
    assert wild.choose == "largest"
    first = (tmp_path / "w" / LISTS[3]).read_text().splitlines()[2].split()
    assert wild.photos[0].name == first[0]
    assert wild.boxes[0].tolist() == [float(value) for value in first[1:]]
    picked = wild.select(np.array([5, 2]))
    assert (picked.boxes == wild.boxes[[5, 2]]).all()


def test_with_both_folders_the_one_named_is_opened(celeba):
    (celeba / "img_celeba").mkdir()
    for photo in (celeba / "img_align_celeba").iterdir():
        (celeba / "img_celeba" / photo.name).touch()
    for spec, folder in (
        (f"celeba:{celeba}", "img_celeba"),
        (f"celeba:{celeba / 'img_align_celeba'}", "img_align_celeba"),
    ):
        assert open_source(spec).faces.photos[0].parent.name == folder


def test_the_published_folders_and_a_bare_path(celeba):
    for folder, names in (("Anno", LISTS[:1] + LISTS[2:]), ("Eval", LISTS[1:2])):
        (celeba / folder).mkdir()
        for name in names:
            (celeba / name).rename(celeba / folder / name)
    (celeba / "Img").mkdir()
    (celeba / "img_align_celeba").rename(celeba / "Img" / "img_align_celeba")
    for path in (celeba, celeba / "Img" / "img_align_celeba"):
        assert open_source(str(path)).name == "celeba"


def test_lists_without_their_count_lines(celeba):
    before = open_source(f"celeba:{celeba}").faces
    lines = (celeba / LISTS[2]).read_text().split("\n", 1)
    assert lines[0] == str(len(before))
    (celeba / LISTS[2]).write_text(lines[1])
    after = open_source(f"celeba:{celeba}").faces
    assert all((before.tags[name] == after.tags[name]).all() for name in NAMES)


@pytest.mark.parametrize("name", LISTS[:3])
def test_a_missing_list_says_where_to_get_it(celeba, name):
    (celeba / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing; get CelebA from https://mmlab"):
        open_source(f"celeba:{celeba}")


def test_missing_boxes_matter_in_the_wild_alone(tmp_path, celeba):
    (celeba / LISTS[3]).unlink()
    open_source(f"celeba:{celeba}")
    wild = write_celeba(tmp_path / "wild", wild=True, drawn=False)
    (wild / LISTS[3]).unlink()
    with pytest.raises(DataError, match=r"list_bbox_celeba\.txt is missing"):
        open_source(f"celeba:{wild}")


def test_missing_photos_are_named(celeba):
    (celeba / "img_align_celeba" / "000007.jpg").unlink()
    with pytest.raises(DataError, match=r"1 photos that identity.*\(000007\.jpg\).*mmlab"):
        open_source(f"celeba:{celeba}")
    with pytest.raises(DataError, match="neither img_celeba nor img_align_celeba"):
        (celeba / "img_align_celeba").rename(celeba / "photos")
        open_source(f"celeba:{celeba}")
    with pytest.raises(DataError, match="does not exist; get CelebFaces"):
        open_source("celeba:nowhere")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (LISTS[0], "000003.jpg 102", "000003.jpg", "malformed"),
        (LISTS[0], "000003.jpg 102", "000003.jpg somebody", "malformed"),
        (LISTS[0], "000003.jpg", "000002.jpg", "names a photo twice"),
        (LISTS[1], "000003.jpg 0", "000003.jpg 3", "another number than 0, 1 and 2"),
        (LISTS[1], "000003.jpg 0\n", "", "lacks 1 photos .* 000003.jpg"),
        (LISTS[2], "Male ", "", "40 numbers a line, not 39"),
        (LISTS[2], " ".join(NAMES), "", "lacks its line of attributes' names"),
        (LISTS[1], "000031.jpg 0", "000031.jpg 2", "100 is in more than one split"),
    ],
)
def test_lists_that_are_damaged_or_disagree(celeba, name, old, new, says):
    rewrite(celeba, name, old, new)
    with pytest.raises(DataError, match=says):
        open_source(f"celeba:{celeba}")


def test_a_box_without_an_area_counts_as_unknown(tmp_path):
    wild = write_celeba(tmp_path / "wild", wild=True, drawn=False)
    lines = (wild / LISTS[3]).read_text().splitlines()
    lines[2] = "000001.jpg 0 0 0 0"
    (wild / LISTS[3]).write_text("\n".join(lines))
    boxes = open_source(f"celeba:{wild}").faces.boxes
    assert np.isnan(boxes[0]).all()
    assert np.isfinite(boxes[1:]).all()


def test_prepare_says_how_celeba_is_made_ready(tmp_path):
    with pytest.raises(DataError, match=r"not a data set .* lfw, att; get it from https"):
        prepare("celeba", tmp_path)
    assert not known_sets()["celeba"].by_person


def fifth_system(faces: FaceSet) -> FaceSet:
    dropped = (
        "5_o_Clock_Shadow or Wearing_Hat or Eyeglasses or Smiling or Narrow_Eyes or Pale_Skin "
        "or Blurry or Mouth_Slightly_Open"
    )
    return filter_faces(faces, f"not ({dropped})", ("Young", "Gray_Hair"), at_least=5)


def test_the_fifth_systems_filters_against_a_plain_loop(tmp_path):
    source = open_source(f"celeba:{write_celeba(tmp_path / 'c', 20, 120, drawn=False)}")
    faces = source.faces
    kept = fifth_system(faces)
    tags = {name: faces.tags[name].tolist() for name in NAMES}
    bad = ["5_o_Clock_Shadow", "Wearing_Hat", "Eyeglasses", "Smiling", "Narrow_Eyes", "Pale_Skin",
           "Blurry", "Mouth_Slightly_Open"]  # fmt: skip
    rows = [i for i in range(len(faces)) if all(tags[name][i] == "no" for name in bad)]
    for name in ("Young", "Gray_Hair"):
        votes = {p: [tags[name][i] for i in rows if faces.people[i] == p] for p in range(20)}
        everyone = [tags[name][i] for i in rows]

        def kept_class(classes, everyone=everyone):
            return max(
                ("no", "yes"), key=lambda c: (classes.count(c), everyone.count(c), c == "no")
            )

        rows = [i for i in rows if tags[name][i] == kept_class(votes[faces.people[i]])]
    counts = {p: sum(faces.people[i] == p for i in rows) for p in range(20)}
    rows = [i for i in rows if counts[faces.people[i]] >= 5]
    assert 0 < len(rows) < len(faces) / 10
    assert kept.photos == tuple(faces.photos[i] for i in rows)


def test_balanced_pairs_of_each_split_share_nobody_and_survive_a_csv(celeba):
    faces = open_source(f"celeba:{celeba}").faces
    made = {}
    for split, wanted in ((TRAIN, 40), (VALIDATION, 16), (TEST, 16)):
        part = faces.select(faces.split == split)
        pairs = made[split] = balanced_pairs(part, wanted, split, seed=4)
        write_pairs(celeba / f"{split}.csv", pairs)
        again = open_csv(celeba / f"{split}.csv").pairs
        for side in ("first", "second"):
            photos = [pairs.faces.photos[row] for row in getattr(pairs, side)]
            assert photos == [again.faces.photos[row] for row in getattr(again, side)]
        assert (again.same == pairs.same).all()
    used = {split: {p.faces.photos[row] for row in (*p.first, *p.second)}
            for split, p in made.items()}  # fmt: skip
    assert not used[TRAIN] & used[VALIDATION]
    assert not used[TRAIN] & used[TEST]
    assert not used[VALIDATION] & used[TEST]
