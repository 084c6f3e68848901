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
from visavis.nets.encoder import Encoder
from visavis.training.parts import Parts
from visavis.training.recipe import Recipe

BATCH = 128
STAGE = "embedding crops"


def embeddings_of(
    store: CropStore, recipe: Recipe, parts: Parts, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Embed a store's crops, once.

    They are read from the store's folder where the same network has embedded the same crops before.
    Of two processes that ask at once, one computes them while the other waits.

    Returns:
        (n, d) float32, row by row; those of rows without a crop mean nothing.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    path = store.folder / f"embeddings-{_key(store, recipe, parts)}.f32"
    shape = len(store), parts.size
    try:
        with locked(store.folder / "lock"):
            if not path.is_file():
                write_output(path, _compute(store, parts, progress).tobytes())
            return np.fromfile(path, dtype=np.float32).reshape(shape)
    except OSError as error:
        raise DataError(f"the embeddings cannot be kept in {path}: {error.strerror}") from None


def _key(store: CropStore, recipe: Recipe, parts: Parts) -> str:
    """Changes with a photo, and with anything that changes what is computed of it."""
    if parts.base is not None:
        network = parts.base.card.fingerprint
    else:
        assert parts.encoder is not None  # noqa: S101 - one of them
        network = f"{recipe.net.model_dump_json()} {_digest(parts.encoder)}"
    return hashlib.sha256(f"{store.digest} {network}".encode()).hexdigest()[:16]


def _digest(encoder: Encoder) -> str:
    digest = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _compute(store: CropStore, parts: Parts, progress: Progress | None) -> NDArray[np.float32]:
    encode = parts.base.encode if parts.base else _torch_encode(parts)
    blocks = []
    for start in range(0, len(store), BATCH):
        rows = np.arange(start, min(start + BATCH, len(store)))
        blocks.append(encode(store.read(rows)))
        if progress:
            progress(STAGE, int(rows[-1]) + 1, len(store))
    return np.concatenate(blocks).astype(np.float32, copy=False)


def _torch_encode(parts: Parts) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    encoder = parts.encoder
    assert encoder is not None  # noqa: S101 - a frozen backbone or a base, one of them

    @torch.no_grad()
    def encode(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        embeddings: NDArray[np.float32] = encoder.eval()(torch.from_numpy(crops)).numpy()
        return embeddings

    return encode
