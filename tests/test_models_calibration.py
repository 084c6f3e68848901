from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.models.calibration import Calibration

UNIT = st.floats(0.01, 0.99)


def calibration(slope=30.0, intercept=-10.0, prior=0.5):
    return Calibration(slope=slope, intercept=intercept, prior=prior, fitted_on="x", pairs=10)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-1, 1))
def test_probability_is_the_logistic_of_slope_and_intercept(slope, intercept, s):
    expected = np.exp(-np.logaddexp(0, -(slope * s + intercept)))
    found = calibration(slope, intercept).probability(s)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@given(UNIT, UNIT, st.floats(0, 0.6))
def test_another_prior_is_bayes_rule(fitted, asked, s):
    model = calibration(prior=fitted)
    p = float(model.probability(s))
    genuine, impostor = p / fitted, (1 - p) / (1 - fitted)  # likelihoods, up to a factor
    expected = asked * genuine / (asked * genuine + (1 - asked) * impostor)
    assert float(model.probability(s, prior=asked)) == pytest.approx(expected, rel=1e-6)


def test_extreme_similarities_neither_overflow_nor_leave_the_unit_interval():
    found = calibration(slope=1e6).probability([[-1.0, 1.0]], prior=1e-9)
    assert found.shape == (1, 2)
    np.testing.assert_array_equal(found, [[0.0, 1.0]])


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0, float("nan")])
def test_a_prior_outside_the_open_unit_interval_is_refused(prior):
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration().probability(0.5, prior=prior)
