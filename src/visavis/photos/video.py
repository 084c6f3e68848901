"""Opening a video safely: a few of its frames each second, as photos."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from visavis.errors import PhotoError
from visavis.photos.photo import MAX_PIXELS, Photo

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts"}
    | {".wmv", ".flv", ".3gp", ".ogv"}
)
"""File name endings, in lower case, that mean a video."""
DEFAULT_FPS = 5.0
"""Looks each second: a face in view for half a second is seen twice or more."""
MISSING = 1.0
"""Seconds by which a video may end earlier than it says: many say it only roughly."""

# Read by OpenCV when it first opens a video: FFmpeg's own words would stand beside our sentence.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def is_video(path: Path) -> bool:
    """Whether a file is a video by its name."""
    return path.suffix.lower() in SUFFIXES


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        at: seconds from the start.
        photo: its pixels, upright.
    """

    at: float
    photo: Photo


class Video:
    """A video file; only one pass through its frames.

    Attributes:
        path: where it is.
        seconds: how long it says it is; 0 where it does not say.
        pixels: of a frame.
        read_to: the time of the last frame that was passed so far, in seconds.
    """

    def __init__(self, path: Path) -> None:
        """Open it; nothing is ever fetched.

        Raises:
            PhotoError: missing, a folder, empty, or not a video that can be read.
        """
        self.path = path
        self.read_to = 0.0
        _check_file(path)
        with _in_silence():
            # FFmpeg lets a file lead to other files alone, never to an address.
            self._capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise PhotoError(f"{path} is not a video that can be read, or it is damaged")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = rate if np.isfinite(rate) and rate > 0 else 25.0
        self._expected = max(0.0, self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._passed = 0
        self.seconds = self._expected / self._rate
        sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        self.pixels = int(np.prod([max(1.0, self._capture.get(side)) for side in sides]))
        if self.pixels > MAX_PIXELS:
            raise PhotoError(f"{path} has frames of too many pixels; scale it down")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    @property
    def cut_short(self) -> bool:
        """Whether frames ended before the video says it does; it holds after all were read.

        Both their times and their number have to say so: a last frame may stand for long.
        """
        late = self.seconds - self.read_to > MISSING + 1 / self._rate
        return late and self._expected - self._passed > MISSING * self._rate

    def step(self, fps: float) -> float:
        """Seconds between two of ``frames``."""
        return max(1 / fps, 1 / self._rate)

    def frames(self, fps: float) -> Iterator[Frame]:
        """Some frames each second, the first one among them.

        Args:
            fps: how many; all of them where the video has fewer.

        Raises:
            PhotoError: none can be decoded.
        """
        due, given = 0.0, 0
        while self._capture.grab():
            at = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not at > 0:  # the first one, or a container that does not tell
                at = self._passed / self._rate
            self.read_to = max(self.read_to, at)
            self._passed += 1
            if self.read_to + 1e-6 < due:
                continue
            decoded, pixels = self._capture.retrieve()
            if not decoded:
                continue
            due, given = max(due + 1 / fps, self.read_to), given + 1
            rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
            yield Frame(self.read_to, Photo(rgb, f"{self.path} at {self.read_to:.1f} s"))
        if not given:
            raise PhotoError(f"{self.path} is damaged: none of its frames can be decoded")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise PhotoError(f"{path} is a folder, not a video")
    if not path.is_file():
        raise PhotoError(f"{path} {'is not a regular file' if path.exists() else 'does not exist'}")
    if not os.access(path, os.R_OK):
        raise PhotoError(f"{path} may not be read; check its permissions")
    if not path.stat().st_size:
        raise PhotoError(f"{path} is empty (0 bytes)")


@contextmanager
def _in_silence() -> Iterator[None]:
    """OpenCV's own warnings, off: what it returns says as much."""
    logging = cv2.utils.logging
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
