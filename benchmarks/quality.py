"""How weak views of a face cost recognition: where the warnings' bounds come from.

Genuine pairs of View 1's training list are compared with one photo made smaller or blurred, or
grouped by how far the head is turned; the table shows the share that the threshold for a
false-match rate of 1e-3 rejects.

    python benchmarks/quality.py --lfw lfw-deepfunneled
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.data.source import open_source
from visavis.models.embed import EmbeddedPhoto, embed_photos
from visavis.models.model import Model
from visavis.photos.photo import Photo

Weaken = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def smaller(factor: float) -> Weaken:
    return lambda pixels: cv2.resize(
        pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA
    )


def blurred(sigma: float) -> Weaken:
    return lambda pixels: cv2.GaussianBlur(pixels, (0, 0), sigma) if sigma else pixels


def walk(model: Model, photos: list[Photo]) -> list[EmbeddedPhoto]:
    return list(embed_photos(model, photos, "central"))


def rejected(model: Model, a: list[EmbeddedPhoto], b: list[EmbeddedPhoto]) -> NDArray[np.bool_]:
    """Which genuine pairs fall below the threshold; a missed face counts as rejected."""
    threshold = model.threshold(1e-3).value
    return np.array(
        [
            bool(x.error or y.error)
            or float(model.similarity(x.embeddings, y.embeddings)[0]) < threshold
            for x, y in zip(a, b, strict=True)
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", required=True, help="the unpacked LFW folder")
    parser.add_argument("--pairs", type=int, default=400, help="genuine pairs to compare")
    arguments = parser.parse_args()

    model = Model.load()
    train = open_source(f"lfw:{arguments.lfw}", view=1).fitting
    assert train is not None
    genuine = np.flatnonzero(train.same)[: arguments.pairs]
    first = [Photo.open(train.faces.photos[i]) for i in train.first[genuine]]
    second = [Photo.open(train.faces.photos[i]) for i in train.second[genuine]]
    whole_a, whole_b = walk(model, first), walk(model, second)

    print(f"{len(genuine)} genuine pairs of {train.name}, threshold at FMR 1e-3\n")
    print("| one photo made | median eye distance | median sharpness | rejected |")
    print("| --- | --- | --- | --- |")
    weakenings = {
        **{f"{factor:g}x as large": smaller(factor) for factor in (1, 0.5, 0.4, 0.3, 0.25, 0.2)},
        **{f"blurred by {sigma:g} px": blurred(sigma) for sigma in (1, 1.5, 2, 3, 4, 5)},
    }
    for name, weaken in weakenings.items():
        weak = walk(model, [Photo(weaken(photo.pixels), photo.origin) for photo in first])
        seen = [photo.faces[0] for photo in weak if photo.faces]
        size = np.median([face.eye_distance for face in seen])
        sharpness = np.median([face.sharpness for face in seen])
        share = rejected(model, weak, whole_b).mean()
        print(f"| {name} | {size:.0f} | {sharpness:.0f} | {share:.1%} |")

    turn = np.array(
        [max(x.faces[0].turn, y.faces[0].turn) for x, y in zip(whole_a, whole_b, strict=True)]
    )
    wrong = rejected(model, whole_a, whole_b)
    print("\n| larger turn of the two | pairs | rejected |\n| --- | --- | --- |")
    for low, high in pairwise((0, 0.3, 0.5, 0.65, 0.8, 1.0, np.inf)):
        group = (turn >= low) & (turn < high)
        share = f"{wrong[group].mean():.1%}" if group.any() else "-"
        print(f"| {low:g} to {high:g} | {group.sum()} | {share} |")


if __name__ == "__main__":
    main()
