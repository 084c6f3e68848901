"""Every kind of file and object that a photo can come as."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from visavis.photos.photo import Photo

HEIGHT, WIDTH = 24, 32
SMOOTH = np.stack(
    np.broadcast_arrays(
        np.linspace(0, 255, WIDTH)[np.newaxis],
        np.linspace(255, 0, HEIGHT)[:, np.newaxis],
        np.full((1, 1), 90.0),
    ),
    axis=2,
).astype(np.uint8)
"""Colours that every corner tells apart, and that lossy formats keep."""
GREY = SMOOTH[:, :, 0]


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture() -> Image.Image:
    return Image.fromarray(SMOOTH)


def off(photo: Photo, expected: np.ndarray) -> float:
    """The largest difference of any pixel."""
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (HEIGHT, WIDTH, 3)
    if expected.ndim == 2:
        expected = expected[:, :, np.newaxis]
    return float(np.abs(photo.pixels.astype(float) - expected).max())


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 8),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 8),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("PPM", {}, 0),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 12),
    ],
)
def test_colour(kind, options, tolerance):
    assert off(Photo.open(written(picture(), kind, **options)), SMOOTH) <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM"])
def test_grey(kind):
    assert off(Photo.open(written(Image.fromarray(GREY), kind)), GREY) <= 3


def test_heic():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(picture()).save(file, quality=95, chroma=444)
    assert off(Photo.open(file.getvalue()), SMOOTH) <= 12


def test_cmyk_jpeg_is_not_inverted():
    opened = Photo.open(written(picture().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert off(opened, SMOOTH) <= 12


def test_palette_with_transparency_lies_on_white():
    image = Image.new("P", (WIDTH, HEIGHT), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((0, 0), 1)
    pixels = Photo.open(written(image, "PNG", transparency=0)).pixels
    assert pixels[0, 0].tolist() == [200, 0, 0]
    assert pixels[5, 5].tolist() == [255, 255, 255]


def test_transparent_colour_of_an_rgb_png_lies_on_white():
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((0, 0), (9, 9, 9))
    pixels = Photo.open(written(image, "PNG", transparency=(1, 2, 3))).pixels
    assert pixels[0].tolist() == [[9, 9, 9], [255, 255, 255]]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (0, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (200, 100, 0, 255), [200, 100, 0]),
        ("RGBA", (0, 0, 0, 51), [204, 204, 204]),
        ("LA", (0, 0), [255, 255, 255]),
        ("LA", (80, 255), [80, 80, 80]),
        ("1", 1, [255, 255, 255]),
        ("1", 0, [0, 0, 0]),
    ],
)
def test_alpha_and_one_bit(mode, colour, expected):
    opened = Photo.open(written(Image.new(mode, (4, 4), colour), "PNG"))
    assert opened.pixels[2, 2].tolist() == expected


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame(kind):
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = written(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert off(Photo.open(data), np.full((HEIGHT, WIDTH, 3), [255, 0, 0])) == 0


@pytest.mark.parametrize(
    ("kind", "top"), [("PNG", 65535), ("PNG", 200), ("TIFF", 65535), ("TIFF", 200), ("PPM", 65535)]
)
def test_16_bit_grey_by_the_range_of_its_type(kind, top):
    """A dark 16-bit photo stays dark."""
    deep = np.linspace(0, top, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    assert off(Photo.open(written(Image.fromarray(deep), kind)), deep / 257.0) <= 1


def test_16_bit_grey_of_the_other_byte_order():
    deep = np.full((HEIGHT, WIDTH), 200, dtype=">u2")
    image = Image.frombytes("I;16B", (WIDTH, HEIGHT), deep.tobytes())
    assert off(Photo.open(image), np.full((HEIGHT, WIDTH), 0.0)) <= 1


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_float_tiff_by_its_values(full):
    image = Image.fromarray((GREY / 255 * full).astype(np.float32))
    assert off(Photo.open(written(image, "TIFF")), GREY) <= 1


@pytest.mark.parametrize(
    "data",
    [
        b"P2\n# a comment\n2 1\n255\n0 255\n",
        b"P5 2 1 255\n\x00\xff",
        b"P5 2 1 65535\n\x00\x00\xff\xff",
        b"P5 2 1 1023\n\x00\x00\x03\xff",
        b"P3 2 1 255\n0 0 0 255 255 255\n",
        b"P6 2 1 255\n\x00\x00\x00\xff\xff\xff",
    ],
)
def test_portable_maps(data):
    assert Photo.open(data).pixels[0].tolist() == [[0, 0, 0], [255, 255, 255]]


def turned(orientation: int) -> tuple[Image.Image, Image.Exif]:
    """The picture as a camera would store it that sets this EXIF orientation."""
    pixels = {
        1: SMOOTH,
        2: SMOOTH[:, ::-1],
        3: SMOOTH[::-1, ::-1],
        4: SMOOTH[::-1],
        5: SMOOTH.transpose(1, 0, 2),
        6: np.rot90(SMOOTH, 1),
        7: SMOOTH[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(SMOOTH, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return Image.fromarray(np.ascontiguousarray(pixels)), exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(kind, orientation):
    image, exif = turned(orientation)
    options = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"lossless": True},
    }.get(kind, {})
    data = written(image, kind, exif=exif, **options)
    assert off(Photo.open(data), SMOOTH) <= (8 if kind == "JPEG" else 0)
    assert off(Photo.open(Image.open(io.BytesIO(data))), SMOOTH) <= (8 if kind == "JPEG" else 0)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own
@given(data=st.data())
def test_damaged_exif_never_hides_the_photo(data):
    image, exif = turned(6)
    exif[0x010E], exif[0x011A] = "a title", 72.0
    content = bytearray(written(image, "JPEG", exif=exif, quality=95, subsampling=0))
    start, end = content.index(b"Exif\0\0") + 6, content.index(b"\xff\xdb")
    for place in data.draw(st.lists(st.integers(start, end - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    assert Photo.open(bytes(content)).pixels.shape in {(HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3)}


def test_exif_that_cannot_be_written_anew():
    """Cameras write such: a text where a number belongs."""
    image, exif = turned(6)
    exif[0x0100] = 32
    content = written(image, "PNG", exif=exif)
    opened = Image.open(io.BytesIO(content))
    opened.getexif()[0x0100] = "wide"
    assert off(Photo.open(opened), SMOOTH) == 0


@pytest.mark.parametrize(
    "name", ["plain.png", "with spaces.png", "Zoë 李明 🙂.png", "%41.png", "x"]
)
@pytest.mark.parametrize("kind", [str, Path])
def test_paths(tmp_path, name, kind):
    path = tmp_path / name
    path.write_bytes(written(picture(), "PNG"))
    photo = Photo.open(kind(path))
    assert off(photo, SMOOTH) == 0
    assert photo.origin == str(path)
    assert (photo.width, photo.height) == (WIDTH, HEIGHT)


def test_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("here.png").write_bytes(written(picture(), "PNG"))
    assert Photo.open("here.png").origin == "here.png"


def test_a_wrong_ending_does_not_matter(tmp_path):
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(written(picture(), "PNG"))
    assert off(Photo.open(path), SMOOTH) == 0


def test_file_objects(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(written(picture(), "PNG"))
    with path.open("rb") as file:
        assert Photo.open(file).origin == str(path)
        assert not file.closed  # whoever opened it closes it
    memory = io.BytesIO(path.read_bytes())
    memory.seek(7)
    assert off(Photo.open(memory), SMOOTH) == 0


def test_pil_image_keeps_its_name_and_is_not_changed(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(written(picture().convert("RGBA"), "PNG"))
    with Image.open(path) as image:
        photo = Photo.open(image)
        assert (photo.origin, image.mode) == (str(path), "RGBA")
    assert Photo.open(picture()).origin == "image"


def test_a_photo_is_itself():
    photo = Photo.open(SMOOTH)
    assert Photo.open(photo) is photo


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (SMOOTH, SMOOTH),
        (SMOOTH.astype(np.uint16) * 257, SMOOTH),
        (SMOOTH / 255, SMOOTH),
        ((SMOOTH / 255).astype(np.float32), SMOOTH),
        (GREY, GREY),
        (GREY[:, :, np.newaxis], GREY),
        (np.dstack([SMOOTH, np.full(GREY.shape, 255, np.uint8)]), SMOOTH),
        (np.dstack([SMOOTH, np.zeros(GREY.shape, np.uint8)]), np.full_like(SMOOTH, 255)),
        (np.asfortranarray(SMOOTH), SMOOTH),
        (SMOOTH[::-1][::-1], SMOOTH),
    ],
    ids=["rgb", "16 bit", "float64", "float32", "grey", "grey1", "opaque", "clear", "F", "view"],
)
def test_arrays(array, expected):
    photo = Photo.open(array)
    assert off(photo, expected) == 0
    assert photo.origin == "array"
