"""Embeddings that no weight of a run changes: computed once, kept beside the crops they are of.

Like the crops they are personal data, so they lie in the run's folder and go with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from visavis.data.crop_store import CropStore
from visavis.data.download import Progress
from visavis.data.lock import locked
from visavis.errors import DataError
from visavis.files import write_output
from visavis.models.model import Model
from visavis.nets.encoder import Encoder
from visavis.training.parts import Parts
from visavis.training.recipe import Recipe

BATCH = 128
STAGE = "embedding crops"

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def embeddings_of(
    store: CropStore, recipe: Recipe, parts: Parts, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Embed a store's crops by the network of a run, once; see ``embeddings_by``."""
    if parts.base is not None:
        return embeddings_by(parts.base, store, progress)
    assert parts.encoder is not None  # noqa: S101 - a frozen backbone or a base, one of them
    network = f"{recipe.net.model_dump_json()} {_digest(parts.encoder)}"
    return _kept(store, network, parts.size, _torch_encode(parts.encoder), progress)


def embeddings_by(
    model: Model, store: CropStore, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Embed a store's crops by a finished model, once.

    They are read from the store's folder where the same network has embedded the same crops before.
    Of two processes that ask at once, one computes them while the other waits.

    Returns:
        (n, d) float32, row by row; those of rows without a crop mean nothing.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    card = model.card
    return _kept(store, card.fingerprint, card.embedding_size, model.encode, progress)


def _kept(
    store: CropStore, network: str, size: int, encode: Encode, progress: Progress | None
) -> NDArray[np.float32]:
    """Their name changes with a photo, and with anything that changes what is computed of it."""
    key = hashlib.sha256(f"{store.digest} {network}".encode()).hexdigest()[:16]
    path = store.folder / f"embeddings-{key}.f32"
    try:
        with locked(store.folder / "lock"):
            if not path.is_file():
                write_output(path, _compute(store, encode, progress).tobytes())
            return np.fromfile(path, dtype=np.float32).reshape(len(store), size)
    except OSError as error:
        raise DataError(f"the embeddings cannot be kept in {path}: {error.strerror}") from None


def _digest(encoder: Encoder) -> str:
    digest = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _compute(store: CropStore, encode: Encode, progress: Progress | None) -> NDArray[np.float32]:
    blocks = []
    for start in range(0, len(store), BATCH):
        rows = np.arange(start, min(start + BATCH, len(store)))
        blocks.append(encode(store.read(rows)))
        if progress:
            progress(STAGE, int(rows[-1]) + 1, len(store))
    return np.concatenate(blocks).astype(np.float32, copy=False)


def _torch_encode(encoder: Encoder) -> Encode:
    @torch.no_grad()
    def encode(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings: NDArray[np.float32] = encoder.eval()(torch.from_numpy(crops)).numpy()
        return embeddings

    return encode
