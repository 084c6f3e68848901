"""A quantised copy beside its parent: agreement, accuracy and speed, on the same crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import PairSet
from visavis.errors import ModelError
from visavis.evaluation.embed import EmbeddedPhotos, Progress, embed_rows
from visavis.evaluation.fitted import Fitted, fit
from visavis.evaluation.listed import People
from visavis.evaluation.paired import Resampled, resample
from visavis.evaluation.reported import Applied, ListedPairs
from visavis.models.encoder import BATCH, Encoder
from visavis.models.folder import ENCODER
from visavis.models.model import Model
from visavis.models.quantised import Pace
from visavis.photos.face import Face
from visavis.training.quantise_people import CopyMaterial

ROUNDS = 100
"""Each of the two models is timed so often, in turns: what else the machine does hits both."""
MEDIAN_INTERVAL = (0.4, 0.6)
"""The quantiles of 100 values between which their true median lies with 95 %."""
STAGE = "measuring the speed"


@dataclass(frozen=True)
class Measured:
    """One of the two models on the reported pairs.

    Attributes:
        fitted: on the fitting pairs.
        listed: the reported pairs, at the threshold of best accuracy.
        embeddings: (n, d) float32 of the reported photos that show a face.
    """

    fitted: Fitted
    listed: ListedPairs
    embeddings: NDArray[np.float32]

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(m,) which pairs are called one person; of a missed pair, wrongly."""
        decided = self.listed.similarity >= self.listed.threshold
        return np.where(np.isnan(self.listed.similarity), ~self.listed.pairs.same, decided)

    def resampled(self) -> Resampled:
        """Under draws of people that both models share."""
        people = People.of(self.listed.pairs)
        return resample(people, self.listed.similarity, self.accepted)


class _Both(Model):
    """Two models of one kind of crop as one: so each photo is opened and cropped once."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models
        self.detector, self.threads = models[0].detector, models[0].threads
        sizes = sum(model.card.embedding_size for model in models)
        self.card = models[0].card.model_copy(update={"embedding_size": sizes})

    def encode(self, faces: Sequence[Face] | NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.hstack([model.encode(faces) for model in self.models])


def measure(
    models: Sequence[Model], material: CopyMaterial, progress: Progress | None = None
) -> tuple[list[Measured], EmbeddedPhotos]:
    """Fit each model on the fitting pairs and apply it to the reported ones.

    Args:
        models: of the same crops and embedding size.
        material: the pairs.
        progress: called after each photo.

    Returns:
        One ``Measured`` a model, and the walk over the photos, for what it could not read.
    """
    fitting, reported = material.fitting, material.reported
    rows = np.unique(np.concatenate([reported.first, reported.second]))
    everyone = np.arange(len(fitting.faces))
    needed = [(fitting.faces, everyone), (reported.faces, rows)]
    walk = embed_rows(_Both(models), needed, progress)
    parts = np.split(walk.embeddings, len(models), axis=1)
    embedded = [EmbeddedPhotos(walk.row, part, walk.missed, walk.unreadable) for part in parts]
    return [
        _measured(model, each, fitting, reported, rows)
        for model, each in zip(models, embedded, strict=True)
    ], walk


def _measured(
    model: Model,
    embedded: EmbeddedPhotos,
    fitting: PairSet,
    reported: PairSet,
    rows: NDArray[np.int64],
) -> Measured:
    fitted = fit(model, embedded, fitting)
    folds = np.zeros(len(reported), dtype=np.int64)
    applied = Applied([fitted], [fitted.best], folds, np.zeros(len(reported.faces), dtype=np.int64))
    embeddings = embedded.of(reported.faces, rows)
    seen = ~np.isnan(embeddings).any(axis=1)
    listed = ListedPairs(reported, embedded.similarity(model, reported), applied)
    return Measured(fitted, listed, embeddings[seen])


def compared(parent: Measured, copy: Measured) -> dict[str, Any]:
    """What was found of both, by the names of ``Quantised``."""
    pairs = copy.listed.pairs
    before, after = parent.resampled(), copy.resampled()
    difference = after.minus(before, "accuracy")
    agreement = _cosines(parent.embeddings, copy.embeddings)
    return {
        "agreement": float(agreement.mean()),
        "lowest": float(agreement.min()),
        "photos": len(agreement),
        "pairs": pairs.name,
        "n_pairs": len(pairs),
        "verdicts": float(np.mean(parent.accepted == copy.accepted)),
        "accuracy": after.values["accuracy"],
        "parent_accuracy": before.values["accuracy"],
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
    }


def runtimes_agree(model: Model, crops: NDArray[np.uint8]) -> float | None:
    """The lowest cosine between the runtime in use and ONNX Runtime; ``None`` where that is it.

    Raises:
        ModelError: one of them does not run the graph.
    """
    card, path = model.card, model.folder / ENCODER
    try:
        found = model.encoder.encode(crops)
        if model.encoder.runtime == "onnxruntime":
            return None
        other = Encoder(path, card.input, card.embedding_size, "onnxruntime", model.threads)
        return float(_cosines(found, other.encode(crops)).min())
    except RuntimeError as error:  # of a runtime that reads a graph and cannot run it
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"a runtime cannot run {model.name}: {reason}") from None


def measure_speed(
    parent: Model, copy: Model, crops: NDArray[np.uint8], progress: Progress | None = None
) -> tuple[Pace, ...]:
    """The pace of both, by the runtime in use: one crop at a time, and in batches.

    Args:
        parent, copy: of the same crops.
        crops: one or more.
        progress: called after each round.
    """
    batch = np.resize(crops, (BATCH, *crops.shape[1:]))
    sizes = (batch[:1], batch)
    encoders = (parent.encoder, copy.encoder)
    seconds = np.empty((ROUNDS, len(sizes), len(encoders)))
    for encoder in encoders:  # compiled before the clock runs
        for some in sizes:
            encoder.encode(some)
    for i in range(ROUNDS):
        for j, some in enumerate(sizes):
            for k in (0, 1) if i % 2 else (1, 0):
                started = perf_counter()
                encoders[k].encode(some)
                seconds[i, j, k] = perf_counter() - started
        if progress:
            progress(STAGE, i + 1, ROUNDS)
    return tuple(
        _pace(len(some), *(1000 / len(some) * seconds[:, j].T)) for j, some in enumerate(sizes)
    )


def _pace(batch: int, parent: NDArray[np.float64], own: NDArray[np.float64]) -> Pace:
    times = parent / own
    low, high = np.quantile(times, MEDIAN_INTERVAL)
    medians = (float(np.median(each)) for each in (parent, own, times))
    return Pace(
        batch=batch,
        **dict(zip(("parent", "own", "times"), medians, strict=True)),
        low=low,
        high=high,
    )


def _cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) between the rows of (n, d) and (n, d)."""
    a, b = (
        each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12)
        for each in (first.astype(np.float64), second.astype(np.float64))
    )
    return np.asarray(np.einsum("nd,nd->n", a, b))
