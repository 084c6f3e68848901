"""Markdown pages: results and model cards, and the words they share."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generated_evaluation import draw_card, draw_evaluation, draw_pairs, draw_scores
from visavis.errors import DataError
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import LABELS, Estimate
from visavis.models.scores import Threshold
from visavis.report.card_page import card_files, card_page
from visavis.report.results import write_section
from visavis.report.wording import count, number, percent, rate, stated, verdict_sentence


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    photos = [Path(f"p{number}.jpg") for number in range(60)]
    names = [f"Person {number}" for number in range(30)]
    return draw_evaluation(draw_pairs(photos, names, 300, 300, 10), folds=10)


def test_a_section_holds_figures_folds_operating_points_and_the_command(evaluation, tmp_path):
    path = tmp_path / "RESULTS.md"
    write_section(path, evaluation, "visavis evaluate --view 2")
    text = path.read_text()
    assert text.startswith("# Results\n")
    assert f"## sface: {evaluation.protocol}" in text
    for name, _ in evaluation.figures.estimates():
        assert f"| {LABELS[name]} |" in text
    accuracy = evaluation.figures.accuracy
    assert f"| {accuracy.value:.4f} | {accuracy.low:.4f} to {accuracy.high:.4f} |" in text
    assert "Accuracy over 10 folds: 0.9926 ± 0.0012" in text
    assert "| 1e-3 | 0.3800 |" in text
    assert "fitted on all comparisons of LFW View 1 devTrain" in text
    assert "```sh\nvisavis evaluate --view 2\n```" in text
    assert "n = 300 genuine and 300 impostor pairs of 30 people" in text


def test_writing_twice_changes_nothing(evaluation, tmp_path):
    path = tmp_path / "RESULTS.md"
    write_section(path, evaluation, "a command")
    once = path.read_bytes()
    write_section(path, evaluation, "a command")
    assert path.read_bytes() == once


def test_a_section_is_replaced_where_it_stands_and_other_text_is_untouched(evaluation, tmp_path):
    path = tmp_path / "RESULTS.md"
    before = "# My results\r\n\r\nWords  \nbefore, ünïcode.\n\n"
    path.write_bytes(before.encode())
    write_section(path, evaluation, "the old command")
    path.write_bytes(path.read_bytes() + b"\nWords after <!-- a comment -->")
    write_section(path, evaluation, "the new command")
    text = path.read_bytes().decode()
    assert text.startswith(before)
    assert text.endswith("-->\n\nWords after <!-- a comment -->")
    assert "the new command" in text
    assert "the old command" not in text
    assert text.count("## sface") == 1


@given(st.permutations(["View 1", "View 2", "AT&T -- all --> faces"]))
def test_sections_stand_in_one_order_however_they_were_written(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("results")
    photos = [Path("a"), Path("b"), Path("c"), Path("d")]
    evaluation = draw_evaluation(draw_pairs(photos, ["A", "B"], 5, 5))
    for number_of, protocol in enumerate([*order, order[0]]):
        write_section(
            folder / f"{number_of > 2}.md", replace(evaluation, protocol=protocol), protocol
        )
    for protocol in sorted(order):
        write_section(folder / "sorted.md", replace(evaluation, protocol=protocol), protocol)
    text = (folder / "False.md").read_text()
    assert text == (folder / "sorted.md").read_text()
    assert text.count("<!--") == text.count("-->") - text.count("-- all -->") == 6


def test_a_section_without_its_end_is_one_sentence(evaluation, tmp_path):
    path = tmp_path / "RESULTS.md"
    write_section(path, evaluation, "a command")
    text = path.read_text()
    path.write_text(text[: text.index("<!-- end of")])
    with pytest.raises(DataError, match="put back the line <!-- end of visavis results: sface"):
        write_section(path, evaluation, "a command")


def test_a_results_file_that_is_no_text_is_one_sentence(evaluation, tmp_path):
    path = tmp_path / "RESULTS.md"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="no UTF-8 text"):
        write_section(path, evaluation, "a command")
    assert path.read_bytes() == b"\xff\xfe\x00"


def test_a_card_page_tells_what_a_model_is():
    page = card_page(draw_card(draw_scores()))
    assert page.startswith("# sface\n")
    for words in (
        "112x112 pixels, rgb, template `arcface`",
        "128 numbers, compared by cosine",
        "Apache-2.0",
        "MS-Celeb-1M",
        "fitted on 2,200 pairs of LFW View 1 devTrain pairs, at a prior of 0.5",
        "4,038 people, 9,525 photos",
        'model = visavis.load("sface")',
        "| 1e-3 |",
        "| Accuracy | 0.9942 | 0.9920 to 0.9960 |",
        "| AUC | 0.9980 |",
        "![Similarities of one person and of different people](scores.png)",
    ):
        assert words in page


def test_a_card_page_offers_its_own_thresholds_by_name():
    card = draw_card(draw_scores())
    assert "best accuracy" not in card_page(card)
    card = card.model_copy(
        update={
            "best_accuracy": Threshold(value=0.31, fitted_on="own pairs"),
            "halfway": Threshold(value=0.345, fitted_on="own pairs"),
        }
    )
    page = card_page(card)
    assert "| best accuracy | 0.3100 |  |" in page
    assert "| half-way between the means | 0.3450 |  |" in page


def test_a_card_without_calibration_says_how_to_get_one():
    bare = draw_card().model_copy(update={"calibration": None, "figures": {}})
    page = card_page(bare)
    assert "none yet: run `visavis calibrate`" in page
    assert "## Thresholds" not in page
    assert "scores.png" not in page
    assert list(card_files(bare)) == ["README.md"]


def test_card_files_are_the_same_each_time_and_hold_a_picture():
    card = draw_card(draw_scores())
    files = card_files(card)
    assert files == card_files(card)
    with Image.open(BytesIO(files["scores.png"])) as picture:
        assert picture.format == "PNG"
        assert picture.width > 800
        assert len(picture.convert("RGB").getcolors(100_000)) > 20


def test_numbers_are_never_rounded_to_nothing_or_to_certainty():
    assert number(0.99416) == "0.9942"
    assert number(0.0) == "0.0000"
    assert number(0.00004) == "4.0e-5"
    assert rate(1e-6) == "1e-6"
    assert percent(0.998).replace("\xa0", " ") == "99.8 %"
    assert percent(0.99999).replace("\xa0", " ") == "over 99.9 %"
    assert percent(0.00001).replace("\xa0", " ") == "under 0.1 %"
    assert percent(1.0).replace("\xa0", " ") == "100 %"
    assert count(1, "person", "people") == "1 person"
    assert count(1200, "pair") == "1,200 pairs"
    assert stated(Estimate(None, note="n/a, needs 9")) == "n/a, needs 9"
    assert stated(Estimate(0.5, note="fewer than 20 people")) == "0.5000"


def test_the_verdict_is_a_sentence_with_counts(evaluation):
    sentence = verdict_sentence(evaluation).replace("\xa0", " ")
    refused = int((evaluation.pairs.same & ~evaluation.predicted).sum())
    assert sentence.startswith("sface was asked about 600 pairs of photos and decided 99.")
    assert "95 % interval" in sentence
    assert f"of 300 pairs of one person it failed to match {refused}," in sentence
    assert sentence.endswith("for one person.")
