"""What all requests share: one model, one gallery, the tokens, the limits and the threads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from visavis.matching.gallery.gallery import Gallery
from visavis.matching.gallery.key import GalleryKey
from visavis.models.encoder import SIZES
from visavis.models.model import Model
from visavis.photos.photo import Photo
from visavis.serving.batching import BatchingEncoder, batching
from visavis.serving.limits import Limits, PixelBudget, TokenBuckets
from visavis.serving.metrics import Metrics
from visavis.serving.tokens import TokenFile
from visavis.serving.work import Workroom

THREADS_PER_CORE = 3
"""While the network is at work for some requests, others decode and find faces, and gather."""


class Service:
    """Everything behind the endpoints; one for each application.

    Args:
        model: loaded.
        gallery: its address.
        tokens: their file.
        runs: the folder of training runs, where they are shown.
        limits: what is taken on.
        key: opens an encrypted gallery.

    Raises:
        DataError, ModelError: the gallery cannot be opened.
    """

    def __init__(
        self,
        model: Model,
        gallery: str,
        tokens: Path,
        runs: Path | None = None,
        limits: Limits | None = None,
        *,
        key: GalleryKey | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.metrics = Metrics()
        cores = model.threads or os.cpu_count() or 1
        self.gallery = Gallery(gallery, model, key=key)  # made where there is none
        encoder = BatchingEncoder(model.encoder, cores, self.metrics.batch.observe)
        self.model = batching(model, encoder)
        self.gallery.use(self.model)
        self.tokens = TokenFile(tokens)
        self.runs = runs
        self.buckets = TokenBuckets(self.limits.requests_per_second, self.limits.burst)
        self.pixels = PixelBudget(self.limits.held_pixels)
        self.room = Workroom(THREADS_PER_CORE * cores, self.limits)
        self.metrics.watch(self.room)

    def warm(self) -> None:
        """Make the networks ready for the usual sizes, so that no request waits for it."""
        for size in SIZES:
            self.model.encode(np.zeros((size, *self.model.card.input.shape), dtype=np.uint8))
        self.model.detector.detect(Photo(np.zeros((480, 640, 3), dtype=np.uint8), "nothing"))

    def close(self) -> None:
        """Finish what runs, and let go of the gallery."""
        self.room.close()
        self.gallery.close()
