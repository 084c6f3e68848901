"""Thresholds for searches, by the arithmetic that anyone can follow."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import UnsupportedRateError
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.threshold import fmr_for, search_threshold
from visavis.models.scores import Scores

TOTAL = 100_000
SCALE = 0.05
RATES = st.floats(1e-4, 0.5)
SIZES = st.integers(1, 10**7)


def exponential_scores(total: int = TOTAL, tail: int = 3000) -> Scores:
    """Impostor similarities at the quantiles of an exponential distribution from 0 on."""
    shares = (np.arange(total) + 0.5) / total
    values = -SCALE * np.log(shares)
    counts, _ = np.histogram(values, 400, (-1, 1))
    return Scores(
        fitted_on="planted", people=500, photos=500, low=-1, high=1, genuine=[0] * 400,
        impostor=counts.tolist(), tail=values[:tail].tolist(),
    )  # fmt: skip


SCORES = exponential_scores()


@given(RATES, SIZES)
def test_the_rate_of_a_comparison_follows_from_that_of_a_search(fpir, photos):
    fmr = fmr_for(fpir, photos)
    assert -math.expm1(photos * math.log1p(-fmr)) == pytest.approx(fpir, rel=1e-9)


@given(RATES)
def test_one_photo_is_a_verification(fpir):
    found = search_threshold(SCORES, fpir, 1)
    assert found.fmr == fpir
    if not found.extrapolated:
        assert found.value == SCORES.threshold(fpir).value


@given(RATES, SIZES, SIZES)
def test_more_photos_never_lower_it(fpir, one, other):
    fewer, more = sorted((one, other))
    assert search_threshold(SCORES, fpir, fewer).value <= search_threshold(SCORES, fpir, more).value


@given(RATES, RATES, SIZES)
def test_a_smaller_rate_never_lowers_it(one, other, photos):
    smaller, larger = sorted((one, other))
    strict = search_threshold(SCORES, smaller, photos).value
    assert strict >= search_threshold(SCORES, larger, photos).value


@pytest.mark.parametrize("photos", [1, 10, 30, 100, 10_000, 1_000_000])
def test_of_an_exponential_tail_it_is_the_quantile(photos):
    """Also far beyond what the comparisons support."""
    found = search_threshold(SCORES, 0.01, photos)
    expected = -SCALE * math.log(found.fmr)
    assert found.value == pytest.approx(expected, abs=0.01 + 0.05 * SCALE * math.log(photos))
    assert found.extrapolated is (found.fmr < 30 / TOTAL)


def test_there_is_no_step_where_the_comparisons_end():
    edge = 30 / TOTAL
    inside = search_threshold(SCORES, edge * 1.000001, 1)
    outside = search_threshold(SCORES, edge * 0.999999, 1)
    assert (inside.extrapolated, outside.extrapolated) == (False, True)
    assert outside.value == pytest.approx(inside.value, abs=1e-4)


def test_it_says_where_it_comes_from():
    measured = search_threshold(SCORES, 0.02, 1)
    assert measured.words() == (
        "which a stranger reaches in 0.02 of all searches among 1 photo, fitted on planted"
    )
    guessed = search_threshold(SCORES, 0.01, 1000)
    assert guessed.words() == (
        "which a stranger reaches in 0.01 of all searches among 1,000 photos, fitted on planted "
        "and extrapolated: 100,000 comparisons support a false-match rate of 0.0003, and 1e-05 is "
        "needed"
    )
    assert guessed.as_dict() == {
        "threshold": guessed.value, "threshold_fpir": 0.01, "threshold_fmr": guessed.fmr,
        "threshold_photos": 1000, "threshold_fitted_on": "planted", "threshold_extrapolated": True,
    }  # fmt: skip


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_what_is_no_rate(fpir):
    with pytest.raises(UnsupportedRateError, match="lies between 0 and 1"):
        search_threshold(SCORES, fpir, 10)


def test_a_tail_that_is_too_short_to_go_on():
    with pytest.raises(UnsupportedRateError, match="keeps 30 of its largest impostor similarities"):
        search_threshold(exponential_scores(tail=30), 0.01, 10**6)


def test_the_built_in_model(model):
    """From what LFW's training half supports, and beyond."""
    scores = model.card.scores
    values = [search_threshold(scores, 0.01, 10**k) for k in range(8)]
    assert [found.extrapolated for found in values] == [False] * 5 + [True] * 3
    assert np.all(np.diff([found.value for found in values]) > 0.03)
    assert values[0].value == model.threshold(0.01).value
    assert values[-1].value < 1


def test_a_search_is_held_to_one_photo_of_each_person_where_the_card_knows_them():
    alike = exponential_scores().model_copy(update={"fitted_on": "one photo each"})
    for one_each, expected in ((None, SCORES.fitted_on), (alike, "one photo each")):
        model = SimpleNamespace(card=SimpleNamespace(scores=SCORES, one_each=one_each))
        assert SearchRule(0.01).cut_off(model, 10).fitted_on == expected
