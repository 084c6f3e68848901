"""Alignment against oracles: known transforms, least squares by another route, painted photos."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visavis.photos.align import TEMPLATES, crop_aligned, similarity_transform
from visavis.photos.face import Face
from visavis.photos.photo import Photo

ARCFACE = TEMPLATES["arcface"]
coordinate = st.floats(-1000, 1000)
points = arrays(np.float64, st.tuples(st.integers(2, 8), st.just(2)), elements=coordinate).filter(
    lambda points: np.ptp(points, axis=0).max() > 1
)


def transform(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(points, st.floats(-np.pi, np.pi), st.floats(0.01, 100), coordinate, coordinate)
def test_recovers_what_made_the_points(source, angle, scale, x, y):
    made = transform(angle, scale, x, y)
    found = similarity_transform(source, apply(made, source))
    np.testing.assert_allclose(apply(found, source), apply(made, source), atol=1e-6 * scale * 1000)
    np.testing.assert_allclose(found[:, :2], made[:, :2], atol=1e-6 * scale * 1000)


@given(points, st.data())
def test_is_the_least_squares_optimum(source, data):
    target = data.draw(arrays(np.float64, source.shape, elements=coordinate))
    x, y = source.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)]
    )
    (a, b, c, d), *_ = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)
    found = similarity_transform(source, target)
    oracle = np.array([[a, -b, c], [b, a, d]])
    errors = [np.sum((apply(matrix, source) - target) ** 2) for matrix in (found, oracle)]
    assert errors[0] <= errors[1] + 1e-6 * (1 + errors[1])


def test_never_mirrors():
    source = ARCFACE.points
    mirrored = source * [-1, 1]
    assert np.linalg.det(similarity_transform(source, mirrored)[:, :2]) > 0


def painted(landmarks: np.ndarray, side: int, radius: int) -> np.ndarray:
    """Black, with a white disc at each landmark."""
    canvas = np.zeros((side, side, 3), np.uint8)
    for x, y in np.rint(landmarks).astype(int).tolist():
        cv2.circle(canvas, (x, y), radius, (255, 255, 255), -1)
    return canvas


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("size", [(112, 112), (96, 128), (160, 100)])
@pytest.mark.parametrize(("face", "angle"), [(60, 0.3), (150, 0.0), (700, -0.5)])
def test_landmarks_land_on_the_template(template, size, face, angle):
    width, height = size
    turn = transform(angle, 1, 0, 0)
    landmarks = apply(turn, (ARCFACE.points - 0.5) * face) + 500
    photo = painted(landmarks, 1000, max(2, face // 30))
    crop = crop_aligned(photo, landmarks, TEMPLATES[template], width, height)
    assert crop.shape == (height, width, 3)
    side = min(size)
    expected = TEMPLATES[template].points * side + (np.array(size) - side) / 2
    discs = (crop[:, :, 0] > 60).astype(np.uint8)
    labels, _, _, centres = cv2.connectedComponentsWithStats(discs)
    assert labels == 6  # the background and five discs
    for point in expected:
        assert np.linalg.norm(centres[1:] - point, axis=1).min() < 1.5


def test_loose_shows_the_face_smaller():
    eyes = {name: np.ptp(template.points[:2, 0]) for name, template in TEMPLATES.items()}
    assert eyes["loose"] == pytest.approx(0.6 * eyes["arcface"])
    landmarks = ARCFACE.points * 100 + 150
    photo = np.zeros((400, 400, 3), np.uint8)
    photo[120:130, 150:250] = 255  # a hat, above the arcface crop
    assert crop_aligned(photo, landmarks, ARCFACE, 112, 112).max() == 0
    assert crop_aligned(photo, landmarks, TEMPLATES["loose"], 112, 112).max() == 255


@pytest.mark.parametrize("cell", [1, 2, 3])
@pytest.mark.parametrize("shift", [0.0, 0.5, 0.9])
def test_a_large_face_is_averaged_not_sampled(cell, shift):
    """A chessboard of fine cells is grey from afar; sampling it would leave black and white."""
    rows, columns = np.mgrid[:1600, :1600] // cell
    board = np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)
    crop = crop_aligned(board, ARCFACE.points * 1500 + 50 + shift, ARCFACE, 112, 112)
    assert np.abs(crop.astype(float) - 127.5).max() < 30
    assert crop.mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize("face", [80, 112, 230, 500, 1700])
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_no_dark_rim_where_the_photo_goes_on(face, angle):
    white = np.full((3000, 3000, 3), 255, np.uint8)
    landmarks = apply(transform(angle, face, 0, 0), ARCFACE.points - 0.5) + 1500.3
    assert crop_aligned(white, landmarks, ARCFACE, 112, 112).min() == 255


@pytest.mark.parametrize("face", [100, 900])
def test_black_past_the_edge_of_the_photo(face):
    white = np.full((1000, 1000, 3), 255, np.uint8)
    crop = crop_aligned(white, ARCFACE.points * face - face / 2, ARCFACE, 112, 112)
    assert crop[:50].max() == crop[:, :50].max() == 0
    assert crop[62:, 62:].min() == 255


@pytest.mark.parametrize("place", [-5000, 5000])
@pytest.mark.parametrize("face", [100, 900])
def test_a_face_far_outside_is_black(place, face):
    white = np.full((500, 500, 3), 255, np.uint8)
    assert crop_aligned(white, ARCFACE.points * face + place, ARCFACE, 112, 112).max() == 0


@pytest.mark.parametrize("factor", [2, 3, 5, 8])
def test_crop_of_an_enlarged_photo_is_that_of_the_photo(sample_faces, factor):
    face = sample_faces["collins"]
    part = face.photo.pixels[40:200, 150:300]
    landmarks = face.landmarks - [150, 40]
    large = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    placed = (landmarks + 0.5) * factor - 0.5
    small = crop_aligned(part, landmarks, ARCFACE, 112, 112).astype(float)
    scaled = crop_aligned(large, placed, ARCFACE, 112, 112).astype(float)
    assert np.abs(small - scaled).mean() < 4


def test_grey_crops_are_the_luma_of_the_colour_crop(sample_faces):
    face = sample_faces["collins"]
    colour, grey = face.crop(), face.crop(colour="grey")
    assert grey.shape == (112, 112, 1)
    luma = colour @ [0.299, 0.587, 0.114]
    assert np.abs(luma - grey[:, :, 0]).max() <= 1


def test_crops_keep_proportions_in_a_box_that_is_not_square():
    landmarks = ARCFACE.points * 112
    pixels = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    face = Face(Photo(pixels, "a"), (0, 0, 112, 112), landmarks.astype(np.float32), 1.0)
    wide = face.crop(width=140, height=112)
    assert wide.shape == (112, 140, 3)
    assert np.abs(wide[:, 14:126].astype(int) - pixels).max() <= 1
    assert wide[:, :13].max() == wide[:, 127:].max() == 0
