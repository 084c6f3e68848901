"""Occlusion maps: they show what moved the similarity, on drawn networks and on portraits."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from visavis.matching.explain import explain, face_oval, landmarks_on_crop
from visavis.photos.align import TEMPLATES
from visavis.photos.input_spec import InputSpec
from visavis.photos.photo import Photo

RIM = [*range(12), *range(100, 112)]
"""Rows and columns of the corners of a crop."""


@pytest.fixture(scope="module")
def explanation(calibrated, samples):
    return explain(samples / "obama_2009.jpg", samples / "obama_2012.jpg", model=calibrated)


class Looking:
    """Stands in for an encoder: embeds the mean brightness of one place only."""

    runtime = "none"

    def __init__(self, rows: slice, columns: slice) -> None:
        self._place = slice(None), rows, columns

    def encode(self, crops: np.ndarray) -> np.ndarray:
        level = crops[self._place].mean(axis=(1, 2, 3)) / 255 * np.pi / 2
        return np.stack([np.cos(level), np.sin(level)], axis=1).astype(np.float32)


def looking(calibrated, rows: slice, columns: slice):
    twin = copy.copy(calibrated)
    twin.encoder = Looking(rows, columns)
    return twin


def test_shapes_and_verdict(explanation, calibrated, samples):
    verdict = calibrated.verify(samples / "obama_2009.jpg", samples / "obama_2012.jpg")
    assert explanation.verdict.similarity == pytest.approx(verdict.similarity, abs=1e-6)
    for crop, drops, face in zip(
        explanation.crops, explanation.maps, explanation.verdict.faces, strict=True
    ):
        assert crop.shape == (112, 112, 3)
        np.testing.assert_array_equal(crop, calibrated.crop(face))
        assert drops.shape == (112, 112)
        assert np.isfinite(drops).all()
        assert drops.max() > 0.01


def test_eyes_matter_more_than_corners(explanation):
    eyes = TEMPLATES["arcface"].points[:2] * 112
    for drops in explanation.maps:
        around = [np.abs(drops[int(y) - 6 : int(y) + 6, int(x) - 6 : int(x) + 6]) for x, y in eyes]
        corners = np.abs(drops[np.ix_(RIM, RIM)])
        assert np.mean(around) > 2 * np.mean(corners)


def test_shares(explanation):
    assert 0 < explanation.outside_area < 1
    for share in explanation.outside_shares:
        assert 0 <= share <= 1
        assert share < explanation.outside_area  # a face decides more than its surroundings
    plain = explanation.as_dict()
    assert plain["same"] is True
    assert plain["outside_shares"] == list(explanation.outside_shares)
    assert plain["largest_drops"] == [float(drops.max()) for drops in explanation.maps]


@pytest.mark.parametrize(
    ("rows", "columns", "outside"),
    [
        (slice(0, 14), slice(0, 14), True),  # a corner: background
        (slice(49, 63), slice(49, 63), False),  # the nose
    ],
)
def test_finds_the_one_place_that_is_looked_at(calibrated, samples, rows, columns, outside):
    found = explain(
        samples / "collins.jpg",
        samples / "biden_2010.jpg",
        model=looking(calibrated, rows, columns),
        threshold=0.5,
    )
    for drops, share in zip(found.maps, found.outside_shares, strict=True):
        assert np.abs(drops[rows, columns]).max() > 0
        away = np.abs(drops)
        away[tuple(slice(max(0, at.start - 14), at.stop + 14) for at in (rows, columns))] = 0
        assert away.max() == 0
        assert (share == 1) if outside else (share < 0.2)


def test_a_network_that_looks_at_nothing(calibrated, samples):
    blind = looking(calibrated, slice(0, 1), slice(0, 1))
    blind.encoder.encode = lambda crops: np.ones((len(crops), 2), np.float32)
    found = explain(samples / "collins.jpg", samples / "collins.jpg", model=blind, threshold=0.5)
    assert found.outside_shares == (0.0, 0.0)
    assert not any(drops.any() for drops in found.maps)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("height", "width"), [(112, 112), (96, 160), (128, 64)])
def test_the_oval_holds_the_landmarks(template, height, width):
    side = min(height, width)
    points = TEMPLATES[template].points * side + np.array([width - side, height - side]) / 2
    oval = face_oval(points, height, width)
    assert oval.shape == (height, width)
    assert all(oval[int(y), int(x)] for x, y in points)
    assert not oval[0, 0]
    assert not oval[-1, -1]


def test_a_loose_crop_holds_more_background():
    loose, tight = (
        face_oval(TEMPLATES[name].points * 112, 112, 112).mean() for name in ("loose", "arcface")
    )
    assert loose < 0.5 * tight


@pytest.mark.parametrize("template", ["arcface", "loose", "box", "whole"])
def test_landmarks_lie_on_the_crop_where_the_photo_shows_them(sample_faces, template):
    face = sample_faces["obama_2012"]
    spec = InputSpec(width=120, height=100, colour="rgb", template=template)
    dot = face.photo.pixels.copy()
    x, y = np.rint(face.landmarks[2]).astype(int)
    dot[:] = 0
    dot[y - 6 : y + 7, x - 6 : x + 7] = 255
    marked = replace(face, photo=Photo(dot, "dot"))
    crop = marked.crop(spec.template, spec.width, spec.height, spec.colour)
    rows, columns = np.nonzero(crop[:, :, 0] > 40)
    # The nose is where a template wants it only as far as the other landmarks allow.
    allowed = 8 if template in {"arcface", "loose"} else 1.5
    assert np.hypot(*(landmarks_on_crop(face, spec)[2] - (columns.mean(), rows.mean()))) < allowed
