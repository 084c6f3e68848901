"""People that nobody has ever met: each a painted skin and a relief, drawn from a seed.

The canvas runs from ``-REACH`` to ``REACH`` both ways with the face in its middle, x to the right
and y downward; a head is about 1.8 high. ``generated_faces`` takes photos of what is drawn here.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

SIDE = 256
REACH = 1.28
BEND = 0.04  # more makes people differ more, until YuNet takes them for no faces

SKINS = ((74, 46, 36), (141, 93, 66), (190, 138, 105), (222, 172, 143), (244, 210, 192))
HAIRS = ((22, 18, 18), (60, 38, 26), (132, 62, 36), (196, 158, 96), (190, 190, 190))
LIPS = ((110, 52, 56), (168, 84, 84), (200, 84, 96))
IRISES = ((46, 30, 20), (92, 64, 34), (84, 110, 130), (86, 112, 76))


def edge(inside: Plane, softness: float) -> Plane:
    """A mask, 0 to 1, from a field that is positive inside a shape and negative outside."""
    return np.clip(0.5 + inside / softness, 0, 1)


class Portrait:
    """One person.

    Attributes:
        skin: (SIDE, SIDE, 4) float32, RGB 0 to 255 and opacity 0 to 1.
        relief: (SIDE, SIDE) float32, how far each point stands out, in units of the canvas.
    """

    def __init__(self, person: int) -> None:
        self.rng = np.random.default_rng([2024, person])
        self._lay_canvas()
        self._choose_traits()
        self.relief = self._carve()
        self.skin = np.full((SIDE, SIDE, 3), self.tone, dtype=np.float32)
        self.opacity = self.face.copy()
        for part in (
            self._add_neck_and_ears, self._add_complexion, self._add_nose, self._add_beard,
            self._add_mouth, self._add_eyes, self._add_brows, self._add_hair, self._add_spectacles,
        ):  # fmt: skip
            part()
        self.skin = np.dstack([self.skin, self.opacity]).astype(np.float32)

    # What the parts are drawn with.

    def between(self, low: float, high: float) -> float:
        # Traits near their bounds are likelier than middling ones: people differ more that way.
        return float(low + (high - low) * self.rng.beta(0.5, 0.5))

    def colour(self, palette: tuple[tuple[int, int, int], ...]) -> Plane:
        """A colour somewhere along the palette, (3,)."""
        at, stops = self.between(0, len(palette) - 1), np.arange(len(palette))
        channels = zip(*palette, strict=True)
        return np.array([np.interp(at, stops, channel) for channel in channels], dtype=np.float32)

    def noise(self, width: float, height: float) -> Plane:
        """Random spots of about the given size in pixels, with standard deviation 1."""
        grain = self.rng.standard_normal((SIDE, SIDE), dtype=np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), width, sigmaY=height)
        return grain / grain.std()

    def blob(
        self, x: float, y: float, rx: float, ry: float, *, turn: float = 0, power: float = 1
    ) -> Plane:
        """A soft spot, 1 in its middle; a larger power makes it flatter with a harder edge."""
        dx, dy = self.x - x, self.y - y
        cos, sin = math.cos(turn), math.sin(turn)
        u, v = cos * dx + sin * dy, cos * dy - sin * dx
        return np.exp(-(((u / rx) ** 2 + (v / ry) ** 2) ** power))

    def paint(self, mask: Plane, colour: Plane | tuple[float, ...], strength: float = 1) -> None:
        self.skin += (mask * strength)[..., None] * (np.float32(colour) - self.skin)

    # The person.

    def _lay_canvas(self) -> None:
        # Nobody's face is a chart of ellipses: all that follows is drawn on a canvas that is bent a
        # little, each person's in another way.
        straight = np.linspace(-REACH, REACH, SIDE, dtype=np.float32)
        x, y = np.meshgrid(straight, straight)
        self.x, self.y = (c + BEND * self.noise(30, 30) for c in (x, y))

    def _choose_traits(self) -> None:
        between = self.between
        self.tone, self.hair = self.colour(SKINS), self.colour(HAIRS)
        self.width, self.chin = between(0.54, 0.72), between(0.72, 0.96)
        self.eye_x, self.eye_y = between(0.22, 0.33), between(-0.17, -0.03)
        self.eye_w, self.eye_h = between(0.095, 0.15), between(0.03, 0.07)
        self.brow_y = self.eye_y - between(0.12, 0.21)
        self.nose_y, self.nose_w = between(0.16, 0.31), between(0.075, 0.17)
        self.mouth_y = self.nose_y + between(0.19, 0.29)
        self.mouth_w, self.lip = between(0.16, 0.31), between(0.022, 0.065)
        jaw = np.where(self.y > 0, between(1.6, 3.2), 2.0).astype(np.float32)
        height = np.where(self.y > 0, self.chin, 0.92).astype(np.float32)
        outline = (np.abs(self.x) / self.width) ** jaw + (np.abs(self.y) / height) ** jaw
        self.face = edge(1 - outline, 0.08)

    def _carve(self) -> Plane:
        blob, between = self.blob, self.between
        relief = 0.75 * np.sqrt(np.clip(1 - (self.x / 0.8) ** 2 - (self.y / 1.1) ** 2, 0, None))
        bridge = np.clip((self.y - self.eye_y) / (self.nose_y - self.eye_y), 0, 1)
        bridge = bridge * edge(self.nose_y + 0.04 - self.y, 0.08)
        ridge = np.exp(-((self.x / (self.nose_w * (0.45 + 0.5 * bridge))) ** 2))
        relief += between(0.14, 0.36) * bridge * ridge
        relief += 0.06 * blob(0, self.mouth_y, self.mouth_w, 0.09)
        relief += between(0, 0.12) * blob(0, self.chin - 0.14, 0.16, 0.1)
        sockets, brows, cheeks = between(0.05, 0.17), between(0.02, 0.1), between(0, 0.12)
        for side in (-1, 1):
            relief -= sockets * blob(side * self.eye_x, self.eye_y, 0.16, 0.1)
            relief += brows * blob(side * self.eye_x, self.brow_y, 0.2, 0.06)
            relief += cheeks * blob(side * 0.4, self.nose_y, 0.16, 0.12)
            relief += 0.07 * blob(side * self.nose_w, self.nose_y, 0.06, 0.05)
        return cv2.GaussianBlur(relief.astype(np.float32), (0, 0), 2)

    def _add_neck_and_ears(self) -> None:
        outside = 1 - self.face
        neck = edge(self.between(0.34, 0.44) - np.abs(self.x), 0.04) * (self.y > 0.3)
        self.paint(outside * neck, self.tone * 0.62)
        size = self.between(0.12, 0.2)
        for side in (-1, 1):
            ear = self.blob(side * self.width, 0.02, 0.1, size, turn=side * 0.15, power=3)
            self.paint(outside * ear, self.tone * np.float32((0.85, 0.75, 0.72)))
            self.opacity = np.maximum(self.opacity, ear)
        self.opacity = np.maximum(self.opacity, neck)

    def _add_complexion(self) -> None:
        between, tone = self.between, self.tone
        self.skin *= 1 + (between(0.01, 0.06) * self.noise(3, 3))[..., None]
        self.skin *= 1 + (between(0.05, 0.16) * self.noise(12, 12))[..., None]
        flush, bags, folds = between(0, 0.6), between(0, 0.7), between(0, 0.65)
        for side in (-1, 1):
            eye = side * self.eye_x
            fold = side * (self.mouth_w + 0.02), (self.nose_y + self.mouth_y) / 2
            self.paint(
                self.blob(side * 0.36, self.nose_y, 0.16, 0.14),
                tone * np.float32((1, 0.7, 0.68)),
                flush,
            )
            self.paint(self.blob(eye, self.eye_y, 0.19, 0.11), tone * 0.6, 0.55)
            self.paint(self.blob(eye, self.eye_y + 0.1, 0.13, 0.025), tone * 0.55, bags)
            self.paint(self.blob(*fold, 0.025, 0.14, turn=-side * 0.45), tone * 0.5, folds)

    def _add_nose(self) -> None:
        below = self.blob(0, self.nose_y + 0.06, self.nose_w * 1.2, 0.03)
        self.paint(below, self.tone * 0.45, 0.55)
        for side in (-1, 1):
            nostril = self.blob(
                side * self.nose_w * 0.55, self.nose_y + 0.045, 0.035, 0.02, power=2
            )
            self.paint(nostril, self.tone * 0.15, 0.8)

    def _add_beard(self) -> None:
        if self.rng.random() > 0.3:
            return
        below = self.y - self.nose_y - 0.05 - 0.35 * (0.5 - np.abs(self.x))
        lips = self.blob(0, self.mouth_y, self.mouth_w * 0.9, self.lip * 1.6, power=3)
        self.paint(
            edge(below, 0.12) * self.face * (1 - lips), self.hair * 0.9, self.between(0.3, 1)
        )

    def _add_mouth(self) -> None:
        across = self.x / self.mouth_w
        full, dy = np.clip(1 - across**2, 0, 1), self.y - self.mouth_y
        dy = dy - self.between(-0.035, 0.035) * np.clip(across**2, 0, 2)
        colour = 0.6 * self.colour(LIPS) + 0.4 * self.tone * np.float32((0.95, 0.75, 0.75))
        for middle, fullness, shade in ((1.1, self.between(1, 1.6), 1.0), (-0.8, 1.0, 0.78)):
            lip = edge(self.lip * (fullness * full - np.abs(dy / self.lip - middle * full)), 0.02)
            self.paint(lip * (full > 0), colour * shade, 0.9)
        self.paint(np.exp(-((dy / 0.013) ** 2)) * (np.abs(across) < 1.05), colour * 0.25, 0.9)

    def _add_eyes(self) -> None:
        iris, ball = self.colour(IRISES), self.eye_h * self.between(1, 1.25)
        slant = math.tan(self.between(-0.2, 0.2))
        for side in (-1, 1):
            eye = side * self.eye_x
            outward = (self.x - eye) * side
            dy = self.y - self.eye_y + slant * outward
            lid = self.eye_h * np.clip(1 - (outward / self.eye_w) ** 2, 0, 1)
            white = edge(lid - np.abs(dy), 0.02) * (lid > 0)
            self.paint(white, (214, 208, 204), 0.95)
            self.paint(white * self.blob(eye, self.eye_y, ball, ball, power=4), iris)
            self.paint(
                white * self.blob(eye, self.eye_y, ball / 2, ball / 2, power=4), (12, 10, 10)
            )
            self.paint(
                self.blob(eye + 0.015, self.eye_y - 0.018, 0.012, 0.012), (250, 250, 250), 0.9
            )
            within = np.abs(outward) < self.eye_w
            self.paint(np.exp(-(((dy + lid) / 0.016) ** 2)) * within, self.tone * 0.15, 0.85)
            self.paint(np.exp(-(((dy - lid) / 0.012) ** 2)) * within, self.tone * 0.4, 0.5)

    def _add_brows(self) -> None:
        height, turn, strength = (
            self.between(0.016, 0.055),
            self.between(-0.3, 0.3),
            self.between(0.3, 1),
        )
        for side in (-1, 1):
            brow = self.blob(
                side * self.eye_x, self.brow_y, self.eye_w * 1.5, height, turn=side * turn, power=2
            )
            self.paint(brow, self.hair * 0.8, strength)

    def _add_hair(self) -> None:
        style = int(self.rng.integers(4))  # bald, short, with a fringe, long
        if style == 0:
            return
        hairline = (-0.62, -0.5, -0.36)[style - 1] + self.between(-0.06, 0.08)
        crown = edge(1 - (self.x / (self.width + 0.12)) ** 2 - (self.y + 0.05) ** 2, 0.08)
        top = edge(hairline + self.between(-0.4, 0.3) * self.x**2 - self.y, 0.06)
        sides = np.maximum(1 - self.face, edge(np.abs(self.x) - 0.92 * self.width, 0.06))
        sides = sides * (self.y < (self.between(-0.25, 0.15) if style < 3 else 1.2))
        if style == 3:
            beside = edge(self.width + 0.14 - np.abs(self.x), 0.06)
            beside = beside * edge(np.abs(self.x) - self.width * 0.8, 0.06)
            crown = np.maximum(crown, beside * (self.y > -0.05))
        mane = crown * np.maximum(top, sides)
        self.paint(mane, self.hair)
        self.skin += (mane * 12 * self.noise(1, 6))[..., None] * (self.hair / 255 + 0.1)
        self.opacity = np.maximum(self.opacity, mane)

    def _add_spectacles(self) -> None:
        if self.rng.random() > 0.2:
            return
        radius, colour = self.between(0.17, 0.21), self.colour(HAIRS) * 0.6
        for side in (-1, 1):
            away = np.hypot(self.x - side * self.eye_x, (self.y - self.eye_y) * 1.2) - radius
            self.paint(np.exp(-((away / 0.02) ** 2)), colour, 0.9)
        bridge = self.blob(0, self.eye_y - 0.03, abs(self.eye_x - radius) + 0.02, 0.016, power=4)
        self.paint(bridge, colour, 0.9)


@lru_cache(maxsize=4)
def portrait(person: int) -> Portrait:
    """The person of that number, the same at every call."""
    return Portrait(person)
