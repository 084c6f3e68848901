from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from visavis.evaluation.rates import (
    ECE_BINS,
    calibration_shares,
    decision_shares,
    probability_bin,
    ranking_shares,
)

COARSE = st.integers(0, 8).map(lambda i: i / 8)  # many ties
SCORED = st.lists(
    st.tuples(st.one_of(COARSE, st.floats(0, 1)), st.booleans(), st.integers(0, 3)),
    min_size=2,
    max_size=60,
)


def two_classes(scored):
    similarity, same, weight = (np.array(column) for column in zip(*scored, strict=True))
    assume((weight * same).sum() and (weight * ~same).sum())
    return similarity.astype(float), same, weight.astype(float)


def ranked(similarity, same, weight):
    levels = np.unique(similarity)
    at = similarity[:, None] == levels
    return [(at * (weight * kind)[:, None]).sum(axis=0)[:, np.newaxis] for kind in (same, ~same)]


@given(SCORED)
def test_auc_counts_ties_as_a_half(scored):
    similarity, same, weight = two_classes(scored)
    found = ranking_shares(*ranked(similarity, same, weight))["auc"][0]
    naive = sum(
        wa * wb * ((a > b) + 0.5 * (a == b))
        for a, wa in zip(similarity[same], weight[same], strict=True)
        for b, wb in zip(similarity[~same], weight[~same], strict=True)
    ) / (weight[same].sum() * weight[~same].sum())
    assert found == pytest.approx(naive)
    assert found == pytest.approx(roc_auc_score(same, similarity, sample_weight=weight))


@given(SCORED)
def test_eer_is_where_the_curve_crosses(scored):
    similarity, same, weight = two_classes(scored)
    found = ranking_shares(*ranked(similarity, same, weight))["eer"][0]
    kept = weight > 0
    fmr, tar, _ = roc_curve(
        same[kept], similarity[kept], sample_weight=weight[kept], drop_intermediate=False
    )
    # Slow oracle: walk along each straight piece of the curve until FMR meets 1 - TAR.
    crossings = []
    for (x0, y0), (x1, y1) in pairwise(zip(fmr, 1 - tar, strict=True)):
        before, after = x0 - y0, x1 - y1
        if before <= 0 <= after:
            t = 0 if before == after else -before / (after - before)
            crossings.append(x0 + t * (x1 - x0))
    assert min(abs(found - c) for c in crossings) < 1e-9


@given(SCORED)
def test_tar_at_far_is_the_best_of_real_thresholds(scored):
    similarity, same, weight = two_classes(scored)
    found = ranking_shares(*ranked(similarity, same, weight))["tar_at_far_1e2"][0]
    rates = [
        (weight[same] @ (similarity[same] >= t)) / weight[same].sum()
        for t in [*similarity, np.inf]
        if weight[~same] @ (similarity[~same] >= t) <= 0.01 * weight[~same].sum()
    ]
    assert found == pytest.approx(max(rates))


def test_tar_at_far_admits_exactly_the_rate():
    impostor = np.repeat([[1.0], [0.0]], [3000, 1], axis=0)
    impostor = np.vstack([impostor[:2970], [[0.0]], impostor[:30]])
    genuine = np.zeros((3001, 1))
    genuine[2970] = 5  # above all but 30 of 3,000 impostors
    assert ranking_shares(genuine, impostor)["tar_at_far_1e2"] == [1.0]
    impostor[2999] += 1  # 31 of 3,001
    assert ranking_shares(genuine, impostor)["tar_at_far_1e2"] == [0.0]


@given(SCORED, st.integers(2, 5))
def test_brier_and_ece_agree_with_loops(scored, copies):
    probability, same, weight = two_classes(scored)
    found = calibration_shares(
        *(np.repeat((weight * kind)[:, None], copies, axis=1) for kind in (same, ~same)),
        probability,
    )
    share = np.where(same, weight / weight[same].sum(), weight / weight[~same].sum()) / 2
    brier = sum(w * (p - y) ** 2 for w, p, y in zip(share, probability, same, strict=True))
    ece = 0.0
    for b in range(ECE_BINS):
        inside = probability_bin(probability) == b
        mass = share[inside].sum()
        if mass:
            confidence = share[inside] @ probability[inside] / mass
            accuracy = share[inside] @ same[inside] / mass
            ece += mass * abs(confidence - accuracy)
    np.testing.assert_allclose(found["brier"], brier)
    np.testing.assert_allclose(found["ece"], ece, atol=1e-12)


def test_bins_of_probability_are_fifteen_of_equal_width():
    assert probability_bin(np.array([0, 0.06, 0.07, 0.99, 1.0])).tolist() == [0, 0, 1, 14, 14]


def test_decisions_by_hand():
    one = np.array([1.0])
    found = decision_shares(genuine=10 * one, matched=8 * one, impostor=90 * one, false=2 * one)
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(
        {"accuracy": 0.96, "precision": 0.8, "recall": 0.8, "f1": 0.8, "fmr": 2 / 90, "fnmr": 0.2}
    )


def test_what_a_single_class_leaves_undefined_is_nan():
    zero, one = np.zeros(1), np.ones(1)
    found = decision_shares(zero, zero, one, zero)
    assert np.isnan([found[name][0] for name in ("precision", "recall", "fnmr", "f1")]).all()
    assert found["accuracy"] == 1
    found = ranking_shares(np.zeros((3, 1)), np.ones((3, 1)))
    assert np.isnan([value[0] for value in found.values()]).all()
