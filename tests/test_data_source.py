import zipfile

import pytest

from visavis.data.source import SOURCES, open_source
from visavis.errors import DataError


@pytest.fixture
def att(tmp_path):
    for person in range(1, 41):
        folder = tmp_path / "att_faces" / f"s{person}"
        folder.mkdir(parents=True)
        for photo in range(1, 11):
            (folder / f"{photo}.pgm").write_bytes(b"P5 1 1 255\n" + bytes([person]))
    return tmp_path


def test_att_has_all_genuine_pairs_and_as_many_impostors(att):
    source = open_source(str(att), seed=3)
    assert source.name == "att"
    assert "seed 3" in source.protocol
    assert len(source.faces) == 400
    assert source.faces.names[:3] == ("s1", "s2", "s3")
    assert source.faces.photos[9].name == "10.pgm"
    assert source.pairs.same.sum() == (~source.pairs.same).sum() == 1800
    again, other = open_source(f"att:{att / 'att_faces'}", seed=3), open_source(f"att:{att}")
    assert (again.pairs.first == source.pairs.first).all()
    assert (other.pairs.first != source.pairs.first).any()


def test_att_names_what_is_missing(att):
    (att / "att_faces" / "s7" / "3.pgm").unlink()
    with pytest.raises(DataError, match=r"1 of AT&T's 400 photos .*\(s7/3\.pgm\).*cam-orl"):
        open_source(str(att))


def test_att_archive_is_sent_to_prepare(tmp_path):
    archive = tmp_path / "att_faces.zip"
    with zipfile.ZipFile(archive, "w"):
        pass
    for spec in (f"att:{archive}", str(archive)):
        with pytest.raises(DataError, match=f"data prepare att --archive {archive}"):
            open_source(spec)


def test_a_bare_csv_and_a_bare_folder_are_guessed(tmp_path):
    for i in range(2):
        (tmp_path / f"ada_{i}.jpg").touch()
    (tmp_path / "pairs.CSV").write_text("first,second,same\nada_0.jpg,ada_1.jpg,1\n")
    assert open_source(str(tmp_path / "pairs.CSV")).name == "csv"
    assert open_source(str(tmp_path)).name == "folder"


def test_an_unknown_kind_names_the_known_ones_and_where_data_is(tmp_path):
    with pytest.raises(DataError) as caught:
        open_source(f"celeb:{tmp_path}")
    for kind in SOURCES:
        assert f"{kind}:PATH" in str(caught.value)
    assert "visavis data prepare lfw --download" in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("lfw:nowhere", "nowhere does not exist; get Labeled Faces in the Wild"),
        ("att:nowhere", "cam-orl"),
        ("folder:nowhere", "nowhere does not exist$"),
        ("nowhere", "'nowhere' is neither a path"),
        ("~nobody-of-that-name/faces", "neither a path"),
        ("x" * 5000, "neither a path"),
        ("folder:" + "x" * 5000, "does not exist"),
    ],
)
def test_a_missing_path_says_so(spec, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=says):
        open_source(spec)


def test_a_folder_with_a_colon_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trip:2024").mkdir()
    (tmp_path / "trip:2024" / "ada_1.jpg").touch()
    assert open_source("trip:2024").faces.names == ("ada",)


def test_home_is_expanded_behind_the_kind(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ada_1.jpg").touch()
    assert len(open_source("folder:~").faces) == 1


def test_views_belong_to_lfw(tmp_path):
    (tmp_path / "ada_1.jpg").touch()
    with pytest.raises(DataError, match="views belong to LFW"):
        open_source(f"folder:{tmp_path}", view=1)


def test_a_photo_is_no_source(tmp_path):
    (tmp_path / "ada_1.jpg").touch()
    with pytest.raises(DataError, match="neither a folder nor a CSV"):
        open_source(str(tmp_path / "ada_1.jpg"))
