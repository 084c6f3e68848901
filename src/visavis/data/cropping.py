"""From photos to crops, in parallel and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from visavis.data.crop_files import FOUND, MISSED, UNREADABLE
from visavis.data.faceset import FaceSet
from visavis.errors import VisavisError
from visavis.photos.align import BOX, WHOLE
from visavis.photos.choose import Choice, choose_faces
from visavis.photos.detect import Detector
from visavis.photos.face import Face
from visavis.photos.input_spec import InputSpec
from visavis.photos.photo import Photo

BATCH = 16
"""Photos that a thread takes at once, and that are written together; a batch that was in flight
when a process was killed is made again."""

_NO_LANDMARKS = np.full((5, 2), np.nan, dtype=np.float32)


@dataclass(eq=False)
class Walk:
    """From a row of a face set to its crop."""

    faces: FaceSet
    spec: InputSpec
    make_detector: Callable[[], Detector]
    detector: Detector | None = field(default=None, init=False)

    def prepare(self, rows: NDArray[np.int64]) -> None:
        """Make the detector where one of the rows needs it: before any thread asks."""
        if any(self._given(row) is None for row in rows.tolist()) and self.spec.template != WHOLE:
            self.detector = self.make_detector()

    def crop(self, row: int) -> NDArray[np.uint8] | None:
        """The crop, or ``None`` where the face is not found.

        Raises:
            VisavisError: the photo cannot be used.
        """
        face = self._face(Photo.open(self.faces.photos[row]), row)
        spec = self.spec
        if face is None:
            return None
        return face.crop(spec.template, spec.width, spec.height, spec.colour)

    def _face(self, photo: Photo, row: int) -> Face | None:
        if self.spec.template == WHOLE:
            return Face(photo, (0, 0, photo.width, photo.height), _NO_LANDMARKS, 1.0)
        given = self._given(row)
        if given is not None:
            return Face(photo, given, _NO_LANDMARKS, 1.0)
        assert self.detector is not None  # noqa: S101 - made by prepare
        found = self.detector.detect(photo)
        box = self.faces.boxes[row]
        if np.isfinite(box).all():
            return _at(found, box)
        return next(iter(choose_faces(found, cast("Choice", self.faces.choose))), None)

    def _given(self, row: int) -> tuple[float, float, float, float] | None:
        """The source's box, where it is all that the crop needs."""
        box = self.faces.boxes[row]
        if self.spec.template != BOX or not np.isfinite(box).all():
            return None
        left, top, width, height = box.tolist()
        return left, top, width, height


def _at(faces: list[Face], box: NDArray[np.float32]) -> Face | None:
    """The face that overlaps a box most, as intersection over union; ``None`` where none does."""

    def overlap(face: Face) -> float:
        own = np.array(face.box)
        low = np.maximum(own[:2], box[:2])
        high = np.minimum(own[:2] + own[2:], box[:2] + box[2:])
        shared = float(np.clip(high - low, 0, None).prod())
        return shared / float(own[2:].prod() + box[2:].prod() - shared)

    best = max(faces, key=overlap, default=None)
    return best if best is not None and overlap(best) > 0 else None


@dataclass(frozen=True, eq=False)
class Cropped:
    """A batch, done."""

    rows: NDArray[np.int64]
    crops: dict[int, NDArray[np.uint8]]
    states: NDArray[np.uint8]
    reasons: dict[int, str]


def _crop_batch(walk: Walk, rows: NDArray[np.int64]) -> Cropped:
    crops: dict[int, NDArray[np.uint8]] = {}
    reasons: dict[int, str] = {}
    for row in rows.tolist():
        try:
            crop = walk.crop(row)
        except VisavisError as error:
            reasons[row] = str(error)
        else:
            crops |= {} if crop is None else {row: crop}
    states = [
        UNREADABLE if r in reasons else FOUND if r in crops else MISSED for r in rows.tolist()
    ]
    return Cropped(rows, crops, np.array(states, dtype=np.uint8), reasons)


def crop_in_batches(walk: Walk, rows: NDArray[np.int64], threads: int) -> Iterator[Cropped]:
    """The batches in order, one more in the making than there are threads."""
    starts = iter(range(0, len(rows), BATCH))
    waiting: deque[Future[Cropped]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="crop") as pool:
        try:
            while True:
                while len(waiting) <= threads and (start := next(starts, None)) is not None:
                    waiting.append(pool.submit(_crop_batch, walk, rows[start : start + BATCH]))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
