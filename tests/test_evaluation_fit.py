from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from visavis.errors import DataError
from visavis.evaluation.fit import (
    best_accuracy_threshold,
    fit_calibration,
    halfway_threshold,
)

VALUE = st.one_of(st.floats(-1, 1), st.sampled_from([-0.5, 0.0, 0.25, 1.0]))
FITS = [best_accuracy_threshold, fit_calibration, halfway_threshold]
PAIRS = st.lists(st.tuples(VALUE, st.booleans()), min_size=2, max_size=40)


def columns(pairs):
    similarity, same = (np.array(column) for column in zip(*pairs, strict=True))
    assume(same.any() and not same.all())
    return similarity.astype(np.float64), same


@given(PAIRS)
def test_no_threshold_is_more_accurate_and_none_as_good_is_higher(pairs):
    similarity, same = columns(pairs)
    found = best_accuracy_threshold(similarity, same, "x").value

    def accuracy(threshold):
        return np.mean((similarity >= threshold) == same)

    every = [*similarity, np.inf]
    assert accuracy(found) == max(accuracy(t) for t in every)
    above = [t for t in every if np.any((similarity >= found) != (similarity >= t)) and t > found]
    assert all(accuracy(t) < accuracy(found) for t in above)


def test_the_threshold_lies_halfway_between_its_neighbours():
    similarity = np.array([0.1, 0.2, 0.6, 0.9])
    found = best_accuracy_threshold(similarity, similarity > 0.5, "planted pairs")
    assert found.value == pytest.approx(0.4)
    assert (found.fmr, found.fitted_on, found.comparisons) == (None, "planted pairs", 4)


def test_neighbouring_floats_are_still_parted():
    low = 0.5
    similarity = np.array([low, np.nextafter(low, 1)])
    found = best_accuracy_threshold(similarity, np.array([False, True]), "x").value
    assert (similarity >= found).tolist() == [False, True]


def test_where_everything_is_upside_down_all_or_nothing_is_accepted():
    similarity = np.array([0.1, 0.2, 0.9])
    most_are_same = best_accuracy_threshold(similarity, np.array([True, True, False]), "x")
    assert (similarity >= most_are_same.value).all()
    most_differ = best_accuracy_threshold(similarity, np.array([True, False, False]), "x")
    assert not (similarity >= most_differ.value).any()


def test_halfway_is_the_middle_of_the_two_means_whatever_the_counts():
    distance = np.array([1.0, 3.0, 6.0, 7.0, 8.0, 15.0])  # means 2 and 9
    same = np.array([True, True, False, False, False, False])
    found = halfway_threshold(-distance, same, "planted pairs")
    assert found.value == pytest.approx(-5.5)
    assert (found.fmr, found.fitted_on, found.comparisons) == (None, "planted pairs", 6)


def test_missed_pairs_are_left_out_of_fitting():
    rng = np.random.default_rng(0)
    same = np.arange(100) < 50
    similarity = rng.normal(np.where(same, 0.6, 0.2), 0.2)
    holed = np.append(similarity, [np.nan, np.nan])
    kinds = np.append(same, [True, False])
    for fit in FITS:
        assert fit(holed, kinds, "x") == fit(similarity, same, "x")


@pytest.mark.parametrize("fit", FITS)
def test_pairs_of_one_kind_are_refused_by_name(fit):
    with pytest.raises(DataError, match="planted pairs"):
        fit(np.array([0.1, 0.2, np.nan]), np.array([True, True, False]), "planted pairs")


@given(st.integers(0, 2**32 - 1), st.integers(5, 200), st.integers(5, 200), st.floats(0.05, 2))
def test_calibration_is_the_unpenalised_logistic_regression_on_platts_targets(
    seed, n_same, n_other, spread
):
    rng = np.random.default_rng(seed)
    same = np.arange(n_same + n_other) < n_same
    similarity = rng.normal(np.where(same, 0.6, 0.2), spread)
    found = fit_calibration(similarity, same, "x")
    high, low = (n_same + 1) / (n_same + 2), 1 / (n_other + 2)
    target = np.where(same, high, low)
    oracle = LogisticRegression(C=1e12, tol=1e-12, max_iter=1000, solver="newton-cholesky")
    oracle.fit(
        np.tile(similarity, 2)[:, None],
        np.repeat([True, False], len(same)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    assert found.slope == pytest.approx(oracle.coef_[0, 0], rel=1e-4, abs=1e-4)
    assert found.intercept == pytest.approx(oracle.intercept_[0], rel=1e-4, abs=1e-4)
    assert found.prior == pytest.approx(n_same / len(same))
    assert found.pairs == len(same)


@given(st.floats(1e-7, 1), st.integers(1, 300))
def test_separable_pairs_get_a_finite_calibration_that_knows_its_size(gap, n):
    same = np.arange(2 * n) < n
    found = fit_calibration(np.where(same, 0.5 + gap, 0.5), same, "x")
    assert np.isfinite([found.slope, found.intercept]).all()
    low, high = found.probability([0.5, 0.5 + gap])
    # At two points the fit passes through both targets.
    assert high == pytest.approx((n + 1) / (n + 2), rel=1e-4)
    assert low == pytest.approx(1 / (n + 2), rel=1e-2)


def test_separable_clouds_are_steep_but_finite():
    rng = np.random.default_rng(0)
    same = np.arange(400) < 200
    similarity = np.where(same, rng.uniform(0.6, 0.9, 400), rng.uniform(0, 0.3, 400))
    found = fit_calibration(similarity, same, "x")
    assert 0 < found.slope < 1000
    probability = found.probability(similarity)
    assert ((probability > 0.5) == same).all()


def test_equal_similarities_know_nothing_but_the_prior():
    found = fit_calibration(np.full(40, 0.3), np.arange(40) < 10, "x")
    assert found.slope == 0
    assert found.probability([-1.0, 1.0]) == pytest.approx(0.25, abs=0.02)
