"""Crops in, embeddings out: whatever else is in the batch, whoever asks at the same time."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from generated_models import SPEC, WEIGHTS, draw_encoder
from visavis.errors import ModelError
from visavis.models.encoder import BATCH, Encoder


@pytest.fixture
def drawn(tmp_path) -> Encoder:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(draw_encoder())
    return Encoder(path, SPEC, 4)


@pytest.fixture(scope="module")
def crops(model, sample_faces) -> np.ndarray:
    """Nine different crops of faces."""
    whole = np.stack([model.crop(face) for face in sample_faces.values()])
    return np.concatenate([whole, whole[:4, :, ::-1]])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", a, b) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_every_crop_gets_its_own_embedding(drawn, count):
    given = np.random.default_rng(count).integers(0, 255, (count, 8, 6, 3), dtype=np.uint8)
    found = drawn.encode(given)
    assert found.shape == (count, 4)
    assert found.dtype == np.float32
    expected = given.mean(axis=(1, 2)) @ WEIGHTS
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=2)  # bfloat16 has 8 bits


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
def test_what_else_is_in_the_batch_changes_nothing(model, crops, count):
    alone = np.concatenate([model.encoder.encode(crop[np.newaxis]) for crop in crops[:count]])
    together = model.encoder.encode(crops[:count])
    assert cosines(alone, together).min() > 0.9999


def test_the_order_of_crops_is_kept(model, crops):
    forward, backward = model.encoder.encode(crops), model.encoder.encode(crops[::-1])
    np.testing.assert_allclose(cosines(forward, backward[::-1]), 1, atol=1e-4)
    assert cosines(forward, backward)[:4].max() < 0.9


def test_views_of_an_array_are_taken_as_they_look(model, crops):
    mirrored = crops[:3, :, ::-1]
    a, b = model.encoder.encode(mirrored), model.encoder.encode(np.ascontiguousarray(mirrored))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((2, 8, 6, 3), np.float32),
        np.zeros((2, 6, 8, 3), np.uint8),
        np.zeros((2, 8, 6, 1), np.uint8),
        np.zeros((2, 3, 8, 6), np.uint8),
        np.zeros((8, 6, 3), np.uint8),
        np.zeros(0, np.uint8),
    ],
    ids=lambda crops: f"{crops.dtype}{crops.shape}",
)
def test_other_crops_are_refused(drawn, crops):
    with pytest.raises(ModelError, match=r"takes uint8 crops of shape \(n, 8, 6, 3\), not") as it:
        drawn.encode(crops)
    assert str(crops.shape) in str(it.value)


def test_pickled_by_path(drawn):
    given = np.full((2, 8, 6, 3), 50, np.uint8)
    content = pickle.dumps(drawn)
    assert len(content) < 2000
    np.testing.assert_array_equal(pickle.loads(content).encode(given), drawn.encode(given))


@pytest.mark.slow
def test_sent_to_another_process(drawn):
    given = np.full((2, 8, 6, 3), 50, np.uint8)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(drawn.encode, given).result(timeout=60)
    np.testing.assert_array_equal(found, drawn.encode(given))


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_threads_at_once(model, crops, runtime):
    encoder = Encoder(
        model.folder / "encoder.onnx", model.card.input, model.card.embedding_size, runtime
    )
    expected = encoder.encode(crops)
    starts = [start % 7 for start in range(21)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda start: encoder.encode(crops[start : start + 2]), starts))
    for start, rows in zip(starts, found, strict=True):
        assert cosines(rows, expected[start : start + 2]).min() > 0.9999
