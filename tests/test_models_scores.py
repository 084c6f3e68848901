from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from visavis.errors import UnsupportedRateError
from visavis.models.scores import Scores, Threshold, check_supported, comparisons_needed

BINS = 40


def scores(impostor, tail=0, genuine=(), **more) -> Scores:
    impostor = np.asarray(impostor, dtype=np.float64)

    def histogram(values):
        bins = np.clip(np.floor((np.asarray(values) + 1) * BINS / 2), 0, BINS - 1).astype(int)
        return np.bincount(bins, minlength=BINS).tolist()

    return Scores(
        fitted_on="planted",
        people=30,
        photos=90,
        low=-1,
        high=1,
        genuine=histogram(genuine),
        impostor=histogram(impostor),
        tail=np.sort(impostor)[::-1][:tail].tolist(),
        **more,
    )


SIMILARITIES = st.lists(
    st.one_of(st.floats(-1, 1, width=32), st.sampled_from([0.0, 0.125, 1.0])),
    min_size=60,
    max_size=200,
)


@given(SIMILARITIES, st.sampled_from([0.5, 0.6, 0.75]))
def test_the_threshold_is_the_lowest_that_keeps_the_rate(similarities, fmr):
    impostor = np.array(similarities)
    threshold = scores(impostor, tail=len(impostor)).threshold(fmr)
    assert np.mean(impostor >= threshold.value) <= fmr
    lower = impostor[impostor < threshold.value]
    if len(lower):  # one step down accepts one similarity more
        assert np.mean(impostor >= lower.max()) > fmr
    assert (threshold.fmr, threshold.comparisons) == (fmr, len(impostor))


@given(SIMILARITIES, st.sampled_from([0.5, 0.6]))
def test_below_the_tail_the_threshold_is_rounded_up_to_a_bin(similarities, fmr):
    impostor = np.array(similarities)
    threshold = scores(impostor, tail=2).threshold(fmr)
    assert np.mean(impostor >= threshold.value) <= fmr
    exact = scores(impostor, len(impostor)).threshold(fmr).value
    assert threshold.value <= exact + 2 / BINS + 1e-9


def test_similarities_above_the_range_still_keep_the_rate():
    impostor = np.full(100, 3.0)
    value = scores(impostor, tail=2).threshold(0.5).value
    assert np.mean(impostor >= value) == 0


def test_a_stored_threshold_is_given_with_its_interval():
    stored = Threshold(value=0.3, fmr=0.5, low=0.2, high=0.4, fitted_on="planted", comparisons=60)
    assert scores(np.zeros(60), standard=[stored]).threshold(0.5) == stored


@pytest.mark.parametrize(("fmr", "needed"), [(1e-2, 3_000), (1e-3, 30_000), (1e-6, 30_000_000)])
def test_a_rate_needs_thirty_comparisons_for_each_expected_error(fmr, needed):
    assert comparisons_needed(fmr) == needed
    check_supported(fmr, needed)
    with pytest.raises(UnsupportedRateError, match=f"{needed:,} comparisons"):
        check_supported(fmr, needed - 1)


@pytest.mark.parametrize("fmr", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_outside_the_open_unit_interval_is_refused(fmr):
    with pytest.raises(UnsupportedRateError, match="between 0 and 1"):
        check_supported(fmr, 10**9)


def test_error_rates_are_exact_in_the_tail_and_interpolated_below():
    impostor = np.linspace(-0.9, 0.9, 100)
    table = scores(impostor, tail=10, genuine=[0.52, 0.58])
    exact = [np.mean(impostor >= s) for s in impostor[-10:]]
    np.testing.assert_allclose(table.fmr(impostor[-10:]), exact)
    assert table.fmr(0.0) == pytest.approx(0.5)
    assert table.fnmr([0.4, 0.55, 0.7]) == pytest.approx([0, 0.5, 1])
    assert np.isnan(scores(impostor).fnmr(0.0))


@given(st.integers(31, 10**9), st.floats(1e-12, 0.9))
def test_a_refused_rate_comes_with_one_that_can_be_had(comparisons: int, fmr: float) -> None:
    assume(comparisons < comparisons_needed(fmr))
    with pytest.raises(UnsupportedRateError, match="enough for a rate of") as caught:
        check_supported(fmr, comparisons)
    rate = float(str(caught.value).rsplit(" ", 1)[1])
    check_supported(rate, comparisons)
    assert rate <= 1.1 * 30 / comparisons


def test_too_few_comparisons_for_any_rate() -> None:
    with pytest.raises(UnsupportedRateError, match="there are 12; name a threshold instead"):
        check_supported(0.1, 12)
