"""Uploads as photos, within the memory that there is, and their errors by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

from visavis.errors import OversizedPhotoError, PhotoError
from visavis.models.embed import EmbeddedPhoto, embed_photos
from visavis.models.model import Model
from visavis.photos.choose import Choice
from visavis.photos.photo import Photo, count_pixels
from visavis.serving.errors import ApiError, api_error
from visavis.serving.schemas import Upload
from visavis.serving.service import Service


@contextmanager
def opened(service: Service, uploads: Mapping[str, Upload]) -> Iterator[dict[str, Photo]]:
    """Photos by field, decoded once there is room for them.

    Args:
        service: its limits hold.
        uploads: by field, which is what messages call each.

    Raises:
        ApiError: 413, 415 or 422, with the field in its details.
    """
    total = 0
    for field, upload in uploads.items():
        try:
            total += _pixels(service, upload, field)
        except PhotoError as error:
            raise api_error(error, {"field": field}) from None
    with service.pixels.hold(total):
        photos = {}
        for field, upload in uploads.items():
            try:
                photos[field] = Photo.open(_file(upload, field))
            except PhotoError as error:
                raise api_error(error, {"field": field}) from None
        yield photos


@contextmanager
def opened_if_possible(
    service: Service, uploads: Mapping[str, Upload]
) -> Iterator[list[Photo | PhotoError]]:
    """Photos, or what is wrong with them, for lists of which some may be bad.

    Args:
        service: its limits hold, also for all of them together.
        uploads: by what messages call each.

    Raises:
        ApiError: 413, all together have too many pixels.
    """
    sizes: list[int | PhotoError] = []
    for name, upload in uploads.items():
        try:
            sizes.append(_pixels(service, upload, name))
        except PhotoError as error:
            sizes.append(error)
    total = sum(size for size in sizes if isinstance(size, int))
    if total > service.limits.held_pixels:
        most = service.limits.held_pixels // 1_000_000
        raise ApiError(413, "too_large", f"photos of one request may have {most} megapixels in all")
    with service.pixels.hold(total):
        photos: list[Photo | PhotoError] = []
        for (name, upload), size in zip(uploads.items(), sizes, strict=True):
            try:
                photos.append(
                    size if isinstance(size, PhotoError) else Photo.open(_file(upload, name))
                )
            except PhotoError as error:
                photos.append(error)
        yield photos


def embed_fields(model: Model, photos: Mapping[str, Photo], faces: Choice) -> list[EmbeddedPhoto]:
    """Embed photos by field.

    Raises:
        ApiError: the first photo without a face, or with several where one is asked for.
    """
    embedded = list(embed_photos(model, list(photos.values()), faces))
    for field, photo in zip(photos, embedded, strict=True):
        if photo.error:
            raise api_error(photo.error, {"field": field})
    return embedded


def size(photo: Photo) -> dict[str, int]:
    """In pixels, upright: what boxes refer to."""
    return {"width": photo.width, "height": photo.height}


def by_file_name(uploads: list[Upload], field: str) -> dict[str, Upload]:
    """Uploads of a list by their files' names, or their places; no name is there twice."""
    named: dict[str, Upload] = {}
    for number, upload in enumerate(uploads):
        place = f"{field}[{number}]"
        name = upload.name or place
        while name in named:
            name = f"{place} {name}"
        named[name] = upload
    return named


def _file(upload: Upload, name: str) -> BytesIO:
    file = BytesIO(upload.content)
    file.name = name  # what ``Photo.open`` calls it
    return file


def _pixels(service: Service, upload: Upload, name: str) -> int:
    pixels = count_pixels(_file(upload, name), name)
    if pixels > service.limits.pixels:
        most = service.limits.pixels // 1_000_000
        raise OversizedPhotoError(f"{name} has too many pixels; scale it down to {most} megapixels")
    return pixels
