"""People whose embeddings are planted: galleries without a photo or a network."""

from __future__ import annotations

import numpy as np

from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.rows import SeenFace


def seen_face(seed: int, *, size: int = 4, crop: bool = False) -> SeenFace:
    """A face with an embedding of unit length, all drawn from a seed."""
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(size)
    kept = KeptCrop(rng.bytes(2000), rng.random(15, dtype=np.float32)) if crop else None
    return SeenFace(
        embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
        photo=rng.bytes(32),
        file=f"photo-{seed}.jpg",
        box=(1.5, 2.0, 30.0, 40.0),
        score=0.9,
        eye_distance=20.5,
        turn=0.1,
        sharpness=99.0,
        crop=kept,
    )
