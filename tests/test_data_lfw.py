import numpy as np
import pytest

from generated_lfw import PHOTOS, TRAIN, photo_paths, write_lfw
from visavis.data.lfw import open_lfw
from visavis.data.source import open_source
from visavis.errors import DataError


def pair_names(pairs):
    photos = [path.stem for path in pairs.faces.photos]
    return [(photos[a], photos[b]) for a, b in zip(pairs.first, pairs.second, strict=True)]


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("with_people", [True, False])
def test_view_1_reports_on_one_half_and_fits_on_the_other(tmp_path, counts, with_people):
    root = write_lfw(tmp_path, counts, with_people)
    source = open_lfw(root)
    assert (source.name, source.lfw_category) == ("lfw", "Unrestricted, Labeled Outside Data")
    assert set(source.faces.photos) == set(photo_paths(root))
    assert source.faces.choose == source.pairs.faces.choose == "central"
    assert set(source.pairs.faces.names) == {"Eve_E", "Fay_F", "Gus_G", "Hal_H"}
    assert len(source.pairs.faces) == 8
    assert set(source.fitting.faces.split) == {"devTrain"}
    assert len(source.fitting.faces) == 8
    assert pair_names(source.fitting) == [
        ("Ada_A_0001", "Ada_A_0003"),
        ("Bob_B_0001", "Bob_B_0002"),
        ("Ada_A_0002", "Cy_C_0001"),
        ("Bob_B_0001", "Di_D_0002"),
    ]
    assert source.fitting.same.tolist() == [True, True, False, False]
    assert set(source.pairs.fold) == {0}
    assert ("named in its pairs" in source.protocol) is not with_people


@pytest.mark.parametrize("with_people", [True, False])
def test_view_2_has_identity_disjoint_folds(tmp_path, with_people):
    source = open_lfw(write_lfw(tmp_path, with_people=with_people), view=2)
    assert source.fitting is None
    assert source.pairs.fold.tolist() == [0] * 4 + [1] * 4
    assert source.pairs.same.tolist() == [True, True, False, False] * 2
    assert len(source.faces) == sum(PHOTOS.values())
    fold = {name: "fold 1" if name[0] in "ABCD" else "fold 2" for name in PHOTOS}
    people = np.array(source.faces.names)[source.faces.people]
    assert source.faces.split.tolist() == [fold[name] for name in people]


@pytest.mark.parametrize("lists", [".", "lfw-deepfunneled", "lists", "lfw-deepfunneled/lists"])
def test_lists_are_found_inside_beside_and_in_lists(tmp_path, lists):
    root = write_lfw(tmp_path, lists=lists)
    assert len(open_lfw(root).pairs) == 4
    assert open_source(str(root)).name == "lfw"
    if "/" not in lists:
        assert open_source(str(tmp_path)).name == "lfw"


def test_a_folder_of_another_name_is_lfw_where_the_lists_fit(tmp_path):
    root = write_lfw(tmp_path, root="faces")
    assert open_source(str(root)).name == "lfw"
    other = tmp_path / "mine" / "Zoe"
    other.mkdir(parents=True)
    (other / "1.jpg").touch()
    assert open_source(str(other.parent)).name == "folder"


def test_the_parent_of_the_working_folder_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(write_lfw(tmp_path))
    assert len(open_source("lfw:.").pairs) == 4


def test_missing_photos_are_counted_and_named(tmp_path):
    root = write_lfw(tmp_path)
    for name in ("Ada_A", "Bob_B", "Hal_H"):
        for photo in (root / name).iterdir():
            photo.unlink()
    with pytest.raises(
        DataError, match=r"7 photos .*Ada_A/Ada_A_0001\.jpg.*, \.\.\.\).*--download"
    ):
        open_lfw(root)


@pytest.mark.parametrize("with_people", [True, False])
def test_a_pair_of_a_photo_that_is_not_there_is_named(tmp_path, with_people):
    root = write_lfw(tmp_path, with_people=with_people)
    (tmp_path / "pairsDevTrain.txt").write_text(TRAIN.replace("Ada_A\t1\t3", "Ada_A\t1\t9"))
    with pytest.raises(DataError, match=r"1 photos .*\(Ada_A/Ada_A_0009\.jpg\)"):
        open_lfw(root)


def test_overlapping_halves_are_refused(tmp_path):
    root = write_lfw(tmp_path, with_people=False)
    (tmp_path / "pairsDevTest.txt").write_text(TRAIN)
    with pytest.raises(DataError, match="Ada_A is in more than one split"):
        open_lfw(root)


def test_a_pair_across_folds_is_refused(tmp_path):
    root = write_lfw(tmp_path)
    text = (tmp_path / "pairs.txt").read_text().replace("Cy_C\t1", "Gus_G\t1")
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(DataError, match="outside its people's fold"):
        open_lfw(root, view=2)


@pytest.mark.parametrize("view", [1, 2])
def test_a_missing_list_says_where_to_get_it(tmp_path, view):
    root = write_lfw(tmp_path)
    name = "pairs.txt" if view == 2 else "pairsDevTest.txt"
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"{name}.*visavis data prepare lfw --download"):
        open_lfw(root, view)


def test_the_archive_itself_is_sent_to_prepare(tmp_path):
    archive = tmp_path / "lfw-deepfunneled.tgz"
    archive.touch()
    with pytest.raises(DataError, match=f"visavis data prepare lfw --archive {archive}"):
        open_source(f"lfw:{archive}")
    with pytest.raises(DataError, match="data prepare lfw"):
        open_source(str(archive))


def test_there_are_two_views(tmp_path):
    with pytest.raises(DataError, match="not 3"):
        open_lfw(write_lfw(tmp_path), view=3)


def test_a_list_that_is_no_text_is_named(tmp_path):
    root = write_lfw(tmp_path)
    (tmp_path / "pairsDevTest.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"pairsDevTest\.txt cannot be read"):
        open_lfw(root)
