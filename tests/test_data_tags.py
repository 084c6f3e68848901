import unicodedata
from pathlib import Path

import pytest

from generated_lfw import write_lfw
from visavis.data.faceset import FaceSet
from visavis.data.lfw import open_lfw
from visavis.data.tags import source_with_tags, with_tags
from visavis.errors import DataError

ROOT = Path("/photos")


@pytest.fixture
def faces():
    photos = [ROOT / "ada" / "1.jpg", ROOT / "ada" / "2.jpg", ROOT / "Zoë" / "1.jpg"]
    return FaceSet.from_names("mine", photos, ["ada", "ada", "Zoë"])


@pytest.fixture
def join(tmp_path, faces):
    def joined(text):
        path = tmp_path / "tags.csv"
        path.write_text(text)
        tagged = with_tags(faces, path).tags
        return {tag: column.tolist() for tag, column in tagged.items()}

    return joined


def test_by_path_below_the_source_file_name_or_whole_path(join):
    assert join("photo,pose\nada/1.jpg,left\nZoë/1.jpg,right\n") == {"pose": ["left", "", "right"]}
    assert join("photo,pose\n2.jpg,left\n") == {"pose": ["", "left", ""]}
    assert join("photo,pose\n/photos/ada/1.jpg,up\n./ada/2.jpg,down\n") == {
        "pose": ["up", "down", ""]
    }


def test_by_person_with_several_tags(join):
    assert join("person,gender,age\nada,female,30-39\nZoë,female,\n") == {
        "gender": ["female"] * 3,
        "age": ["30-39", "30-39", ""],
    }


def test_accents_match_however_they_are_encoded(join):
    assert join(unicodedata.normalize("NFD", "person,x\nZoë,1\n")) == {"x": ["", "", "1"]}
    assert join(unicodedata.normalize("NFD", "photo,x\nZoë/1.jpg,1\n")) == {"x": ["", "", "1"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,gender\nada,f\n", "lacks a column 'photo' or 'person'"),
        ("photo\nada/1.jpg\n", "has no tags"),
        ("photo,x\nada/9.jpg,1\nbob/1.jpg,1\n", "none of its 2 rows .*write them as 1.jpg"),
        ("person,x\nbob,1\n", "none of its 1 rows .*write them as ada"),
        ("photo,x\nada/1.jpg,1\nada/9.jpg,1\n", "line 3: mine has no photo 'ada/9.jpg'"),
        ("person,x\nada,1\nbob,1\n", "line 3: mine has no person 'bob'"),
        ("photo,x\n1.jpg,1\n", "line 2: '1.jpg' fits 2 photos; write the folder"),
        ("photo,x\nada/1.jpg,1\n./ada/1.jpg,2\n", "line 3: './ada/1.jpg' is there twice"),
        ("person,x\nada,1\nada,2\n", "line 3: 'ada' is there twice"),
        ("photo,x\n,1\n2.jpg,1\n", "line 2: mine has no photo ''"),
    ],
)
def test_a_table_that_does_not_fit_says_where(join, text, says):
    with pytest.raises(DataError, match=says):
        join(text)


def test_a_tag_is_never_overwritten(tmp_path, faces):
    path = tmp_path / "tags.csv"
    path.write_text("person,gender\nada,f\n")
    with pytest.raises(DataError, match="already has a tag 'gender'"):
        with_tags(with_tags(faces, path), path)


def test_a_source_hands_its_tags_to_both_lists_of_pairs(tmp_path):
    source = open_lfw(write_lfw(tmp_path))
    path = tmp_path / "tags.csv"
    path.write_text("person,group\nAda_A,one\nHal_H,two\n")
    tagged = source_with_tags(source, path)
    for faces in (tagged.faces, tagged.pairs.faces, tagged.fitting.faces):
        expected = {"Ada_A": "one", "Hal_H": "two"}
        names = [faces.names[person] for person in faces.people]
        assert faces.tags["group"].tolist() == [expected.get(name, "") for name in names]
    assert not source.faces.tags
