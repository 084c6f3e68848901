"""A tiny data set in CelebA's layout: drawn faces, its five lists, and boxes that fit them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from generated_faces import draw_face

NAMES = (  # noqa: SIM905 - read and written as CelebA's own header line
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose "
    "Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee "
    "Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard "
    "Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair "
    "Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
).split()
LISTS = (
    "identity_CelebA.txt",
    "list_eval_partition.txt",
    "list_attr_celeba.txt",
    "list_bbox_celeba.txt",
)
FACE = 120


def split_of(person: int) -> int:
    """0, 1 or 2: training, validation, test."""
    return 0 if person % 5 < 3 else person % 5 - 2


def write_celeba(
    folder: Path, people: int = 30, photos: int = 4, wild: bool = False, drawn: bool = True
) -> Path:
    """Write CelebA of so many people: even ones men, every seventh with one photo alone.

    Args:
        folder: made where it is missing.
        people, photos: how many, and how many of each person at most.
        wild: ``img_celeba`` with a face somewhere in each photo, else ``img_align_celeba``.
        drawn: whether photos show anything; else they are empty files.
    """
    images = folder / ("img_celeba" if wild else "img_align_celeba")
    images.mkdir(parents=True)
    rng = np.random.default_rng(5)
    shots = [(p, i) for i in range(photos) for p in range(people) if i == 0 or p % 7 != 6]
    identity, partition, attributes, boxes = [], [], [], []
    for number, (person, shot) in enumerate(shots, start=1):
        name = f"{number:06d}.jpg"
        left, top = (int(offset) for offset in rng.integers(0, 100, 2))
        identity.append(f"{name} {100 + person}")
        partition.append(f"{name} {split_of(person)}")
        signs = np.where(rng.random(len(NAMES)) < 0.3, 1, -1)
        signs[NAMES.index("Male")] = 1 if person % 2 == 0 else -1
        attributes.append(f"{name} " + " ".join(f"{sign:2d}" for sign in signs))
        boxes.append(f"{name}    {left + 24}  {top + 18}  {FACE - 48}  {FACE - 36}")
        if not drawn:
            (images / name).touch()
            continue
        face = draw_face(person, shot, FACE)
        if wild:
            scene = Image.new("RGB", (260, 240), (90, 120, 90))
            scene.paste(face, (left, top))
            face = scene
        face.save(images / name, quality=92)
    n = str(len(shots))
    texts = (
        identity,
        partition,
        [n, " ".join(NAMES) + " ", *attributes],
        [n, "image_id x_1 y_1 width height", *boxes],
    )
    for name, lines in zip(LISTS, texts, strict=True):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder
