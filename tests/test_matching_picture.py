"""The pictures that explain an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from generated_evaluation import draw_card, draw_scores
from visavis.errors import DataError
from visavis.matching.picture import (
    draw_explanation,
    draw_verdict,
    explanation,
    headline,
)
from visavis.matching.verdict import Verdict
from visavis.models.scores import Threshold
from visavis.photos.face import Face
from visavis.photos.photo import Photo
from visavis.report.picture_file import FORMATS

LANDMARKS = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.55], [0.4, 0.7], [0.6, 0.7]])


def face(width: int, height: int, name: str = "one.jpg") -> Face:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    side = min(width, height) / 2
    return Face(
        Photo(pixels, f"/photos/{name}"),
        (width / 4, height / 4, side, side),
        (LANDMARKS * side + [width / 4, height / 4]).astype(np.float32),
        0.9,
    )


def verdict(**changes: object) -> Verdict:
    fields = {
        "same": True,
        "probability": 0.998,
        "prior": 0.5,
        "similarity": 0.71,
        "threshold": Threshold(value=0.363, fmr=1e-3, fitted_on="here", comparisons=9),
        "model": "sface",
        "faces": (face(200, 260), face(120, 100, "two $x$ 人.jpg")),
        "face_counts": (1, 3),
        "warnings": ["two.jpg: the face is small"],
    }
    return Verdict(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def card():
    return draw_card(draw_scores())


@pytest.mark.parametrize(
    ("same", "probability", "words"),
    [
        (True, 0.998, "Same person: 99.8 % sure"),
        (True, 1.0 - 1e-9, "Same person: over 99.9 % sure"),
        (False, 0.02, "Different people: 98.0 % sure"),
        (True, 0.3, "Accepted as the same person, though only 30.0 % likely"),
        (False, 0.7, "Not accepted as the same person, though 70.0 % likely"),
        (True, None, "Same person"),
        (False, None, "Different people"),
    ],
)
def test_the_headline_is_never_surer_than_the_model(same, probability, words):
    said = headline(verdict(same=same, probability=probability))
    assert said.replace("\xa0", " ") == words


def test_the_words_explain_threshold_rarity_and_prior(card):
    said = explanation(verdict(), card)
    assert "0.7100. That is at or above the threshold 0.3630" in said
    assert "1 in 1,000 pairs of different people reaches" in said
    assert "comparisons of different people, none was this alike or more" in said
    assert "50 % of such pairs show one person" in said


def test_the_words_of_a_refusal_speak_of_one_person(card):
    said = explanation(verdict(same=False, similarity=0.3), card)
    assert "below the threshold" in said
    assert "comparisons of one person" in said
    assert "no more alike than this" in said


def test_without_scores_nothing_is_said_of_comparisons():
    said = explanation(verdict(probability=None, threshold=Threshold(value=0.4, fitted_on="typed")),
                       draw_card())  # fmt: skip
    assert "comparisons" not in said
    assert "1 in" not in said


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG"])
def test_every_format_is_written_and_the_same_each_time(suffix, card, tmp_path):
    start = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "pdf": b"%PDF", "svg": b"<?xml"}
    paths = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    for path in paths:
        draw_verdict(verdict(), card, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(start[FORMATS[suffix.lower()]])


def test_the_vector_picture_asks_nothing_of_any_network(card, tmp_path):
    draw_verdict(verdict(), card, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    targets = [part.split('"')[0] for part in text.split('href="')[1:]]
    assert targets
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in targets)


def test_the_verdict_is_in_the_picture(card, tmp_path):
    """Changing what is said of the same photos changes the pixels."""
    pictures = []
    for number, changes in enumerate(
        ({}, {"similarity": 0.2}, {"warnings": []}, {"face_counts": (2, 3)}, {"probability": 0.6})
    ):
        path = tmp_path / f"{number}.png"
        draw_verdict(verdict(**changes), card, path)
        pictures.append(path.read_bytes())
    assert len(set(pictures)) == 5


def test_huge_photos_grey_models_and_cards_without_scores_are_drawn(tmp_path):
    card = draw_card()
    grey = card.model_copy(update={"input": card.input.model_copy(update={"colour": "grey"})})
    huge = verdict(faces=(face(6000, 4000), face(30, 20)), probability=None, prior=None)
    draw_verdict(huge, grey, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert 1200 < picture.width < 2000
        assert 900 < picture.height < 1600


@pytest.mark.parametrize("name", ["a.bmp", "a", ".png", "a.png.exe"])
def test_an_unknown_suffix_is_one_sentence(name, card, tmp_path):
    with pytest.raises(DataError, match=r"cannot save a picture as .*\.png, \.jpg"):
        draw_verdict(verdict(), card, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_sentence(card, tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        draw_verdict(verdict(), card, tmp_path / "no" / "a.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_an_explanation_lays_heat_where_the_map_is_hot(channels, tmp_path):
    crops = (np.full((112, 112, channels), 128, np.uint8),) * 2
    hot, cold = np.zeros((16, 16)), np.zeros((16, 16))
    hot[:, :8] = 0.1
    cold[:, 8:] = -0.1
    draw_explanation(crops, (hot, cold), (0.2, 0.4), 0.71, tmp_path / "a.png", outside_area=0.5)
    with Image.open(tmp_path / "a.png") as picture:
        row = np.asarray(picture.convert("RGB"), dtype=int)[picture.height // 2]
    blue, orange = row[:, 2] - row[:, 0] > 60, row[:, 0] - row[:, 2] > 60
    middle = len(row) // 2
    assert blue[:middle].mean() > 0.2
    assert orange[middle:].mean() > 0.2
    assert not blue[middle:].any()
    assert not orange[:middle].any()


def test_an_explanation_without_any_effect_is_drawn(tmp_path):
    crops = (np.zeros((10, 10, 3), np.uint8),) * 2
    maps = (np.zeros((10, 10)),) * 2
    draw_explanation(crops, maps, (0.0, 0.0), 0.0, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_the_picture_does_not_keep_the_photos_whole(card, tmp_path):
    draw_verdict(verdict(faces=(face(3000, 2000), face(3000, 2000))), card, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 6_000_000


def test_a_verdict_is_left_as_it_was(card, tmp_path):
    given = verdict()
    before = given.faces[0].photo.pixels.copy()
    draw_verdict(given, card, tmp_path / "a.png")
    assert (given.faces[0].photo.pixels == before).all()
    assert replace(given).warnings == ["two.jpg: the face is small"]
