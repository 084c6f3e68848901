"""From a trained network to a model folder: exported, checked, calibrated, measured, described."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.errors import ModelError
from visavis.evaluation.calibrate import calibrate, calibrated_card
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.protocol import evaluate
from visavis.models.card import Card
from visavis.models.folder import (
    ENCODER,
    HEAD,
    WEIGHTS,
    current_detector,
    fingerprint,
    network_files,
    write_folder,
)
from visavis.models.model import Model
from visavis.nets.export import export_encoder, export_head
from visavis.report.card_page import card_files
from visavis.training.ancestry import licence, outside_data, parent
from visavis.training.fit import Fitted
from visavis.training.material import data_fingerprint
from visavis.training.parts import Parts
from visavis.training.recipe import Recipe
from visavis.training.weights import pack_weights

MAX_DIFFERENCE = 1e-2
"""Largest relative difference between torch's embeddings and the exported graph's."""


def make_model(recipe: Recipe, fitted: Fitted, folder: Path, threads: int | None = None) -> Model:
    """Write the model folder of a trained network, not calibrated yet, and load it.

    Raises:
        ModelError: the exported graph computes something else than torch, the head is not
            symmetric, or the folder cannot be written.
    """
    parts = fitted.parts
    files = _export(parts, folder)
    card = _card(recipe, fitted, files)
    write_folder(folder, card, files)
    model = Model.load(folder, threads=threads)
    difference = _difference(parts, model)
    if difference > MAX_DIFFERENCE:
        raise ModelError(f"{folder}: the exported graph differs from torch by {difference:.2g}")
    training = {**(card.training or {}), "onnx_difference": difference}
    write_folder(folder, card.model_copy(update={"training": training}), files)
    return Model.load(folder, threads=threads)


def calibrate_and_measure(
    model: Model, fitted: Fitted, progress: Progress | None = None
) -> tuple[Card, Evaluation]:
    """Fit threshold and calibration on the validation pairs, then measure the test pairs once.

    The model's folder gets the calibrated card with its figures, and its page.
    """
    material = fitted.material
    found = calibrate(model, material.validation, progress=progress)
    card = calibrated_card(model, found.fitted)
    files = network_files(model.folder, card)
    write_folder(model.folder, card, files)
    calibrated = Model.load(model.folder, threads=model.threads)
    # The card was fitted on the validation people, so nothing is fitted here.
    test = Source(material.test.name, material.words, material.test.faces, material.test)
    evaluation = evaluate(calibrated, test, progress=progress)
    card = card.model_copy(update={"figures": {material.test.name: evaluation.figures.as_dict()}})
    write_folder(model.folder, card, {**files, **card_files(card)})
    return card, evaluation


def _export(parts: Parts, folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {WEIGHTS: pack_weights(parts.encoder, parts.head)}
    scratch = folder / ".export.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if parts.encoder is None:
            assert parts.base is not None  # noqa: S101 - one of them
            files[ENCODER] = (parts.base.folder / ENCODER).read_bytes()
        else:
            export_encoder(parts.encoder, scratch)
            files[ENCODER] = scratch.read_bytes()
        if parts.head.distance == "head":
            export_head(parts.head, parts.size, scratch)
            files[HEAD] = scratch.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot write the model folder {folder}: {error.strerror}; mend that and go on with "
            "--resume"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()
    return files


def _card(recipe: Recipe, fitted: Fitted, files: dict[str, bytes]) -> Card:
    parts, base = fitted.parts, fitted.parts.base
    trained_on = data_fingerprint(fitted.material.train.faces)
    card = Card(
        name=recipe.name,
        description=recipe.description,
        input=parts.spec,
        embedding_size=parts.size,
        distance=parts.head.distance,
        unit_length=base is not None and (base.card.distance == "cosine" or base.card.unit_length),
        fingerprint="",
        detector=current_detector(),
        licence=licence(fitted),
        outside_data=outside_data(recipe, fitted, trained_on),
        recipe=recipe.model_dump(mode="json"),
        data_fingerprint=trained_on,
        training=_training(recipe, fitted),
        parent=parent(fitted),
    )
    digest = fingerprint(card, files[ENCODER], files.get(HEAD, b""))
    return card.model_copy(update={"fingerprint": digest})


def _training(recipe: Recipe, fitted: Fitted) -> dict[str, Any]:
    modules = [fitted.parts.head] + ([fitted.parts.encoder] if fitted.parts.encoder else [])
    return {
        "epochs": len(fitted.history),
        "best_epoch": fitted.best_epoch,
        "seconds": fitted.seconds,
        "stopped": fitted.stopped,
        "monitor": recipe.schedule.monitor,
        "parameters": sum(p.numel() for module in modules for p in module.parameters()),
        "words": fitted.material.words,
        "unreadable": fitted.unreadable,
        "warnings": fitted.warnings,
    }


def _difference(parts: Parts, model: Model) -> float:
    """Largest difference between torch and the folder, relative to the embeddings' size."""
    rng = np.random.default_rng(0)
    largest = 0.0
    if parts.encoder is not None:
        spec = parts.spec
        shape = (8, spec.height, spec.width, spec.channels)
        crops = rng.integers(0, 256, shape, dtype=np.uint8)
        with torch.no_grad():
            expected = parts.encoder.eval()(torch.from_numpy(crops)).numpy()
        found = Model.load(model.folder, runtime="onnxruntime").encoder.encode(crops)
        largest = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
    if parts.head.distance == "head":
        a, b = rng.normal(size=(2, 64, parts.size)).astype(np.float32)
        with torch.no_grad():
            expected = parts.head.eval()(torch.from_numpy(a), torch.from_numpy(b)).numpy()
        compared = model.similarity(a, b)
        if not np.allclose(compared, model.similarity(b, a), atol=1e-4):
            raise ModelError(f"{model.folder}: its head is not symmetric in its inputs")
        scale = max(np.abs(expected).max(), 1e-12)
        largest = max(largest, float(np.abs(compared - expected).max() / scale))
    return largest
