"""What a loaded model makes of embeddings, for each way of comparing them."""

from __future__ import annotations

import numpy as np
import pytest

from generated_evaluation import CALIBRATION
from generated_models import write_model
from visavis.errors import ModelError, UnsupportedRateError
from visavis.models.model import Model

RUNTIMES = ["openvino", "onnxruntime"]


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(5, 4)).astype(np.float32), rng.normal(size=(7, 4)).astype(np.float32)


ORACLES = {
    "cosine": lambda a, b: float(a @ b),
    "euclidean": lambda a, b: -float(np.sqrt(((a - b) ** 2).sum())),
    "head": lambda a, b: -float(np.abs(a - b).sum()),
}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("distance", ORACLES)
def test_similarity(tmp_path, rows, distance, runtime):
    write_model(tmp_path, distance)
    model = Model(tmp_path, runtime)
    a, b = rows
    if distance == "cosine":
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rows)
    expected = np.array([[ORACLES[distance](x, y) for y in b] for x in a])
    matrix = model.similarity_matrix(a, b)
    assert matrix.shape == (5, 7)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected, rtol=1e-4, atol=1e-4)
    found = model.similarity(a, b[:5])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.diag(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.similarity(b[:5], a), found, rtol=1e-6)


@pytest.mark.parametrize("distance", ORACLES)
def test_the_same_face_is_the_most_alike(tmp_path, rows, distance):
    write_model(tmp_path, distance)
    model = Model(tmp_path)
    a = rows[0] / np.linalg.norm(rows[0], axis=1, keepdims=True)
    matrix = model.similarity_matrix(a, a)
    assert (matrix.argmax(axis=1) == np.arange(5)).all()
    assert np.isfinite(matrix).all()  # the square root of a rounding error below zero


@pytest.mark.parametrize("distance", ORACLES)
def test_nothing_to_compare(tmp_path, rows, distance):
    write_model(tmp_path, distance)
    model = Model(tmp_path)
    nothing = np.empty((0, 4), np.float32)
    assert model.similarity(nothing, nothing).shape == (0,)
    assert model.encode(np.empty((0, 8, 6, 3), np.uint8)).shape == (0, 4)
    assert model.encode([]).shape == (0, 4)
    assert model.similarity_matrix(rows[0], nothing).shape == (5, 0)
    assert model.similarity_matrix(nothing, rows[0]).shape == (0, 5)


def test_embeddings_are_of_unit_length_only_for_cosine(tmp_path):
    crops = np.random.default_rng(1).integers(0, 255, (5, 8, 6, 3), dtype=np.uint8)
    for distance in ("cosine", "euclidean"):
        write_model(tmp_path / distance, distance)
    unit, free = (Model(tmp_path / distance).encode(crops) for distance in ("cosine", "euclidean"))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-5)
    assert np.linalg.norm(free, axis=1).min() > 1.5
    np.testing.assert_allclose(free / np.linalg.norm(free, axis=1, keepdims=True), unit, rtol=1e-4)


def test_an_embedding_of_nothing_is_no_reason_to_divide_by_zero(tmp_path):
    write_model(tmp_path)
    black = Model(tmp_path).encode(np.zeros((1, 8, 6, 3), np.uint8))
    assert black.tolist() == [[0, 0, 0, 0]]


def test_faces_and_their_crops_are_one(model, sample_faces):
    faces = list(sample_faces.values())
    crops = np.stack([model.crop(face) for face in faces])
    np.testing.assert_array_equal(model.encode(faces), model.encode(crops))


def test_uncalibrated(tmp_path):
    write_model(tmp_path)
    model = Model(tmp_path)
    for ask in (lambda: model.probability(0.5), model.threshold):
        with pytest.raises(ModelError, match="drawn has no calibration yet; run `visavis calib"):
            ask()


def test_calibrated(calibrated):
    assert float(calibrated.probability(0.3)) == float(CALIBRATION.probability(0.3))
    assert calibrated.probability(0.4, 0.1) < calibrated.probability(0.4)
    assert calibrated.threshold().fmr == 1e-3
    assert calibrated.threshold(1e-2).value < calibrated.threshold().value
    with pytest.raises(UnsupportedRateError, match="needs 300,000,000 comparisons"):
        calibrated.threshold(1e-7)
