import json

import numpy as np
from PIL import Image

from generated_lfw import write_lfw
from visavis.data.info import describe
from visavis.data.lfw import open_lfw
from visavis.data.source import open_source


def test_people_photos_and_pairs_are_counted(tmp_path):
    info = describe(open_lfw(write_lfw(tmp_path)))
    assert (info.n_photos, info.n_people) == (16, 8)
    assert info.photos_by_split == {"devTrain": 8, "devTest": 8}
    assert info.people_by_split == {"devTrain": 4, "devTest": 4}
    assert info.photos_per_person == {"min": 1, "median": 2.0, "max": 3}
    assert info.people_by_photos == {1: 2, 2: 4, 3: 2}
    assert [(c.name, c.genuine, c.impostor) for c in info.pairs] == [
        ("LFW View 1 devTest", 2, 2),
        ("LFW View 1 devTrain", 2, 2),
    ]
    assert len(info.unreadable) == 16  # the generated photos hold no image
    assert info.duplicates == ()


def test_folds_are_counted_one_by_one(tmp_path):
    info = describe(open_lfw(write_lfw(tmp_path), view=2))
    assert [(c.name, c.genuine, c.impostor) for c in info.pairs] == [
        ("LFW View 2", 4, 4),
        ("LFW View 2, fold 0", 2, 2),
        ("LFW View 2, fold 1", 2, 2),
    ]


def test_identical_files_are_found_and_leaks_told_apart(tmp_path):
    root = write_lfw(tmp_path)
    ada = (root / "Ada_A" / "Ada_A_0001.jpg").read_bytes()
    (root / "Bob_B" / "Bob_B_0001.jpg").write_bytes(ada)
    eve = (root / "Eve_E" / "Eve_E_0001.jpg").read_bytes()
    (root / "Di_D" / "Di_D_0002.jpg").write_bytes(eve)
    info = describe(open_lfw(root))
    assert [(d.people, d.splits) for d in info.duplicates] == [
        (("Ada_A", "Bob_B"), ("devTrain",)),
        (("Di_D", "Eve_E"), ("devTrain", "devTest")),
    ]
    assert [d.people for d in info.leaks] == [("Di_D", "Eve_E")]
    assert info.as_dict()["leaks"] == 1


def test_sizes_are_read_from_a_sample_of_headers(tmp_path):
    for i in range(10):
        Image.fromarray(np.full((3, 5 if i % 2 else 4), i, np.uint8)).save(tmp_path / f"a_{i}.png")
    (tmp_path / "a_99.png").write_text("no image")
    source = open_source(str(tmp_path))
    info = describe(source)
    assert info.sizes == {"4 x 3": 5, "5 x 3": 5}
    assert (info.n_sized, info.unreadable) == (11, (str(tmp_path / "a_99.png"),))
    assert describe(source, size_sample=2).n_sized == 2


def test_a_bomb_is_measured_without_being_opened(tmp_path):
    header = b"P5 60000 60000 255\n"
    (tmp_path / "a_1.pgm").write_bytes(header)
    Image.new("L", (2, 2)).save(tmp_path / "a_2.png")
    info = describe(open_source(str(tmp_path)))
    assert info.sizes == {"2 x 2": 1}
    assert info.unreadable == (str(tmp_path / "a_1.pgm"),)


def test_as_dict_is_json(tmp_path):
    info = describe(open_lfw(write_lfw(tmp_path)))
    table = json.loads(json.dumps(info.as_dict()))
    assert table["pairs"][0] == {"name": "LFW View 1 devTest", "genuine": 2, "impostor": 2}
    assert table["lfw_category"] == "Unrestricted, Labeled Outside Data"
