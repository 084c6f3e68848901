"""Training runs that tests draw by themselves: photos, embeddings, a history, an evaluation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generated_embeddings import unit
from generated_evaluation import draw_card, draw_evaluation, draw_figures, draw_pairs
from visavis.data.faceset import PairSet
from visavis.report.run import Run

RECIPE: dict[str, Any] = {
    "name": "att-triplet",
    "description": 'A "twin" of ours.',
    "published": {"accuracy": 0.95, "validation_loss": 0.902},
    "seed": 0,
    "data": {"pairs": "batch", "counts": None, "test_people": ["s5", "s6"]},
    "net": {"backbone": "small", "options": {"dropout": 0.5}},
    "head": {"kind": "cosine", "options": {}},
    "loss": [{"kind": "triplet", "weight": 1.0, "options": {"margin": 0.2}}, {"kind": "arcface"}],
    "augment": {"flip": True, "scale": 0.1},
}


def draw_history(epochs: int = 12, loss_on_pairs: bool = True) -> list[dict[str, float]]:
    """Figures of each epoch; the last but one is the best."""
    return [
        {
            "epoch": float(k),
            "loss": 2 / k,
            "accuracy": 0.99 - 0.3 / k,
            "val_loss": 2.5 / k if loss_on_pairs else float("nan"),
            "val_accuracy": 0.9 - 0.3 / k - 0.01 * (k == epochs),
            "val_auc": 0.95 - 0.3 / k - 0.01 * (k == epochs),
            "seconds": 30.0,
        }
        for k in range(1, epochs + 1)
    ]


def write_photos(folder: Path, n: int = 80) -> list[Path]:
    """Small photos of noise."""
    rng = np.random.default_rng(1)
    photos = [folder / f"p{number}.jpg" for number in range(n)]
    for path in photos:
        Image.fromarray(rng.integers(0, 255, (12, 9, 3), dtype=np.uint8)).save(path)
    return photos


def draw_pairs_of(photos: list[Path], n: int = 150) -> PairSet:
    """``n`` pairs of each class over photos of which two in a row show one person."""
    return draw_pairs(photos, [f"Person {number}" for number in range(len(photos) // 2)], n, n)


def draw_run(
    folder: Path, pairs: PairSet, name: str = "att-triplet", wrong: float = 0.1, **training: Any
) -> Run:
    """A run whose network errs on about a share ``wrong`` of the pairs."""
    rng = np.random.default_rng(3)
    flipped = rng.random(len(pairs)) < wrong
    similarity = np.where(pairs.same ^ flipped, 0.6, 0.0) + rng.normal(0, 0.05, len(pairs))
    threshold = np.full(len(pairs), 0.3)
    evaluation = replace(
        draw_evaluation(pairs),
        model=name,
        similarity=similarity,
        threshold=threshold,
        figures=draw_figures(pairs, similarity, threshold),
        seconds=3.2,
        protocol="the test people of AT&T (drawn)",
    )
    history = draw_history()
    known = {
        "epochs": 12, "best_epoch": 11, "seconds": 360.0, "stopped": "all epochs",
        "parameters": 4_712_345, "onnx_difference": 2.4e-6, "monitor": "auc",
        "words": "200 photos of 20 people", "warnings": [],
    }  # fmt: skip
    card = draw_card().model_copy(
        update={"name": name, "recipe": {**RECIPE, "name": name}, "training": known | training}
    )
    faces = pairs.faces
    centres = unit(rng.standard_normal((len(faces.names), 8)))[faces.people]
    embeddings = unit(centres + 0.5 * rng.standard_normal(centres.shape) / np.sqrt(8))
    embeddings[5] = np.nan
    return Run(name, folder, card, history, evaluation, embeddings, faces)
