"""A tiny data set in LFW's layout: four people in training, four in testing, empty photos."""

from __future__ import annotations

from pathlib import Path

_TRAIN_PHOTOS = {"Ada_A": 3, "Bob_B": 2, "Cy_C": 1, "Di_D": 2}  # and fold 1
_TEST_PHOTOS = {"Eve_E": 2, "Fay_F": 3, "Gus_G": 1, "Hal_H": 2}  # and fold 2
PHOTOS = _TRAIN_PHOTOS | _TEST_PHOTOS
TRAIN = "Ada_A\t1\t3\nBob_B\t1\t2\nAda_A\t2\tCy_C\t1\nBob_B\t1\tDi_D\t2\n"
TEST = "Eve_E\t1\t2\nFay_F\t2\t3\nEve_E\t2\tGus_G\t1\nFay_F\t1\tHal_H\t2\n"


def people(names: str) -> str:
    return "".join(f"{name}\t{n}\n" for name, n in PHOTOS.items() if name[0] in names)


def photo_paths(root: Path) -> list[Path]:
    return [root / name / f"{name}_{i + 1:04d}.jpg" for name, n in PHOTOS.items() for i in range(n)]


def write_lfw(
    folder: Path,
    counts: bool = True,
    with_people: bool = True,
    lists: str = ".",
    root: str = "lfw-deepfunneled",
) -> Path:
    """Write photos and lists below ``folder``, and return the folder of photos."""
    for path in photo_paths(folder / root):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())
    texts = {
        "pairsDevTrain.txt": ("2\n" if counts else "") + TRAIN,
        "pairsDevTest.txt": ("2\n" if counts else "") + TEST,
        "pairs.txt": ("2\t2\n" if counts else "") + TRAIN + TEST,
    }
    if with_people:
        n = "4\n" if counts else ""
        texts["peopleDevTrain.txt"] = n + people("ABCD")
        texts["peopleDevTest.txt"] = n + people("EFGH")
        texts["people.txt"] = "2\n4\n" + people("ABCD") + "4\n" + people("EFGH")
    (folder / lists).mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / lists / name).write_text(text)
    return folder / root
