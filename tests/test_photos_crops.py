"""Crops by box and of the whole photo, and the spec that names them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from visavis.photos.align import CROPS
from visavis.photos.face import Face
from visavis.photos.input_spec import InputSpec
from visavis.photos.photo import Photo


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def face(pixels: np.ndarray, box=(0.0, 0.0, 1.0, 1.0)) -> Face:
    landmarks = np.full((5, 2), np.nan, np.float32)
    return Face(Photo(np.ascontiguousarray(pixels), "a"), box, landmarks, 1.0)


@pytest.mark.parametrize("box", [(100, 60, 100, 40), (100, 30, 60, 100), (100, 50, 100, 100)])
def test_a_box_is_cut_as_a_square_of_1_3_times_its_longer_side(box):
    pixels = noise(300, 400)
    left, top, width, height = box
    x, y = left + width // 2 - 65, top + height // 2 - 65
    crop = face(pixels, box).crop("box", 130, 130)
    assert (crop == pixels[y : y + 130, x : x + 130]).all()


def test_a_box_keeps_its_proportions_and_shows_more_to_the_sides():
    pixels = noise(300, 400)
    crop = face(pixels, (150, 100, 100, 100)).crop("box", 170, 130)
    assert (crop == pixels[85:215, 115:285]).all()


def test_a_box_past_the_edge_is_black_there():
    crop = face(np.full((100, 100, 3), 255, np.uint8), (-50, -50, 100, 100)).crop("box", 130, 130)
    assert crop[:65].max() == crop[:, :65].max() == 0
    assert crop[65:, 65:].min() == 255


def test_a_large_box_is_averaged():
    rows, columns = np.mgrid[:1500, :1500]
    board = np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)
    crop = face(board, (250, 250, 1000, 1000)).crop("box", 112, 112)
    assert np.abs(crop.astype(float) - 127.5).max() < 30


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 20), st.integers(1, 20))
def test_the_whole_photo_is_averaged_over_what_each_pixel_covers(down, across, height, width):
    pixels = noise(height * down, width * across)
    means = pixels.reshape(height, down, width, across, 3).mean(axis=(1, 3))
    crop = face(pixels).crop("whole", width, height)
    assert crop.shape == (height, width, 3)
    assert np.abs(crop - means).max() <= 1


def test_the_whole_photo_is_enlarged_too():
    flat = np.full((5, 8, 3), 77, np.uint8)
    assert (face(flat).crop("whole", 40, 31, "grey") == 77).all()


@pytest.mark.parametrize("template", ["box", "whole"])
def test_grey(template):
    one = face(noise(60, 60), (20, 20, 20, 20))
    grey = one.crop(template, 26, 24, "grey")
    assert grey.shape == (24, 26, 1)
    luma = one.crop(template, 26, 24) @ [0.299, 0.587, 0.114]
    assert np.abs(luma - grey[:, :, 0]).max() <= 1


def test_an_unknown_template_names_the_known_ones():
    with pytest.raises(
        ValueError, match=r"'tight' is no crop template.*arcface, loose, box, whole"
    ):
        face(noise(9, 9)).crop("tight")


@pytest.mark.parametrize("template", CROPS)
def test_a_spec_of_each_template_is_what_faces_crop_to(template, sample_faces):
    spec = InputSpec(width=40, height=48, colour="grey", template=template)
    crop = sample_faces["collins"].crop(spec.template, spec.width, spec.height, spec.colour)
    assert crop.shape == spec.shape == (48, 40, spec.channels)


@pytest.mark.parametrize("changes", [{"template": "tight"}, {"width": 0}, {"colour": "bgr"}])
def test_a_spec_is_checked(changes):
    fields = {"width": 4, "height": 4, "colour": "rgb", "template": "whole"}
    InputSpec(**fields)
    with pytest.raises(ValidationError):
        InputSpec(**fields | changes)
