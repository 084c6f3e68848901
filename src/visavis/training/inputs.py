"""What training reads: crops from the store, or embeddings that no weight of the run changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from visavis.data.crop_store import CropStore, open_store
from visavis.data.download import Progress
from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import DataError
from visavis.photos.input_spec import InputSpec
from visavis.training.batches import Batches, PairBatches, PeopleBatches, PhotoBatches
from visavis.training.embeddings import embeddings_by, embeddings_of
from visavis.training.fisher import start_by_fisher
from visavis.training.material import Material
from visavis.training.parts import Parts
from visavis.training.recipe import Recipe
from visavis.training.twin import Inputs


@dataclass(frozen=True, eq=False)
class Reading:
    """How training reads the photos of one part of its material.

    Attributes:
        inputs: rows to what the network takes.
        taught: rows to the teacher's embeddings, where there is a teacher.
        usable: (n,) bool, the rows that are read and have a face, for the teacher too.
        unreadable: how many photos could not be read.
        left_out: a sentence on the photos that are not used; empty where all are.
    """

    inputs: Inputs
    taught: Inputs | None
    usable: NDArray[np.bool_]
    unreadable: int
    left_out: str


def read_inputs(
    recipe: Recipe,
    parts: Parts,
    material: Material,
    folder: Path,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Reading, Reading]:
    """How to read the training and the validation photos, those alone that the run looks at.

    An embedding layer that is solved for is solved here: what is read may be its embeddings.

    Raises:
        DataError: none of them can be used, or the run's folder cannot be written.
    """
    teacher = parts.teacher

    def cut(faces: FaceSet, spec: InputSpec) -> CropStore:
        return open_store(faces, spec, folder / "crops", threads=threads, progress=progress)

    def read(faces: FaceSet, rows: NDArray[np.int64], purpose: str) -> Reading:
        some = faces.select(rows)
        store = cut(some, parts.spec)
        shown = cut(some, teacher.card.input) if teacher else store  # what the teacher sees
        found = store.found & shown.found
        missed = list(dict.fromkeys(store.missed + shown.missed))
        told = unused(len(store), missed, store.unreadable)
        if not found.any():
            by = f" by teacher {teacher.name}" if teacher and store.found.any() else ""
            raise DataError(f"{faces.name}: no photo can be used for the {purpose}{by}: {told}")
        place = np.full(len(faces), -1)
        place[rows] = np.arange(len(rows))
        inputs = (
            _from_memory(embeddings_of(store, recipe, parts, progress), place)
            if parts.cached and recipe.loss  # without one nothing is read
            else _crops(store, place)
        )
        taught = _from_memory(embeddings_by(teacher, shown, progress), place) if teacher else None
        usable = np.zeros(len(faces), bool)
        usable[rows] = found
        left_out = f"photos left out of the {purpose}: {told}" if told else ""
        return Reading(inputs, taught, usable, len(store.unreadable), left_out)

    train, validation = material.train, material.validation
    if parts.encoder is not None and (fisher := recipe.net.fisher):
        crops, people = cut(train.faces, parts.spec), train.faces.people
        start_by_fisher(fisher, parts.encoder, crops, people, seed=recipe.seed, progress=progress)
    everyone = np.arange(len(train.faces))
    trained = everyone if recipe.data.pairs == "batch" else rows_of(train)
    return (
        read(train.faces, trained, "training"),
        read(validation.faces, rows_of(validation), "validation"),
    )


def rows_of(pairs: PairSet) -> NDArray[np.int64]:
    """The photos that some pair holds, each once: no other needs to be looked at."""
    return np.unique(np.concatenate([pairs.first, pairs.second]))


def unused(total: int, missed: list[Path], unreadable: list[tuple[Path, str]]) -> str:
    """How many photos cannot be used, why, and the first of each kind.

    Args:
        total: photos in all.
        missed: those without a face.
        unreadable: those that could not be read, with the reason, which names the photo.

    Returns:
        Words to end a sentence with; empty where all can be used.
    """
    why = []
    if unreadable:
        first = unreadable[0][1]
        why.append(f"{len(unreadable):,} of {total:,} could not be read (the first: {first})")
    if missed:
        why.append(f"{len(missed):,} of {total:,} show no face (the first: {missed[0]})")
    return " and ".join(why)


def _crops(store: CropStore, place: NDArray[np.int64]) -> Inputs:
    return lambda rows: torch.from_numpy(store.read(place[rows]))


def _from_memory(embeddings: NDArray[np.float32], place: NDArray[np.int64]) -> Inputs:
    return lambda rows: torch.from_numpy(embeddings[place[rows]])


def make_batches(recipe: Recipe, train: PairSet, usable: NDArray[np.bool_]) -> Batches:
    """The batches that a recipe trains on, over the photos that have a face.

    Raises:
        DataError: those photos are of too few people, or make no pairs of both classes.
    """
    part, plan = recipe.batch, recipe.schedule
    if recipe.data.pairs != "batch":
        return PairBatches(usable_pairs(train, usable), part.pairs, seed=recipe.seed)
    if recipe.teacher:
        size = part.people * part.photos
        return PhotoBatches(train.faces, size, steps=plan.steps, usable=usable, seed=recipe.seed)
    batches = PeopleBatches(
        train.faces,
        part.people,
        part.photos,
        steps=plan.steps,
        usable=usable,
        seed=recipe.seed,
    )
    if np.bincount(train.faces.people[usable]).max() < 2:
        raise DataError(
            f"{train.faces.name}: nobody to train on has two photos that can be used, so there is "
            "no genuine pair"
        )
    return batches


def usable_pairs(pairs: PairSet, usable: NDArray[np.bool_]) -> PairSet:
    """The pairs of which both photos have a face; of both classes, or ``DataError``."""
    kept = pairs.select(usable[pairs.first] & usable[pairs.second], pairs.name)
    kept.assert_both_classes()
    return kept
