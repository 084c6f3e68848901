"""Crops: a face put where a network expects it, by its landmarks or its box, or the whole photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ALIGNMENT_VERSION = 1
"""Counted up whenever the same photo would give other crops; part of a model's fingerprint."""

_ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where ArcFace (Deng et al., 2019) and SFace put both eyes, the nose's tip and both corners of the
mouth on a crop of 112x112 pixels."""


@dataclass(frozen=True, eq=False)
class AlignmentTemplate:
    """Where the five landmarks lie on a crop, in [0, 1] of its width and height.

    Attributes:
        name: as cards and recipes call it.
        points: (5, 2) float64: the eye on the left of the picture, the one on its right, the tip
            of the nose, the corners of the mouth on the left and on the right.
    """

    name: str
    points: NDArray[np.float64]


def _around_centre(points: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return 0.5 + (points - 0.5) * share


TEMPLATES = {
    template.name: template
    for template in (
        AlignmentTemplate("arcface", _ARCFACE / 112),
        # The whole head with hair, ears and neck, for networks that want context.
        AlignmentTemplate("loose", _around_centre(_ARCFACE / 112, 0.6)),
    )
}
"""Alignment templates by name. To add one is to add a line here."""

BOX = "box"
WHOLE = "whole"
CROPS = (*TEMPLATES, BOX, WHOLE)
"""What a crop is made by: an alignment template, the face's box, or nothing: the whole photo."""

BOX_MARGIN = 1.3
"""Side of a ``box`` crop in longer sides of the face's box: from the hair's parting to the chin's
underside, where the box itself ends at the forehead and the chin."""


def check_crop(name: str) -> str:
    """The name, where it is one of ``CROPS``.

    Raises:
        ValueError: it is not.
    """
    if name not in CROPS:
        raise ValueError(f"{name!r} is no crop template; it is one of {', '.join(CROPS)}")
    return name


def similarity_transform(
    points: NDArray[np.floating], targets: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The rotation, uniform scale and shift that bring points nearest to targets.

    Closed-form least squares over all points (Umeyama, 1991, without reflection). Robust
    estimators that drop points, such as LMEDS, cost accuracy with five points.

    Args:
        points, targets: (n, 2), n >= 2, not all points alike.

    Returns:
        (2, 3) float64 matrix M with target ~ M @ (x, y, 1).
    """
    source = points[:, 0] + 1j * points[:, 1]
    target = targets[:, 0] + 1j * targets[:, 1]
    source_mean, target_mean = source.mean(), target.mean()
    centred = source - source_mean
    turn = np.vdot(centred, target - target_mean) / np.vdot(centred, centred).real
    shift = target_mean - turn * source_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def crop_aligned(
    pixels: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    template: AlignmentTemplate,
    width: int,
    height: int,
) -> NDArray[np.uint8]:
    """Cut an aligned crop; black where it reaches past the photo.

    Args:
        pixels: (H, W, C) uint8.
        landmarks: (5, 2) pixels in the photo.
        template: where they go.
        width, height: of the crop, in pixels; unequal ones keep the face's proportions, centred.

    Returns:
        (height, width, C) uint8.
    """
    side = min(width, height)
    margin = np.array([width - side, height - side]) / 2
    matrix = similarity_transform(landmarks, template.points * side + margin)
    return _cut(pixels, matrix, (width, height))


def crop_box(
    pixels: NDArray[np.uint8], box: tuple[float, float, float, float], width: int, height: int
) -> NDArray[np.uint8]:
    """Cut the upright square around a box; black where it reaches past the photo.

    The square has the box's centre and ``BOX_MARGIN`` times its longer side.

    Args:
        pixels: (H, W, C) uint8.
        box: left, top, width and height in pixels, of which the longer is above 0.
        width, height: of the crop, in pixels; unequal ones keep the face's proportions and show
            more of the photo along the longer.

    Returns:
        (height, width, C) uint8.
    """
    left, top, across, down = box
    scale = min(width, height) / (BOX_MARGIN * max(across, down))
    # Pixel centres lie at +0.5 of the edges that a box is measured by.
    x = width / 2 - 0.5 - scale * (left + across / 2 - 0.5)
    y = height / 2 - 0.5 - scale * (top + down / 2 - 0.5)
    return _cut(pixels, np.array([[scale, 0, x], [0, scale, y]]), (width, height))


def crop_whole(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The whole photo, each pixel of the crop the mean of those that it covers.

    Args:
        pixels: (H, W, C) uint8.
        width, height: of the crop, in pixels; another ratio than the photo's stretches it.

    Returns:
        (height, width, C) uint8.
    """
    whole = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(whole, dtype=np.uint8).reshape(height, width, -1)


def _cut(
    pixels: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        pixels, matrix = _shrink(pixels, matrix, scale, size)
    return _warp(pixels, matrix, size)


def _shrink(
    pixels: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    scale: float,
    size: tuple[int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut the region and average it down first: warping alone would alias large faces."""
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], list(size)], dtype=np.float64)
    inverse = cv2.invertAffineTransform(matrix)
    reached = corners @ inverse[:, :2].T + inverse[:, 2]
    around = 1 + 1 / scale  # a pixel of the shrunk region, or the crop's rim would mix with black
    low = np.clip(np.floor(reached.min(axis=0) - around), 0, None).astype(int)
    high = np.ceil(reached.max(axis=0) + around).astype(int)
    region = pixels[low[1] : high[1], low[0] : high[0]]
    if region.size == 0:
        return pixels, matrix
    shrunk_size = np.maximum(1, np.rint(np.array(region.shape[1::-1]) * scale)).astype(int)
    shrunk = cv2.resize(region, shrunk_size.tolist(), interpolation=cv2.INTER_AREA)
    # Pixel centres lie at +0.5: x_region = (x_shrunk + 0.5) * ratio - 0.5.
    ratio = np.array(region.shape[1::-1]) / shrunk_size
    back = np.array(
        [
            [ratio[0], 0, 0.5 * ratio[0] - 0.5 + low[0]],
            [0, ratio[1], 0.5 * ratio[1] - 0.5 + low[1]],
            [0, 0, 1],
        ]
    )
    return np.asarray(shrunk, dtype=np.uint8).reshape(*shrunk.shape[:2], -1), matrix @ back


def _warp(
    pixels: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:
    warped = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(warped, dtype=np.uint8).reshape(size[1], size[0], -1)
