"""Bad photos: one sentence each, with the name of what is bad, and nothing but ``PhotoError``."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from visavis.errors import PhotoError
from visavis.photos.photo import MAX_PIXELS, Photo


def written(kind: str, **options: object) -> bytes:
    rng = np.random.default_rng(1)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(rng.integers(0, 255, (20, 16, 3), dtype=np.uint8))
    image.save(file, kind, exif=exif, **options)
    return file.getvalue()


def claim(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is width x height."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )


def refusal(source: object) -> str:
    """What is said about it: one line."""
    with pytest.raises(PhotoError) as caught:
        Photo.open(source)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in message
    assert len(message) > 10
    return message


def test_missing(tmp_path):
    path = tmp_path / "nobody.jpg"
    assert refusal(path) == f"{path} does not exist"


def test_folder(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder, not a photo"


@pytest.mark.parametrize("content", [b""])
def test_empty(tmp_path, content):
    path = tmp_path / "empty.jpg"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is empty (0 bytes)"
    assert refusal(content) == "bytes is empty (0 bytes)"
    assert refusal(io.BytesIO(content)) == "file is empty (0 bytes)"


@pytest.mark.parametrize("content", [b"this is text\n", b"\x00" * 64, b"%PDF-1.7", b"\xff", b"MZ"])
def test_not_an_image(tmp_path, content):
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is not an image of a kind that visavis reads"


def test_kinds_that_are_never_decoded():
    """Pillow would run Ghostscript on PostScript; no such decoder is ever reached."""
    assert "not an image of a kind" in refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    pcx = io.BytesIO()
    Image.new("L", (4, 4)).save(pcx, "PCX")
    assert "not an image of a kind" in refusal(pcx.getvalue())


@pytest.mark.parametrize("address", ["http://a/b.jpg", "HTTPS://a/b.jpg", "ftp://a", "file:///a"])
def test_addresses_are_never_fetched(address):
    assert "visavis fetches nothing" in refusal(address)


@pytest.mark.parametrize("side", [50_000, 12_000])
def test_decompression_bomb(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(claim(side, side))
    assert refusal(path).startswith(f"{path} has too many pixels")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bound_holds_where_pillow_only_warns():
    assert "has too many pixels (9500x9500)" in refusal(claim(9500, 9500))


def test_arrays_are_bounded_too():
    huge = np.broadcast_to(np.uint8(0), (MAX_PIXELS // 1000 + 1, 1000))
    assert "too many pixels" in refusal(huge)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_named_pipe_does_not_block(tmp_path):
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    assert refusal(path) == f"{path} is not a regular file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_no_permission(tmp_path):
    path = tmp_path / "secret.jpg"
    path.write_bytes(written("JPEG"))
    path.chmod(0)
    assert refusal(path) == f"{path} may not be read; check its permissions"


def test_no_permission_said_by_the_system(tmp_path, monkeypatch):
    """The same for root, who may read all."""
    path = tmp_path / "secret.jpg"
    path.write_bytes(written("JPEG"))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert refusal(path) == f"{path} may not be read; check its permissions"


def test_null_byte():
    assert "a\0b.jpg cannot be opened" in refusal("a\0b.jpg")


def test_too_long_a_name():
    message = refusal("a" * 5000 + ".jpg")
    assert message.endswith("cannot be opened: File name too long")
    assert message.count("a" * 5000) == 1


def test_file_opened_as_text(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(written("PNG"))
    with path.open(encoding="latin-1") as file:
        assert refusal(file) == f"{path} is opened as text; open it with mode 'rb'"


def test_heic_without_its_reader(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    message = refusal(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    assert message == "bytes needs HEIC support; pip install 'visavis[heif]'"


def test_damaged_heic():
    pytest.importorskip("pillow_heif")
    assert refusal(b"\x00\x00\x00\x18ftypheic" + bytes(40)).startswith("bytes ")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_light(value):
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, dtype=np.float32)).save(file, "TIFF")
    assert "finite" in refusal(file.getvalue())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.int64),
        np.zeros((4, 4, 3), bool),
        np.full((4, 4, 3), 255.0),
        np.full((4, 4, 3), -0.1),
        np.full((4, 4, 3), np.nan),
        np.array([["a"]]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_photo(array):
    assert refusal(array).startswith("an array")


SEEDS = {
    "JPEG": written("JPEG"),
    "progressive": written("JPEG", progressive=True),
    "PNG": written("PNG"),
    "WEBP": written("WEBP"),
    "AVIF": written("AVIF"),
    "TIFF": written("TIFF"),
}


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "WEBP", "AVIF"])
def test_truncated_anywhere(tmp_path, kind):
    """Every length short of the last bytes, which some decoders do not need."""
    whole = SEEDS[kind]
    path = tmp_path / "part.jpg"
    for length in [*range(1, 40), *range(40, len(whole) - 16, 23)]:
        path.write_bytes(whole[:length])
        assert refusal(path).startswith(str(path))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own of damaged EXIF
@pytest.mark.parametrize("kind", SEEDS)
@given(data=st.data())
def test_flipped_bytes_never_raise_anything_else(kind, data):
    content = bytearray(SEEDS[kind])
    places = st.integers(0, len(content) - 1) | st.integers(0, 60)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    kept = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    try:
        photo = Photo.open(bytes(content[:kept]))
    except PhotoError as error:
        assert "\n" not in str(error)
    else:
        assert photo.pixels.ndim == 3
