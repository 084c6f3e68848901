"""What makes a view of a face weak."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from visavis.photos.face import Face
from visavis.photos.photo import Photo
from visavis.photos.quality import MAX_TURN, MIN_EYE_DISTANCE, weaknesses

FRONTAL = np.float32([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])


def face(landmarks: np.ndarray, pixels: np.ndarray | None = None) -> Face:
    if pixels is None:
        pixels = np.random.default_rng(2).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    return Face(Photo(pixels, "a.jpg"), (0, 0, 100, 100), np.float32(landmarks), 0.9)


def scaled(sample: Face, factor: float) -> Face:
    size = tuple(round(side * factor) for side in sample.photo.pixels.shape[1::-1])
    pixels = np.asarray(cv2.resize(sample.photo.pixels, size, interpolation=cv2.INTER_AREA))
    return face(sample.landmarks * factor, pixels)


def test_portraits_are_good_views(sample_faces):
    assert {stem: weaknesses(face) for stem, face in sample_faces.items()} == {
        stem: [] for stem in sample_faces
    }


def test_small(sample_faces):
    sample = sample_faces["obama_2012"]
    enough = MIN_EYE_DISTANCE / sample.eye_distance
    assert weaknesses(scaled(sample, 1.1 * enough)) == []
    (weak, *_) = weaknesses(scaled(sample, 0.9 * enough))
    assert weak == f"small ({0.9 * MIN_EYE_DISTANCE:.0f} pixels between the eyes)"


def test_blurred(sample_faces):
    sample = sample_faces["obama_2012"]
    spread = 0.12 * sample.eye_distance
    pixels = np.asarray(cv2.GaussianBlur(sample.photo.pixels, (0, 0), spread))
    assert weaknesses(face(sample.landmarks, pixels)) == ["blurred"]


def test_sharpness_falls_with_blur(sample_faces):
    sample = sample_faces["collins"]
    values = [sample.sharpness]
    for spread in (1, 2, 4, 8):
        pixels = np.asarray(cv2.GaussianBlur(sample.photo.pixels, (0, 0), spread))
        values.append(face(sample.landmarks, pixels).sharpness)
    assert values == sorted(values, reverse=True)


def test_a_face_scaled_up_is_blurred(sample_faces):
    tiny = scaled(sample_faces["obama_2012"], 0.05)
    large = np.asarray(cv2.resize(tiny.photo.pixels, None, fx=20, fy=20))
    assert weaknesses(face(tiny.landmarks * 20, large)) == ["blurred"]


@pytest.mark.parametrize(
    ("nose", "turn"), [(50, 0), (60, 0.5), (40, 0.5), (70, 1), (30, 1), (75, 1.25)]
)
@pytest.mark.parametrize("roll", [0, 0.5, np.pi / 2, np.pi])
def test_turn_is_the_same_however_the_head_is_rolled(nose, turn, roll):
    landmarks = FRONTAL.copy()
    landmarks[2, 0] = nose
    matrix = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    rolled = face(landmarks @ matrix.T * 2 + 300)
    assert rolled.turn == pytest.approx(turn, abs=1e-5)
    assert ("turned aside" in weaknesses(rolled)) == (turn > MAX_TURN)


def test_eyes_in_one_place_are_no_reason_to_fail():
    landmarks = FRONTAL.copy()
    landmarks[1] = landmarks[0]
    assert face(landmarks).turn == 1.0
    assert weaknesses(face(landmarks))[0] == "small (0 pixels between the eyes)"
