from __future__ import annotations

import numpy as np
import pytest

from generated_embeddings import CosineModel, World, some_pairs
from visavis.errors import UnsupportedRateError
from visavis.evaluation.calibrate import calibrate_model
from visavis.models.card import Card, InputSpec
from visavis.models.folder import read_folder, write_folder

FILES = {"encoder.onnx": b"graph", "README.md": b"old page", "scores.png": b"old picture"}


@pytest.fixture
def model(tmp_path):
    card = Card(
        name="planted",
        input=InputSpec(width=4, height=4, colour="grey", template="x"),
        embedding_size=8,
        distance="cosine",
        fingerprint="f" * 64,
        detector="d" * 64,
        licence="none",
        figures={"old": {"accuracy": 0.9}},
    )
    made = CosineModel()
    made.folder = tmp_path / "old"
    made.card = write_folder(made.folder, card, FILES)
    return made


@pytest.fixture
def pairs(monkeypatch):
    world, rng = World(), np.random.default_rng(0)
    monkeypatch.setattr("visavis.evaluation.embed.embed_photos", world.embed_photos)
    return some_pairs(rng, world.faces(rng, 60), 100, "own pairs")


def test_the_copy_holds_the_calibration_and_nothing_outdated(model, pairs, tmp_path):
    card = calibrate_model(model, pairs, tmp_path / "new", 1e-2)
    assert read_folder(tmp_path / "new") == card
    assert set(card.files) == {"encoder.onnx"}
    assert (tmp_path / "new" / "encoder.onnx").read_bytes() == b"graph"
    assert (card.fingerprint, card.figures) == (model.card.fingerprint, {})
    assert card.calibration.fitted_on == card.best_accuracy.fitted_on == "own pairs"
    assert card.scores.fitted_on == "all comparisons of own pairs"
    assert card.scores.threshold(1e-2) == card.scores.standard[0]
    assert read_folder(model.folder).calibration is None  # the old folder is as it was


def test_a_refused_rate_writes_nothing(model, pairs, tmp_path):
    with pytest.raises(UnsupportedRateError, match="needs 3,000,000 comparisons"):
        calibrate_model(model, pairs, tmp_path / "new", 1e-5)
    assert not (tmp_path / "new").exists()
