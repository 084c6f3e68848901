"""Faces that tests draw by themselves: no photo of anybody, no file, no network.

A photo is a person of ``generated_people`` turned a little, lit from somewhere, with an expression,
a background, blur and noise, all drawn from a seed. YuNet finds such faces and SFace tells them
apart, so that the whole chain from file to figure can be tested on them. They are no sample of
real faces: people differ less and photos of one person more alike than in life, and no figure
made on them says anything about accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generated_people import REACH, SIDE, Plane, portrait

Photo = tuple[int, int]  # person and photo, both counted from 0


def draw_face(person: int, photo: int, size: int = 250) -> Image.Image:
    """One photo of a generated person, the same at every call.

    Args:
        person: who, from 0; each number is somebody else.
        photo: which photo of that person, from 0.
        size: side of the square RGB photo in pixels.
    """
    rng = np.random.default_rng([7, person, photo])
    drawn = portrait(person)
    lit = _light(drawn.skin, drawn.relief, rng)
    u, v = _tilt(size, rng)
    seen = _look(lit, *_smile(*_turn(drawn.relief, u, v, rng), rng))
    opacity = seen[..., 3:]
    picture = seen[..., :3] * opacity + _behind(u, v, rng) * (1 - opacity)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.0) * size / 250)
    picture += rng.uniform(1, 5) * rng.standard_normal(picture.shape, dtype=np.float32)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _light(skin: Plane, relief: Plane, rng: np.random.Generator) -> Plane:
    """Lambert's shading of the relief: one lamp in front, and some light from everywhere."""
    slope_y, slope_x = np.gradient(relief, 2 * REACH / SIDE)
    lamp = np.float32([rng.uniform(-0.6, 0.6), rng.uniform(-0.7, -0.1), 1.0])
    lamp /= np.linalg.norm(lamp)
    facing = lamp[2] - lamp[0] * slope_x - lamp[1] * slope_y
    facing = np.clip(facing / np.sqrt(1 + slope_x**2 + slope_y**2), 0, None)
    ambient = rng.uniform(0.35, 0.6)
    light = rng.uniform(0.85, 1.1) * (ambient + (1.05 - ambient) * facing)
    lit = skin.copy()
    lit[..., :3] *= light[..., None] * np.float32(1 + rng.uniform(-0.05, 0.05, 3))
    return lit


def _tilt(size: int, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Where on the canvas each pixel looks, after roll, scale and shift, with no turn as yet."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    u, v = np.meshgrid(line + rng.uniform(-0.08, 0.08), line + rng.uniform(-0.06, 0.06))
    roll, scale = rng.uniform(-0.14, 0.14), rng.uniform(1.1, 1.4)
    along, across = scale * math.cos(roll), scale * math.sin(roll)
    return along * u + across * v, along * v - across * u


def _turn(relief: Plane, u: Plane, v: Plane, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """The same with the head turned: a point moves sideways by how far it stands out."""
    yaw, pitch = rng.uniform(-0.3, 0.3), rng.uniform(-0.12, 0.12)
    x, y = u, v
    for _ in range(2):  # how far depends on which point is seen, so the second pass corrects
        depth = _look(relief, x, y) - 0.5
        x, y = (
            (u - math.sin(yaw) * depth) / math.cos(yaw),
            (v - math.sin(pitch) * depth) / math.cos(pitch),
        )
    return x, y


def _smile(x: Plane, y: Plane, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """The same with the corners of the mouth up, or down."""
    near_mouth = np.exp(-((x / 0.35) ** 2) - ((y - 0.46) / 0.16) ** 2)
    return x, y + rng.uniform(-0.04, 0.08) * near_mouth * ((x / 0.25) ** 2 - 0.5)


def _behind(u: Plane, v: Plane, rng: np.random.Generator) -> Plane:
    """A wall, lighter to one side, and a shirt before it."""
    wall = np.float32(rng.uniform(30, 230, 3)) + np.float32(rng.uniform(-40, 40, 3)) * u[..., None]
    shirt = ((u / 1.1) ** 2 + ((v - 1.45) / 0.6) ** 2 < 1)[..., None]
    return np.where(shirt, np.float32(rng.uniform(20, 220, 3)), wall)


def _look(canvas: Plane, x: Plane, y: Plane) -> Plane:
    """The canvas's values at the given places."""
    column, row = (np.float32((c + REACH) * (SIDE - 1) / (2 * REACH)) for c in (x, y))
    return cv2.remap(canvas, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def person_name(person: int) -> str:
    """The name that the folders below give a person, such as ``Drawn_Person_007``."""
    return f"Drawn_Person_{person:03d}"


def write_people(folder: Path, people: int = 8, photos: int = 3, size: int = 250) -> Path:
    """Write a folder of people, ``Drawn_Person_000/Drawn_Person_000_0001.jpg`` and on."""
    _write_photos(folder, [photos] * people, size)
    return folder


def write_lfw(
    folder: Path, people: int = 20, photos: int = 4, size: int = 250, counted: bool = True
) -> Path:
    """Write a small LFW: photos under ``lfw-deepfunneled`` and the six official lists beside it.

    As in LFW, some people (every fifth) have a single photo; View 1 splits all people into
    devTrain (two thirds) and devTest, View 2 splits them into ten folds; a list holds as many
    impostor as genuine pairs, and no pair twice.

    Args:
        folder: where to write; made if missing.
        people: how many; 20 or more, so that each fold has two.
        photos: of each person who has more than one; 2 or more.
        size: side of the photos in pixels.
        counted: whether pairsDevTrain.txt and pairsDevTest.txt begin with their count line, which
            some of the copies in circulation lack.
    """
    counts = [1 if person % 5 == 4 else photos for person in range(people)]
    _write_photos(folder / "lfw-deepfunneled", counts, size)
    everybody, cut = np.arange(people), 2 * people // 3
    for name, members in (("DevTrain", everybody[:cut]), ("DevTest", everybody[cut:])):
        genuine, impostor = _balanced_pairs(members, counts)
        head = [str(len(genuine))] if counted else []
        _write_lines(folder / f"pairs{name}.txt", [*head, *map(_line, genuine + impostor)])
        _write_lines(folder / f"people{name}.txt", _people_lines(members, counts))
    folds = np.array_split(everybody, 10)
    drawn = [_balanced_pairs(members, counts) for members in folds]
    each = min(len(genuine) for genuine, _ in drawn)
    pairs = [pair for kinds in drawn for kind in kinds for pair in kind[:each]]
    _write_lines(folder / "pairs.txt", [f"10\t{each}", *map(_line, pairs)])
    lines = [line for members in folds for line in _people_lines(members, counts)]
    _write_lines(folder / "people.txt", ["10", *lines])
    return folder


def _write_photos(folder: Path, counts: Sequence[int], size: int) -> None:
    for person, count in enumerate(counts):
        name = person_name(person)
        (folder / name).mkdir(parents=True, exist_ok=True)
        for photo in range(count):
            path = folder / name / f"{name}_{photo + 1:04d}.jpg"
            draw_face(person, photo, size).save(path, quality=92)


def _balanced_pairs(
    members: NDArray[np.int64], counts: Sequence[int]
) -> tuple[list[tuple[Photo, Photo]], list[tuple[Photo, Photo]]]:
    """As many genuine as impostor pairs of the members' photos, in a shuffled order."""
    shots = [(int(person), photo) for person in members for photo in range(counts[person])]
    pairs = list(combinations(shots, 2))
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    genuine = [pairs[i] for i in order if pairs[i][0][0] == pairs[i][1][0]]
    impostor = [pairs[i] for i in order if pairs[i][0][0] != pairs[i][1][0]]
    each = min(len(genuine), len(impostor))
    return genuine[:each], impostor[:each]


def _line(pair: tuple[Photo, Photo]) -> str:
    (a, i), (b, j) = pair
    middle = [] if a == b else [person_name(b)]
    return "\t".join([person_name(a), str(i + 1), *middle, str(j + 1)])


def _people_lines(members: Iterable[int], counts: Sequence[int]) -> list[str]:
    lines = [f"{person_name(person)}\t{counts[person]}" for person in members]
    return [str(len(lines)), *lines]


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
