"""What training reads: crops from the store, or embeddings that no weight of the run changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visavis.data.crop_store import open_store
from visavis.data.download import Progress
from visavis.data.faceset import FaceSet, PairSet
from visavis.training.batches import Batches, PairBatches, PeopleBatches
from visavis.training.material import Material
from visavis.training.parts import Parts
from visavis.training.recipe import Recipe
from visavis.training.twin import Inputs


def read_inputs(
    parts: Parts,
    material: Material,
    folder: Path,
    threads: int | None,
    progress: Progress | None,
) -> tuple[list[Inputs], list[NDArray[np.bool_]]]:
    """For training and validation photos: rows to inputs, and which rows have a face."""
    readers, usable = [], []
    for faces in (material.train.faces, material.validation.faces):
        store = open_store(faces, parts.spec, folder / "crops", threads=threads, progress=progress)
        usable.append(store.found)
        if parts.cached:
            readers.append(_cached(parts, store.read, faces, progress))
        else:
            readers.append(_crops(store.read))
    return readers, usable


def _crops(read: Callable[[NDArray[np.int64]], NDArray[np.uint8]]) -> Inputs:
    return lambda rows: torch.from_numpy(read(rows))


def _cached(
    parts: Parts,
    read: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
    faces: FaceSet,
    progress: Progress | None,
) -> Inputs:
    """Embed each photo once; rows are then read from memory."""
    encode = parts.base.encode if parts.base else _torch_encode(parts)
    size = 128
    blocks = []
    for start in range(0, len(faces), size):
        rows = np.arange(start, min(start + size, len(faces)))
        blocks.append(encode(read(rows)))
        if progress:
            progress("embedding crops", int(rows[-1]) + 1, len(faces))
    embeddings = torch.from_numpy(np.concatenate(blocks))
    return lambda rows: embeddings[torch.from_numpy(rows)]


def _torch_encode(parts: Parts) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    encoder = parts.encoder
    assert encoder is not None  # noqa: S101 - a frozen backbone or a base, one of them

    @torch.no_grad()
    def encode(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings: Tensor = encoder.eval()(torch.from_numpy(crops))
        return embeddings.numpy()

    return encode


def make_batches(recipe: Recipe, train: PairSet, usable: NDArray[np.bool_]) -> Batches:
    """The batches that a recipe trains on, over the photos that have a face."""
    part, plan = recipe.batch, recipe.schedule
    if recipe.data.pairs == "batch":
        return PeopleBatches(
            train.faces,
            part.people,
            part.photos,
            steps=plan.steps,
            usable=usable,
            seed=recipe.seed,
        )
    train.assert_both_classes()
    return PairBatches(train, part.pairs, usable=usable, seed=recipe.seed)


def usable_pairs(pairs: PairSet, usable: NDArray[np.bool_]) -> PairSet:
    """The pairs of which both photos have a face; of both classes, or ``DataError``."""
    kept = pairs.select(usable[pairs.first] & usable[pairs.second], pairs.name)
    kept.assert_both_classes()
    return kept
