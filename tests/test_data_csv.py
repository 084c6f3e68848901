from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.data.csv_source import open_csv
from visavis.data.faceset import FaceSet, PairSet
from visavis.data.pairs_csv import read_pairs, write_pairs
from visavis.errors import DataError

# No separators, no line ends that a file system or a text editor would fight over.
FILE_NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1, max_size=8
).map(lambda stem: f'{stem}, it\'s "me".jpg')


def write(folder: Path, text: str, photos: str = "abcdef", encoding: str = "utf-8") -> Path:
    for name in photos:
        (folder / f"{name}.jpg").touch()
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_spreadsheets_ways_of_writing_are_read(tmp_path, newline, encoding):
    lines = ["First , b,Second,SAME,note", 'a.jpg,x,"Zoë, 1.jpg",True,"hm, yes"', "", "b.jpg,,c,0,"]
    path = write(tmp_path, newline.join(lines) + newline, encoding=encoding)
    first, second = read_pairs(path)
    assert (first.first, first.second) == (tmp_path / "a.jpg", tmp_path / "Zoë, 1.jpg")
    assert (first.same, second.same, first.fold, first.person_first) == (True, False, None, "")
    assert second.where == f"{path}: line 4"


@pytest.mark.parametrize(
    ("cell", "same"),
    [
        *[("1", True), ("true", True), ("Same", True), ("", None)],
        *[("0", False), ("FALSE", False), (" different ", False)],
    ],
)
def test_labels(tmp_path, cell, same):
    assert read_pairs(write(tmp_path, f"a,b,same\na.jpg,b.jpg,{cell}\n"))[0].same is same


def test_pairs_without_labels_are_pairs_to_verify(tmp_path):
    path = write(tmp_path, f"a,b\nno-such.jpg,{tmp_path / 'far.jpg'}\n")
    (pair,) = read_pairs(path)
    assert (pair.first, pair.second) == (tmp_path / "no-such.jpg", tmp_path / "far.jpg")
    assert pair.same is None
    with pytest.raises(DataError, match="line 2 does not say 1 or 0"):
        open_csv(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows"),
        ("first,second\n", "has no rows"),
        ("first;second\na.jpg;b.jpg\n", "lacks the columns.*'first;second'"),
        ("first,b\na.jpg,b.jpg\n", "lacks the columns"),
        ("first,second,same,Same\na.jpg,b.jpg,1,1\n", "column 'same' is there twice"),
        ("first,second\na.jpg,b.jpg\na.jpg\n", "line 3 has 1 cells for 2 columns"),
        ("first,second\na.jpg,b.jpg,1\n", "line 2 has 3 cells for 2 columns"),
        ("first,second\na.jpg,\n", "line 2 names no photo in column 'second'"),
        ("first,second,same\na.jpg,b.jpg,maybe\n", "line 2 has 'maybe' in column 'same'"),
        ("first,second,fold\na.jpg,b.jpg,-1\n", "line 2 has '-1' in column 'fold'"),
        ("first,second,fold\na.jpg,b.jpg,1.5\n", "line 2 has '1.5' in column 'fold'"),
        ("first,second,person_first\na.jpg,b.jpg,Ada\n", "both or neither"),
        ('first,second\na.jpg,"b.jpg\n', "is not CSV"),
    ],
)
def test_a_broken_csv_names_the_line(tmp_path, text, says):
    with pytest.raises(DataError, match=says) as caught:
        read_pairs(write(tmp_path, text))
    assert "pairs.csv" in str(caught.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_pairs(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path)
    with pytest.raises(DataError, match="not UTF-8"):
        read_pairs(write(tmp_path, "a,b\nZoë.jpg,b.jpg\n", encoding="latin-1"))


def test_people_are_worked_out_from_genuine_pairs(tmp_path):
    rows = ["a.jpg,b.jpg,1", "b.jpg,c.jpg,1", "d.jpg,e.jpg,1", "a.jpg,d.jpg,0", "e.jpg,f.jpg,0"]
    source = open_csv(write(tmp_path, "\n".join(["first,second,same", *rows])))
    people = dict(zip("abcdef", source.faces.people.tolist(), strict=True))
    assert [p.stem for p in source.faces.photos] == list("abcdef")
    assert people["a"] == people["b"] == people["c"] != people["d"] == people["e"] != people["f"]
    assert source.faces.names == ("a.jpg", "d.jpg", "f.jpg")
    assert source.pairs.same.tolist() == [True, True, True, False, False]
    assert "people worked out" in source.protocol


def test_people_columns_are_taken(tmp_path):
    text = "first,second,same,person_first,person_second\na.jpg,b.jpg,1,Ada,Ada\na.jpg,c.jpg,0,"
    source = open_csv(write(tmp_path, text + "Ada,Bob\n"))
    assert source.faces.names == ("Ada", "Bob")
    assert "worked out" not in source.protocol


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            "a.jpg,b.jpg,1,,,\nb.jpg,c.jpg,1,,,\na.jpg,c.jpg,0,,,",
            "line 4 says different, but other",
        ),
        ("a.jpg,b.jpg,0,Ada,Ada,", "line 2 says different, but its people"),
        ("a.jpg,b.jpg,1,Ada,Bob,", "line 2 says same, but its people"),
        ("a.jpg,b.jpg,1,Ada,Ada,\na.jpg,c.jpg,0,Bob,Cy,", "line 3 says that .*a.jpg shows Bob"),
        (
            "a.jpg,b.jpg,1,Ada,Ada,\nc.jpg,d.jpg,0,Cy,,",
            "line 3 does not name the person on .*d.jpg",
        ),
        ("a.jpg,a.jpg,1,,,", "line 2 pairs .*a.jpg with itself"),
        ("a.jpg,zz.jpg,1,,,", "line 2 names .*zz.jpg, which does not exist"),
        (f"a.jpg,{'z' * 3000}.jpg,1,,,", "which does not exist"),
        ("a.jpg,b.jpg,1,,,0\nc.jpg,d.jpg,0,,,", "line 3 has no fold"),
        ("a.jpg,b.jpg,1,,,0\na.jpg,c.jpg,0,,,1", "line 3 has .*a.jpg in fold 1, .* fold 0"),
        ("a.jpg,b.jpg,1,Ada,Ada,0\nc.jpg,d.jpg,0,Ada,Di,1", "Ada is in more than one split"),
    ],
)
def test_contradictions_name_the_line(tmp_path, rows, says):
    text = "first,second,same,person_first,person_second,fold\n" + rows + "\n"
    with pytest.raises(DataError, match=says):
        open_csv(write(tmp_path, text))


def test_folds_become_splits(tmp_path):
    rows = "a.jpg,b.jpg,1,3\na.jpg,c.jpg,0,3\nd.jpg,e.jpg,1,5\n"
    source = open_csv(write(tmp_path, "a,b,same,fold\n" + rows))
    assert source.pairs.fold.tolist() == [3, 3, 5]
    assert source.faces.split.tolist() == ["fold 3"] * 3 + ["fold 5"] * 2
    assert "2 folds" in source.protocol


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), min_size=1))
def test_people_agree_with_merging_by_hand(tmp_path_factory, rows):
    group = {i: {i} for i in range(8)}
    for a, b, same in rows:
        if same:
            merged = group[a] | group[b]
            group.update(dict.fromkeys(merged, merged))
    contradictory = any(a == b or (not same and b in group[a]) for a, b, same in rows)

    folder = tmp_path_factory.mktemp("csv")
    lines = [f"{a}.jpg,{b}.jpg,{int(same)}" for a, b, same in rows]
    path = write(folder, "\n".join(["a,b,same", *lines]), photos="01234567")
    if contradictory:
        with pytest.raises(DataError, match=r"other rows say otherwise|with itself"):
            open_csv(path)
        return
    faces = open_csv(path).faces
    row = {photo.stem: i for i, photo in enumerate(faces.photos)}
    for a, b in combinations(row, 2):
        together = faces.people[row[a]] == faces.people[row[b]]
        assert together == (int(b) in group[int(a)])


@settings(deadline=None)
@given(
    names=st.lists(FILE_NAMES, min_size=3, max_size=6, unique=True),
    people=st.lists(st.sampled_from(["Zoë, A.", '"B"', "安娜"]), min_size=6, max_size=6),
    folded=st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, names, people, folded):
    folder = tmp_path_factory.mktemp("pairs")
    outside = tmp_path_factory.mktemp("outside")
    photos = [(outside if i == 0 else folder) / name for i, name in enumerate(names)]
    for photo in photos:
        photo.touch()
    faces = FaceSet.from_names("x", photos, people[: len(photos)])
    first, second = map(np.array, zip(*combinations(range(len(photos)), 2), strict=True))
    fold = np.full(len(first), 2 * folded)
    pairs = PairSet("x", faces, first, second, faces.people[first] == faces.people[second], fold)
    write_pairs(folder / "out.csv", pairs)
    again = open_csv(folder / "out.csv")
    assert again.faces.photos == faces.photos
    assert again.faces.names == faces.names
    for name in ("first", "second", "same", "fold"):
        assert (getattr(again.pairs, name) == getattr(pairs, name)).all()
    assert str(folder) not in (folder / "out.csv").read_text("utf-8")


def test_writing_where_one_cannot_says_so(tmp_path):
    faces = FaceSet.from_names("x", [tmp_path / "a\udcff.jpg", tmp_path / "b.jpg"], ["A", "B"])
    pairs = PairSet("x", faces, np.array([0]), np.array([1]), np.array([False]))
    with pytest.raises(DataError, match="cannot be written"):
        write_pairs(tmp_path / "none" / "out.csv", pairs)
    with pytest.raises(DataError, match="not Unicode"):
        write_pairs(tmp_path / "out.csv", pairs)
