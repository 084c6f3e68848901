"""The photo walk for many: paths in, embeddings out, in order, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from visavis.errors import NoFaceError, VisavisError
from visavis.models.encoder import BATCH
from visavis.models.model import Model
from visavis.photos.choose import Choice, choose_faces
from visavis.photos.face import Face
from visavis.photos.photo import Photo, PhotoSource


@dataclass(frozen=True, eq=False)
class EmbeddedPhoto:
    """What the walk made of one photo.

    Attributes:
        source: as given.
        faces: the chosen ones; their photos' pixels are kept alive by them.
        embeddings: (len(faces), d) float32.
        found: how many faces the photo shows, chosen or not.
        error: why there is no face: ``PhotoError``, ``NoFaceError`` or ``CrowdError``; else None.
    """

    source: Photo | PhotoSource
    faces: list[Face]
    embeddings: NDArray[np.float32]
    found: int
    error: VisavisError | None = None


def embed_photos(
    model: Model,
    photos: Sequence[Photo | PhotoSource],
    choose: Choice = "largest",
    threads: int | None = None,
) -> Iterator[EmbeddedPhoto]:
    """Open, detect, crop and embed photos.

    Each thread takes a batch of photos through the whole walk, so nothing waits for a slower
    stage, and at most a few batches are in memory however many photos there are.

    Args:
        model: embeds them.
        photos: any mixture of what ``Photo.open`` takes.
        choose: which face of each, see ``visavis.photos.choose``.
        threads: the model's own by default, else all cores.

    Yields:
        One ``EmbeddedPhoto`` for each photo, in order. A bad photo is no reason to stop: its
        ``error`` says what is wrong with it.
    """
    threads = threads or model.threads or os.cpu_count() or 1
    batches = (photos[i : i + BATCH] for i in range(0, len(photos), BATCH))
    if threads == 1:
        for batch in batches:
            yield from _embed_batch(model, batch, choose)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="embed") as pool:
        waiting: deque[Future[list[EmbeddedPhoto]]] = deque()
        try:
            for batch in islice(batches, 2 * threads):
                waiting.append(pool.submit(_embed_batch, model, batch, choose))
            while waiting:
                done = waiting.popleft().result()
                for batch in islice(batches, 1):
                    waiting.append(pool.submit(_embed_batch, model, batch, choose))
                yield from done
        finally:
            for future in waiting:
                future.cancel()


def find_faces(model: Model, source: Photo | PhotoSource, choose: Choice) -> tuple[list[Face], int]:
    """The chosen faces of one photo, and how many it shows.

    Raises:
        PhotoError: the photo cannot be opened.
        NoFaceError: it shows none.
        CrowdError: it shows several where ``one`` is asked for.
    """
    photo = Photo.open(source)
    faces = model.detector.detect(photo)
    if not faces:
        raise NoFaceError(f"no face was found in {photo.origin}")
    return choose_faces(faces, choose), len(faces)


def _embed_batch(
    model: Model, photos: Sequence[Photo | PhotoSource], choose: Choice
) -> list[EmbeddedPhoto]:
    found: list[tuple[list[Face], int, VisavisError | None]] = []
    for source in photos:
        try:
            found.append((*find_faces(model, source, choose), None))
        except VisavisError as reason:
            found.append(([], 0, reason))
    embeddings = model.encode([face for faces, _, _ in found for face in faces])
    embedded, start = [], 0
    for source, (faces, count, error) in zip(photos, found, strict=True):
        rows = embeddings[start : start + len(faces)]
        embedded.append(EmbeddedPhoto(source, faces, rows, count, error))
        start += len(faces)
    return embedded
