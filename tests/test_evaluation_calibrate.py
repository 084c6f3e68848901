from __future__ import annotations

import numpy as np
import pytest

from generated_embeddings import CosineModel, World, some_pairs
from visavis.errors import UnsupportedRateError
from visavis.evaluation.calibrate import calibrate, calibrated_card
from visavis.models.card import Card
from visavis.models.folder import network_files, write_folder
from visavis.photos.input_spec import InputSpec

FILES = {"encoder.onnx": b"graph", "README.md": b"old page", "scores.png": b"old picture"}


@pytest.fixture
def model(tmp_path):
    card = Card(
        name="planted",
        input=InputSpec(width=4, height=4, colour="grey", template="arcface"),
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


def test_the_new_card_holds_the_calibration_and_nothing_outdated(model, pairs):
    card = calibrated_card(model, calibrate(model, pairs, 1e-2).fitted)
    assert (card.fingerprint, card.figures) == (model.card.fingerprint, {})
    assert card.calibration.fitted_on == card.best_accuracy.fitted_on == "own pairs"
    assert card.halfway.fitted_on == "own pairs"
    assert card.halfway.value != card.best_accuracy.value
    assert card.scores.fitted_on == "all comparisons of own pairs"
    assert card.scores.threshold(1e-2) == card.scores.standard[0]
    assert (card.one_each.people, card.one_each.photos) == (60, 60)
    assert model.card.calibration is None  # the old card is as it was


def test_only_the_network_is_copied(model):
    assert network_files(model.folder, model.card) == {"encoder.onnx": b"graph"}


def test_a_refused_rate_says_what_it_needs(model, pairs):
    with pytest.raises(UnsupportedRateError, match="needs 3,000,000 comparisons"):
        calibrate(model, pairs, 1e-5)
