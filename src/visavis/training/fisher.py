"""The embedding layer in closed form: Fisher's discriminants of the training people."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg
from sklearn.utils.extmath import randomized_svd
from torch import nn

from visavis.data.crop_store import CropStore
from visavis.data.download import Progress
from visavis.errors import DataError
from visavis.nets.encoder import Encoder
from visavis.nets.input import to_images
from visavis.training.recipe import FisherPart

BATCH, STAGE = 64, "solving for the embedding"


def start_by_fisher(
    part: FisherPart,
    encoder: Encoder,
    store: CropStore,
    people: NDArray[np.int64],
    *,
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Set the embedding layer to the directions in which people differ and photos of one do not.

    Belhumeur, Hespanha and Kriegman, "Eigenfaces vs. Fisherfaces" (1997): principal components of
    the backbone's vectors first, then discriminants. The scatter within people is shrunk towards
    a multiple of the identity (Ledoit and Wolf, 2004), because most people have few photos. Each
    person with two photos or more counts alike in it.

    Args:
        part: of a recipe.
        encoder: its network; changed in place.
        store: the crops of the training photos.
        people: (n,) person of each; -1 for none.
        seed: of what is drawn.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DataError: too few people with two photos.
    """
    layer = encoder.projection[0]
    assert isinstance(layer, nn.Linear)  # noqa: S101 - the recipe is checked
    rows = np.flatnonzero(store.found & (people >= 0))
    if len(rows) > part.photos:
        rows = np.sort(np.random.default_rng(seed).choice(rows, part.photos, False))
    vectors = _vectors(encoder, store, rows, progress)
    weight, bias = discriminants(vectors, people[rows], layer.out_features, part, seed)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))


def discriminants(
    vectors: NDArray[np.float32],
    people: NDArray[np.int64],
    size: int,
    part: FisherPart,
    seed: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The linear layer whose outputs tell people apart best.

    Args:
        vectors: (n, d); changed in place to spare memory.
        people: (n,) numbers of people.
        size: of an embedding.
        part: how many principal components they are made of, and the shrinkage.
        seed: of the randomised decomposition.

    Returns:
        Weight (size, d) and bias (size,) float32; the mean vector's embedding is 0.

    Raises:
        DataError: fewer vectors than components, or nobody with two of them.
    """
    people = np.unique(people, return_inverse=True)[1]
    counts = np.bincount(people)
    components = min(part.components, vectors.shape[1])
    if size > components or len(vectors) <= components or counts.max() < 2:
        raise DataError(
            f"{len(vectors):,} photos of {len(counts):,} people are too few for {components} "
            f"components and an embedding of {size}; set net.fisher.components and net.embedding "
            "lower"
        )
    mean = vectors.mean(axis=0)
    vectors -= mean
    _, _, axes = randomized_svd(vectors, components, n_iter=2, random_state=seed)
    scores = (vectors @ axes.T).astype(np.float64)
    within = _scatter_within(scores, people, counts)
    level = np.trace(within) / components
    within = (1 - part.shrinkage) * within + part.shrinkage * level * np.eye(components)
    _, directions = linalg.eigh(np.cov(scores.T), within)
    weight = (directions[:, ::-1][:, :size].T @ axes).astype(np.float32)
    return weight, -(weight @ mean)


def _scatter_within(
    scores: NDArray[np.float64], people: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean over people of the covariance of each one's photos."""
    means = np.zeros((len(counts), scores.shape[1]))
    np.add.at(means, people, scores)
    means /= counts[:, None]
    several = counts[people] >= 2
    weights = 1 / (counts[people[several]] - 1)
    away = scores[several] - means[people[several]]
    return (away * weights[:, None]).T @ away / np.count_nonzero(counts >= 2)


@torch.no_grad()
def _vectors(
    encoder: Encoder, store: CropStore, rows: NDArray[np.int64], progress: Progress | None
) -> NDArray[np.float32]:
    """The backbone's vectors of photos, or of photo and mirror image the mean, as embeddings are.

    The layer is linear, so the mean may be taken before it.
    """
    encoder.eval()
    vectors = np.empty((len(rows), encoder.backbone.size), np.float32)
    for start in range(0, len(rows), BATCH):
        block = rows[start : start + BATCH]
        images = encoder.scale(to_images(torch.from_numpy(store.read(block))))
        found = encoder.backbone(images)
        if encoder.flip:
            found = (found + encoder.backbone(images.flip(3))) / 2
        vectors[start : start + len(block)] = found.numpy()
        if progress:
            progress(STAGE, start + len(block), len(rows))
    return vectors
