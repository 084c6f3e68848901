"""The embeddings of all photos of LFW's View 1, kept between benchmarks."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.evaluation.embed import embed_rows
from visavis.files import write_atomically
from visavis.models.model import Model
from visavis.runtime.cache import cache_folder


def embed_once(model: Model, faces: FaceSet, cache: Path | None) -> NDArray[np.float32]:
    """(n, d) embeddings; a photo without a face is a row of NaN.

    Args:
        model: embeds.
        faces: the photos of View 1.
        cache: where they are kept; the user's cache by default.
    """
    folder = cache or cache_folder() / "benchmarks"
    path = folder / f"lfw-view1-{model.card.fingerprint[:16]}.npy"
    if path.is_file():
        kept: NDArray[np.float32] = np.load(path)
        if len(kept) == len(faces):
            return kept
    found = embed_rows(model, [(faces, np.arange(len(faces)))])
    content = BytesIO()
    np.save(content, found.embeddings)
    write_atomically(path, content.getvalue())
    return found.embeddings
