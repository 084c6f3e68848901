"""Finding faces: in portraits, crowds, turned, large and tiny photos, and in photos of nobody."""

from __future__ import annotations

import zipfile

import cv2
import numpy as np
import pytest

from generated_faces import draw_face
from visavis.photos.detect import Detector, _turn_back, _views
from visavis.photos.photo import Photo

SAMPLES = ["biden_2010", "collins", "obama_2009", "obama_2010", "obama_2012"]


def likeness(model, face, other) -> float:
    """The cosine of two faces' embeddings."""
    a, b = model.encode([face, other])
    return float(a @ b)


@pytest.mark.parametrize("stem", SAMPLES)
def test_portraits_show_one_face(model, samples, stem):
    photo = Photo.open(samples / f"{stem}.jpg")
    (face,) = model.detector.detect(photo)
    left, top, width, height = face.box
    assert 0 <= left < left + width <= photo.width
    assert 0 <= top < top + height <= photo.height
    assert 0.9 < face.score <= 1
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    assert (face.landmarks > [left, top]).all()
    assert (face.landmarks < [left + width, top + height]).all()
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("shape", [(4, 7), (5, 5)])
def test_turning_back(turns, shape):
    """Every pixel of a turned photo came from the pixel that the matrix says."""
    values = np.arange(shape[0] * shape[1]).reshape(shape)
    turned = np.rot90(values, turns)
    matrix = _turn_back(turns, shape[1], shape[0])
    for row, column in np.ndindex(*turned.shape):
        x, y, _ = (matrix @ [column, row, 1]).astype(int).tolist()
        assert values[y, x] == turned[row, column]


@pytest.mark.parametrize(("height", "width"), [(200, 300), (1500, 1000), (3000, 4000)])
def test_places_in_scaled_views(height, width):
    """What shines in the photo shines in every view at the place that the matrix says."""
    photo = np.zeros((height, width, 3), np.uint8)
    top, left = height // 3, width // 4
    photo[top : top + 60, left : left + 90] = 255
    for view, matrix in _views(photo):
        light = view[:, :, 0] / view[:, :, 0].sum(dtype=float)
        row, column = (float((light * grid).sum()) for grid in np.indices(light.shape))
        x, y, _ = matrix @ [column, row, 1]
        assert [x, y] == pytest.approx([left + 44.5, top + 29.5], abs=0.05 * matrix[0, 0])


@pytest.mark.parametrize("stem", SAMPLES)
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(model, sample_faces, stem, turns):
    """YuNet also finds lying faces as they are, with landmarks anywhere: these must not win."""
    upright = sample_faces[stem]
    turned = Photo(np.ascontiguousarray(np.rot90(upright.photo.pixels, turns)), "turned")
    (face,) = model.detector.detect(turned)
    assert likeness(model, face, upright) > 0.97
    back = _turn_back(turns, upright.photo.width, upright.photo.height)
    placed = face.landmarks @ back[:2, :2].T + back[:2, 2]
    assert np.abs(placed - upright.landmarks).max() < 0.1 * upright.eye_distance


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("person", range(6))
def test_quarter_turns_of_drawn_faces(model, person, turns):
    upright = Photo.open(draw_face(person, 0))
    turned = Photo(np.ascontiguousarray(np.rot90(upright.pixels, turns)), "turned")
    (face,), (expected,) = model.detector.detect(turned), model.detector.detect(upright)
    assert likeness(model, face, expected) > 0.9


def test_a_face_in_a_large_photo_is_cut_from_its_full_resolution(model, sample_faces):
    small = sample_faces["obama_2012"]
    canvas = np.full((3000, 4000, 3), 120, np.uint8)
    canvas[300:2800, 1000:3000] = cv2.resize(
        small.photo.pixels, (2000, 2500), interpolation=cv2.INTER_CUBIC
    )
    (face,) = model.detector.detect(Photo(canvas, "large"))
    assert likeness(model, face, small) > 0.95
    expected = (small.landmarks + 0.5) * 2.5 - 0.5 + [1000, 300]
    assert np.abs(face.landmarks - expected).max() < 0.1 * face.eye_distance
    fine = face.crop("arcface", 400, 400)
    coarse = cv2.resize(face.crop("arcface", 64, 64), (400, 400), interpolation=cv2.INTER_CUBIC)
    assert cv2.Laplacian(fine, cv2.CV_64F).var() > 1.5 * cv2.Laplacian(coarse, cv2.CV_64F).var()


def test_a_small_face_in_a_large_photo(model, sample_faces):
    """25 pixels between the eyes in 1600, which are 10 in the first view."""
    small = sample_faces["obama_2012"]
    canvas = np.full((1200, 1600, 3), 128, np.uint8)
    canvas[100:350, 200:400] = cv2.resize(
        small.photo.pixels, (200, 250), interpolation=cv2.INTER_AREA
    )
    (face,) = model.detector.detect(Photo(canvas, "small"))
    assert likeness(model, face, small) > 0.8


@pytest.mark.parametrize(("width", "least"), [(400, 0.9), (200, 0.9), (100, 0.8), (64, 0.6)])
def test_photos_scaled_down(model, sample_faces, width, least):
    face = sample_faces["obama_2012"]
    scaled = cv2.resize(face.photo.pixels, (width, width * 5 // 4), interpolation=cv2.INTER_AREA)
    (found,) = model.detector.detect(Photo(scaled, "tiny"))
    assert likeness(model, found, face) > least


@pytest.mark.parametrize("stem", SAMPLES)
def test_a_face_that_fills_the_photo(model, sample_faces, stem):
    face = sample_faces[stem]
    left, top, width, height = (round(value) for value in face.box)
    tight = face.photo.pixels[top : top + height, left : left + width]
    found = model.detector.detect(Photo(np.ascontiguousarray(tight), "tight"))
    assert len(found) == 1
    assert likeness(model, found[0], face) > 0.7


def test_an_aligned_crop_is_found_again(model, sample_faces):
    face = sample_faces["obama_2012"]
    (found,) = model.detector.detect(Photo(face.crop(width=250, height=250), "crop"))
    assert likeness(model, found, face) > 0.8


def test_several_faces(model, sample_faces):
    photos = [
        cv2.resize(sample_faces[stem].photo.pixels, (400, 500), interpolation=cv2.INTER_AREA)
        for stem in SAMPLES
    ]
    faces = model.detector.detect(Photo(np.concatenate(photos, axis=1), "row"))
    assert len(faces) == 5
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for place, face in enumerate(sorted(faces, key=lambda face: face.box[0])):
        assert 400 * place <= face.box[0] < 400 * (place + 1)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        noise(300, 400),
        np.zeros((480, 640, 3), np.uint8),
        np.full((100, 100, 3), 255, np.uint8),
        noise(1, 1),
        noise(1, 2000),
        noise(10_000, 10),
        noise(10, 10_000),
    ],
    ids=lambda pixels: f"{pixels.shape[1]}x{pixels.shape[0]}",
)
def test_nobody(model, pixels):
    assert model.detector.detect(Photo(pixels, "nobody")) == []


def test_pixels_are_not_touched(model, samples):
    photo = Photo.open(samples / "collins.jpg")
    before = photo.pixels.copy()
    model.detector.detect(photo)
    np.testing.assert_array_equal(photo.pixels, before)


def test_runtimes_find_the_same(sample_faces):
    fallback = Detector("onnxruntime")
    assert fallback._network.runtime == "onnxruntime"
    for expected in sample_faces.values():
        (face,) = fallback.detect(expected.photo)
        np.testing.assert_allclose(face.landmarks, expected.landmarks, atol=0.1)
        np.testing.assert_allclose(face.box, expected.box, atol=0.2)


def test_faces_as_plain_types(sample_faces):
    face = sample_faces["collins"]
    plain = face.as_dict()
    assert plain["photo"].endswith("collins.jpg")
    assert np.allclose(plain["landmarks"], face.landmarks, atol=0.06)
    assert all(type(value) is float for value in plain["box"])


def test_a_detached_face_keeps_its_measures(sample_faces):
    face = sample_faces["collins"]
    kept = face.detached()
    assert kept.photo.pixels.size == 0
    assert kept.as_dict() == face.as_dict()


@pytest.mark.slow
def test_att_faces_are_found(model, data_folder):
    """Every tenth photo of AT&T: grey, 92x112, filled by the face."""
    path = data_folder / "att_faces.zip"
    if not path.is_file():
        pytest.skip("no att_faces.zip: set VISAVIS_DATA to its folder")
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".pgm"))[::10]
        missed = [n for n in names if not model.detector.detect(Photo.open(archive.read(n)))]
    assert len(names) == 40
    assert missed == []
