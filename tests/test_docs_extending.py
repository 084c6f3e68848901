"""What ``docs/extending.md`` shows works: its snippets are run, and a model is trained of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

import visavis
from conftest import REPOSITORY
from generated_faces import draw_face
from visavis.data.faceset import FaceSet
from visavis.data.sampling import sample_pairs
from visavis.data.source import SOURCES, Source
from visavis.models.folder import HEAD
from visavis.nets.backbones import BACKBONES
from visavis.nets.backbones.backbone import Backbone
from visavis.nets.heads import HEADS, Head
from visavis.nets.input import Input
from visavis.nets.losses import BATCH_LOSSES, PAIR_LOSSES, PairLoss
from visavis.nets.losses.batch import MetricLearning
from visavis.training.recipe import Recipe

LONGEST = 20
REGISTRIES = (BACKBONES, BATCH_LOSSES, PAIR_LOSSES, HEADS, SOURCES)
IMPORTED = (
    Backbone, FaceSet, Head, Input, MetricLearning, PairLoss, Path, Source, Tensor, losses, nn,
    sample_pairs, torch,
)  # fmt: skip
RECIPE = {
    "name": "extended",
    "precision": "fp32",
    "data": {"validation": 0.3, "test": 0.3},
    "net": {"backbone": "tiny", "options": {"filters": 8}, "embedding": 8},
    "head": {"kind": "manhattan"},
    "loss": [{"kind": "circle", "options": {"margin": 0.3}}, {"kind": "hinge", "weight": 0.5}],
    "schedule": {"epochs": 1, "steps": 4, "monitor": "auc"},
    "batch": {"people": 6, "photos": 3},
}


@pytest.fixture(autouse=True)
def extended() -> Iterator[None]:
    """The registries, with what the page adds to them."""
    page = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == len(REGISTRIES)
    assert max(len(snippet.splitlines()) for snippet in snippets) < LONGEST
    before = [dict(registry) for registry in REGISTRIES]
    names = {name: value for name, value in globals().items() if value in (*IMPORTED, *REGISTRIES)}
    for snippet in snippets:
        exec(snippet, names)  # from our own page
    yield
    for registry, known in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(known)


def test_a_model_is_trained_of_what_the_page_shows(tmp_path: Path) -> None:
    badges = tmp_path / "badges"
    badges.mkdir()
    for person in range(16):
        for photo in range(3):
            draw_face(person, photo, size=120).save(badges / f"{person}-{photo}.png")
    run = tmp_path / "run"
    model = visavis.train(Recipe.from_dict(RECIPE), f"badges:{badges}", run)
    assert model.card.input.width == 48
    assert model.card.embedding_size == 8
    assert model.card.training["onnx_difference"] < 1e-4
    # A distance that is not Euclid's needs its head wherever the model goes.
    assert model.card.distance == "head"
    assert (run / "model" / HEAD).exists()
    first, second = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)
    expected = -np.abs(first - second).sum(axis=1)
    np.testing.assert_allclose(model.similarity(first, second), expected, rtol=1e-5)
    verdict = model.verify(badges / "0-0.png", badges / "0-1.png", threshold=-100)
    assert verdict.same


def test_options_of_what_was_added_are_checked_like_any_other() -> None:
    with pytest.raises(ValueError, match="backbone 'tiny' has no option 'width'; its options are"):
        visavis.nets.backbones.build_backbone("tiny", None, width=3)
    hinge = PAIR_LOSSES["hinge"]("distance")
    found = hinge(torch.tensor([-0.4, -0.2, -2.0]), torch.tensor([True, False, False]))
    assert found.item() == pytest.approx((0.4 + 0.8 + 0) / 3)
    with pytest.raises(ValueError, match="Hinge needs a head that gives a distance, not a logit"):
        PAIR_LOSSES["hinge"]("logit")
