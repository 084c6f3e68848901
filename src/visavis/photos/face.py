"""A face in a photo, and how good a view of it the photo gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.photos.align import (
    BOX,
    TEMPLATES,
    WHOLE,
    check_crop,
    crop_aligned,
    crop_box,
    crop_whole,
)
from visavis.photos.photo import Photo

Colour = Literal["rgb", "grey"]


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face.

    Attributes:
        photo: where it is.
        box: left, top, width, height in pixels of the photo; may reach past its edges.
        landmarks: (5, 2) float32 pixels: the eye on the left of an upright face, the one on its
            right, the nose's tip, the corners of the mouth on the left and on the right.
        score: of the detector, in [0, 1].
    """

    photo: Photo
    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float

    def crop(
        self, template: str = "arcface", width: int = 112, height: int = 112, colour: Colour = "rgb"
    ) -> NDArray[np.uint8]:
        """The face from the full-resolution photo.

        Args:
            template: a name in ``visavis.photos.align.CROPS``: an alignment template puts the
                landmarks in their places; ``box`` cuts the square around the box, 1.3 times its
                longer side; ``whole`` scales the whole photo.
            width, height: pixels.
            colour: ``rgb`` or ``grey`` (luma of ITU-R 601).

        Returns:
            (height, width, 3 or 1) uint8.

        Raises:
            ValueError: an unknown template.
        """
        whole = self.photo.pixels
        if check_crop(template) == WHOLE:
            pixels = crop_whole(whole, width, height)
        elif template == BOX:
            pixels = crop_box(whole, self.box, width, height)
        else:
            pixels = crop_aligned(whole, self.landmarks, TEMPLATES[template], width, height)
        return pixels if colour == "rgb" else _grey(pixels)

    @cached_property
    def eye_distance(self) -> float:
        """Pixels between the eyes, the field's measure of a face's size."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))

    @cached_property
    def turn(self) -> float:
        """How far the head is turned aside: 0 frontal, about 1 in profile.

        The nose's tip, projected on the line between the eyes, as its distance from their middle
        in units of half that line.
        """
        left, right, nose = self.landmarks[:3].astype(np.float64)
        axis = right - left
        length = float(axis @ axis)
        if length == 0:
            return 1.0
        return float(abs((nose - (left + right) / 2) @ axis) / (length / 2))

    @cached_property
    def sharpness(self) -> float:
        """Contrast of the finest details: variance of the Laplacian on the grey aligned crop.

        Pech-Pacheco et al. (2000), on 112x112 pixels, so that it also falls for a face that was
        scaled up.
        """
        grey = self.crop("arcface", 112, 112, "grey")[16:96, 16:96, 0]
        return float(cv2.Laplacian(grey, cv2.CV_64F).var())

    def detached(self) -> Face:
        """The same face without its photo's pixels, its measures taken: for keeping many."""
        measures = {name: getattr(self, name) for name in ("eye_distance", "turn", "sharpness")}
        nothing = Photo(np.empty((0, 0, 3), dtype=np.uint8), self.photo.origin)
        kept = replace(self, photo=nothing, landmarks=self.landmarks.copy())
        vars(kept).update(measures)  # where cached_property keeps what it computed
        return kept

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON, in pixels of the upright photo."""
        return {
            "photo": self.photo.origin,
            "box": [round(float(value), 1) for value in self.box],
            "landmarks": np.round(self.landmarks.astype(float), 1).tolist(),
            "score": round(self.score, 4),
            "eye_distance": round(self.eye_distance, 1),
            "turn": round(self.turn, 3),
            "sharpness": round(self.sharpness, 1),
        }


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return grey[:, :, np.newaxis]
