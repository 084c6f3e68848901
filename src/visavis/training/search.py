"""Searching for the test photos of a run: among themselves, or among all that the recipe keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.crop_store import open_store
from visavis.data.download import Progress
from visavis.data.faceset import FaceSet
from visavis.evaluation.embed import embed_rows
from visavis.evaluation.pixels import nearest_by_components, nearest_by_pixels
from visavis.evaluation.search import NEIGHBOURS, search
from visavis.evaluation.searched import Searched
from visavis.models.model import Model
from visavis.training.material import Material
from visavis.training.recipe import Recipe


def search_test(
    model: Model,
    recipe: Recipe,
    material: Material,
    folder: Path,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], Searched]:
    """Search for each test photo among the gallery that the recipe names.

    Among all photos, raw pixels and as many principal components of them as the embedding has
    numbers search beside the network, by the same crops. The components are fitted on all photos
    but the test's, as the network and its thresholds are.

    Args:
        model: the run's.
        recipe: its ``data.gallery``.
        material: the run's.
        folder: of the run, which holds its crops.
        progress: called with a stage, photos done and photos in all.

    Returns:
        (n, d) float32 embeddings of the n test photos, NaN where no face was found, and what the
        search found.

    Raises:
        DataError: the crops cannot be kept.
    """
    test = material.test.faces
    parts = [test]
    if recipe.data.gallery == "all":
        parts += [material.train.faces, material.validation.faces]
    faces = _joined(parts)
    everyone, asked = np.arange(len(faces)), np.arange(len(test))
    embeddings = embed_rows(model, [(faces, everyone)], progress).of(faces, everyone)
    rivals = {}
    if recipe.data.gallery == "all":
        others = everyone[len(test) :]
        size = model.card.embedding_size
        crops, seen = _crops(model, parts, folder, progress)
        rivals = {
            "raw pixels": nearest_by_pixels(crops, seen, NEIGHBOURS, asked),
            f"{size}-d PCA": nearest_by_components(
                crops, seen, NEIGHBOURS, asked, fitted_on=others, size=size
            ),
        }
    return embeddings[asked], search(model, embeddings, faces, asked, rivals)


def _joined(parts: Sequence[FaceSet]) -> FaceSet:
    """The photos of several face sets of one source, in their order."""
    return FaceSet.from_names(
        parts[0].name,
        [photo for faces in parts for photo in faces.photos],
        [faces.names[person] for faces in parts for person in faces.people],
        choose=parts[0].choose,
    )


def _crops(
    model: Model, parts: Sequence[FaceSet], folder: Path, progress: Progress | None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(n, height, width, channels) uint8 crops of the parts, and (n,) which hold a face.

    Part by part: those trained and validated on lie in the run's folder already.
    """
    stores = [
        open_store(
            faces, model.card.input, folder / "crops", threads=model.threads, progress=progress
        )
        for faces in parts
    ]
    crops = np.concatenate([store.read(np.arange(len(store))) for store in stores])
    return crops, np.concatenate([store.found for store in stores])
