"""Opening a photo safely: the only way by which pixels enter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from visavis.errors import OversizedPhotoError, PhotoError, UnknownFormatError

PhotoSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[Any]

MAX_PIXELS = 89_478_485
"""Largest photo that is opened: Pillow's own bound, 256 MiB of RGB."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
    | {".pgm", ".ppm", ".pnm", ".pbm", ".avif", ".heic", ".heif"}
)
"""File name endings, in lower case, that a folder is searched for."""


_UPRIGHT: dict[Any, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright by its EXIF orientation.
        origin: the file's path, or what else it came from; for messages.
    """

    pixels: NDArray[np.uint8]
    origin: str

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])

    @classmethod
    def open(cls, source: Photo | PhotoSource) -> Photo:
        """Decode a photo; never fetches anything.

        Args:
            source: a path, the bytes of a file, a binary file object, a PIL image, or an array:
                (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB order, uint8, uint16, or floats in
                [0, 1]. Of an animation, the first frame. Transparency is laid on white.

        Raises:
            PhotoError: missing, a directory, empty, truncated, not an image
                (``UnknownFormatError``), or too many pixels (``OversizedPhotoError``).
        """
        if isinstance(source, Photo):
            return source
        if isinstance(source, np.ndarray):
            return cls(_array_to_rgb(source), "array")
        if isinstance(source, Image.Image):
            name = getattr(source, "filename", "") or "image"
            with _one_sentence(name):
                return cls(_decode(source, name), name)
        if isinstance(source, bytes):
            return _open_file(BytesIO(source), "bytes")
        if isinstance(source, str | os.PathLike):
            return _open_path(os.fspath(source))
        return _open_file(source, str(getattr(source, "name", "file")))


def count_pixels(file: BinaryIO, name: str) -> int:
    """How many pixels a photo has by its header, which is all that is read.

    Args:
        file: is at its beginning again afterwards.
        name: what messages call it.

    Raises:
        PhotoError: it is empty, not an image, or its header is damaged.
    """
    with _one_sentence(name):
        image = _identify(file, name)
        file.seek(0)
        return image.width * image.height


def _open_path(name: str) -> Photo:
    if name.lower().startswith(("http://", "https://", "ftp://", "file://", "data:")):
        raise PhotoError(f"{name} is an address, and visavis fetches nothing; save the photo first")
    path = Path(name)
    try:
        if path.is_dir():
            raise PhotoError(f"{name} is a folder, not a photo")
        if path.exists() and not path.is_file():
            raise PhotoError(f"{name} is not a regular file")
        with path.open("rb") as file:
            return _open_file(file, name)
    except FileNotFoundError:
        raise PhotoError(f"{name} does not exist") from None
    except PermissionError:
        raise PhotoError(f"{name} may not be read; check its permissions") from None
    except (OSError, ValueError) as error:  # too long a name, a null byte, a failing disk
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"{name} cannot be opened: {reason}") from None


def _open_file(file: IO[Any], name: str) -> Photo:
    with _one_sentence(name):
        if isinstance(file.read(0), str):
            raise PhotoError(f"{name} is opened as text; open it with mode 'rb'")
        with _identify(file, name) as image:
            return Photo(_decode(image, name), name)


@contextmanager
def _one_sentence(name: str) -> Iterator[None]:
    """Say in one sentence what is wrong with a file that a decoder trips over."""
    try:
        yield
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except Exception as error:  # what decoders raise on hostile bytes shares no other base
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise PhotoError(f"{name} is damaged or truncated: {reason}") from None


def _identify(file: IO[Any], name: str) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS[:-1])
    except (UnidentifiedImageError, KeyError):  # KeyError: a Pillow built without the last of them
        file.seek(0)
        header = file.read(16)
    if not header:
        raise PhotoError(f"{name} is empty (0 bytes)")
    if header[4:8] != b"ftyp":  # the container of HEIC, which Pillow reads only with a plugin
        raise UnknownFormatError(f"{name} is not an image of a kind that visavis reads")
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnknownFormatError(
            f"{name} needs HEIC support; pip install 'visavis[heif]'"
        ) from None
    register_heif_opener()
    file.seek(0)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise UnknownFormatError(f"{name} is not an image of a kind that visavis reads") from None


def _decode(image: Image.Image, name: str) -> NDArray[np.uint8]:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name, f" ({image.width}x{image.height})")
    image.load()
    # ImageOps.exif_transpose would write the EXIF data anew, and fail on what some cameras wrote.
    turn = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation))
    return _to_rgb(image if turn is None else image.transpose(turn))


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "F" or image.mode.startswith("I"):
        return _array_to_rgb(_to_unit(np.asarray(image)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _to_unit(values: NDArray[Any]) -> NDArray[np.float32]:
    """Deep grey values to [0, 1], by the range of their type or, for 32 bits, of their values."""
    top = float(values.max(initial=0))
    if not np.isfinite(values).all():
        raise ValueError("not all of its values are finite")
    full = next(full for full in (1.0, 255.0, 65535.0, max(top, 1.0)) if top <= full)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:  # in either order of bytes
        full = 65535.0
    return np.asarray(np.clip(values / full, 0, 1), dtype=np.float32)


def _array_to_rgb(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise PhotoError(
            f"an array of shape {array.shape} is no photo; give (H, W, 3) in RGB order"
        )
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise _too_large("the array", f" ({array.shape[1]}x{array.shape[0]})")
    if array.dtype == np.uint16:
        array = array / np.float32(65535)
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise PhotoError("an array of floats must lie in [0, 1]; give uint8 for 0 to 255")
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise PhotoError(f"an array of {array.dtype} is no photo; give uint8, uint16 or floats")
    if array.shape[2] == 4:
        return _to_rgb(Image.fromarray(np.ascontiguousarray(array)))
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _too_large(name: str, size: str = "") -> OversizedPhotoError:
    megapixels = MAX_PIXELS // 1_000_000
    return OversizedPhotoError(
        f"{name} has too many pixels{size}; scale it down to {megapixels} megapixels"
    )
