from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.data.folder import read_folder
from visavis.data.source import open_source
from visavis.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def table(faces):
    return {path.name: faces.names[p] for path, p in zip(faces.photos, faces.people, strict=True)}


def test_one_folder_a_person(tmp_path):
    touch(tmp_path, "Zoë/b.JPG", "Zoë/a.png", "安娜/1.jpeg", "安娜/notes.txt", "empty/x.txt")
    faces = read_folder(tmp_path)
    assert [path.name for path in faces.photos] == ["a.png", "b.JPG", "1.jpeg"]
    assert table(faces) == {"a.png": "Zoë", "b.JPG": "Zoë", "1.jpeg": "安娜"}


def test_flat_files_named_after_their_person(tmp_path):
    touch(tmp_path, "ada_1.jpg", "ada_0002.jpg", "van_der_Berg_3.jpg", "2024_11_05.jpg", "bob.jpg")
    touch(tmp_path, "_7.jpg", "list.csv")
    assert table(read_folder(tmp_path)) == {
        "ada_1.jpg": "ada",
        "ada_0002.jpg": "ada",
        "van_der_Berg_3.jpg": "van_der_Berg",
        "2024_11_05.jpg": "2024_11",
        "bob.jpg": "bob",
        "_7.jpg": "_7",
    }


@settings(deadline=None)
@given(st.from_regex(r"[^\W_][\w -]{0,10}", fullmatch=True), st.integers(0, 10**6))
def test_the_name_ends_before_the_last_number(tmp_path_factory, name, number):
    root = tmp_path_factory.mktemp("flat")
    touch(root, f"{name}_{number}.jpg")
    assert read_folder(root).names == (name,)


def test_hidden_and_deeper_files_are_passed_over(tmp_path):
    touch(tmp_path, "ada/1.jpg", "ada/.2.jpg", "ada/old/3.jpg", ".trash/4.jpg", "bob/old/5.jpg")
    touch(tmp_path, ".DS_Store", "ada/folder.jpg/6.jpg")
    assert table(read_folder(tmp_path)) == {"1.jpg": "ada"}


def test_links_in_a_circle_are_not_followed(tmp_path):
    touch(tmp_path, "ada_1.jpg", "ada_2.jpg")
    (tmp_path / "here").symlink_to(tmp_path)
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert len(read_folder(tmp_path)) == 2


def test_a_linked_person_counts(tmp_path):
    touch(tmp_path, "elsewhere/1.jpg", "all/bob/2.jpg")
    (tmp_path / "all" / "ada").symlink_to(tmp_path / "elsewhere")
    assert table(read_folder(tmp_path / "all")) == {"1.jpg": "ada", "2.jpg": "bob"}


@pytest.mark.parametrize("names", [(), ("a/b/c.jpg",), ("readme.txt", ".a_1.jpg")])
def test_no_photos_says_how_to_lay_them_out(tmp_path, names):
    touch(tmp_path, *names)
    with pytest.raises(DataError, match=r"person/photo\.jpg"):
        read_folder(tmp_path)


def test_two_layouts_at_once_are_refused(tmp_path):
    touch(tmp_path, "ada/1.jpg", "cover.jpg")
    with pytest.raises(DataError, match=r"mixes .*cover\.jpg"):
        read_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path):
    touch(tmp_path, "photo.jpg")
    with pytest.raises(DataError, match="not a folder"):
        read_folder(tmp_path / "photo.jpg")


def test_as_a_source_it_draws_pairs(tmp_path):
    touch(tmp_path, *(f"{person}/{i}.jpg" for person in "abc" for i in range(3)))
    source = open_source(f"folder:{tmp_path}", seed=4)
    assert (source.name, source.fitting, source.lfw_category) == ("folder", None, "")
    assert source.pairs.same.sum() == (~source.pairs.same).sum() == 9
    assert "9 genuine and 9 impostor pairs of 3 people, drawn with seed 4" in source.protocol


def test_one_person_opens_but_cannot_be_evaluated(tmp_path):
    touch(tmp_path, "ada/1.jpg", "ada/2.jpg")
    source = open_source(str(tmp_path))
    assert len(source.faces) == 2
    with pytest.raises(DataError, match="no impostor pair"):
        source.pairs.assert_both_classes()
