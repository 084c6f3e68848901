"""From photos to faces that can be enrolled, or the reasons why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.errors import DataError, VisavisError
from visavis.matching.gallery.crop import KeptCrop
from visavis.matching.gallery.named_groups import FaceAt, find_at
from visavis.matching.gallery.rows import SeenFace
from visavis.models.embed import EmbeddedPhoto, embed_photos
from visavis.models.model import Model
from visavis.photos.choose import Choice
from visavis.photos.face import Face
from visavis.photos.photo import Photo, PhotoSource
from visavis.photos.quality import weaknesses

Probe = Photo | PhotoSource | Face
"""What can be enrolled and searched for: a photo, or a face that was found in one."""


def embed(
    model: Model, probes: Sequence[Probe | FaceAt], choose: Choice
) -> Iterator[EmbeddedPhoto]:
    """``embed_photos`` that also takes faces; each of those is the only one of its photo."""
    for are_faces, some in groupby(probes, key=lambda probe: isinstance(probe, Face | FaceAt)):
        if not are_faces:
            photos = [p for p in some if not isinstance(p, Face | FaceAt)]
            yield from embed_photos(model, photos, choose)
            continue
        for face in some:
            if isinstance(face, Face | FaceAt):
                yield _embed_face(model, face)


def _embed_face(model: Model, face: Face | FaceAt) -> EmbeddedPhoto:
    try:
        found = find_at(model, face) if isinstance(face, FaceAt) else face
    except VisavisError as reason:
        source = face.photo  # only a place can be looked for in vain
        nothing = np.empty((0, model.card.embedding_size), dtype=np.float32)
        return EmbeddedPhoto(source, [], nothing, 0, reason)
    return EmbeddedPhoto(found.photo, [found], model.encode([found]), 1)


def photo_key(face: Face) -> bytes:
    """Sha256 of the photo's pixels, upright: the same for every file that holds this picture."""
    return key_of_pixels(face.photo)


def key_of_pixels(photo: Photo) -> bytes:
    """The same of a photo."""
    pixels = photo.pixels
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).digest()


def to_enrol(embedded: EmbeddedPhoto, *, force: bool, keep_crops: bool) -> SeenFace | VisavisError:
    """The face of a photo as it is enrolled, or why it should not be.

    Args:
        embedded: a photo with its chosen face.
        force: take a weak view too.
        keep_crops: keep the face's surroundings.
    """
    if embedded.error:
        return embedded.error
    (face,) = embedded.faces
    if not force and (weak := weaknesses(face)):
        return DataError(
            f"the face in {face.photo.origin} is {' and '.join(weak)}: take a better photo, or "
            "enrol it with --force"
        )
    return seen(face, embedded.embeddings[0], keep_crops=keep_crops)


def seen(face: Face, embedding: NDArray[np.float32], *, keep_crops: bool = False) -> SeenFace:
    """A face as it is enrolled."""
    left, top, width, height = (float(value) for value in face.box)
    return SeenFace(
        embedding=embedding,
        photo=photo_key(face),
        file=Path(face.photo.origin).name,
        box=(left, top, width, height),
        score=face.score,
        eye_distance=face.eye_distance,
        turn=face.turn,
        sharpness=face.sharpness,
        crop=KeptCrop.of(face) if keep_crops else None,
    )
