"""Pairing photos with references, against every assignment there is."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.matching.gallery.threshold import fmr_for, fpir_of
from visavis.matching.pairing import NOBODY, nearest, one_to_one

TABLE = np.array([[0.9, 0.8, 0.1], [0.7, 0.2, 0.1], [0.1, 0.3, 0.2]], dtype=np.float32)


def test_the_chance_of_a_false_match_grows_with_the_references():
    assert fpir_of(0.5, 2) == pytest.approx(0.75)
    assert fpir_of(1e-3, 1) == pytest.approx(1e-3)
    assert fpir_of(1e-6, 1000) == pytest.approx(1e-3, rel=1e-3)
    assert fmr_for(0.75, 2) == pytest.approx(0.5)
    assert fmr_for(0.01, 100) == pytest.approx(1.005e-4, rel=1e-3)


@given(st.floats(1e-9, 0.5), st.integers(1, 10_000))
def test_both_rates_undo_each_other(fpir, references):
    assert fpir_of(fmr_for(fpir, references), references) == pytest.approx(fpir)


def test_the_nearest_reference():
    assert nearest(TABLE).tolist() == [0, 0, 1]
    assert nearest(TABLE, 0.6).tolist() == [0, 0, NOBODY]
    assert nearest(TABLE, 0.95).tolist() == [NOBODY] * 3
    assert nearest(np.ones((2, 3), dtype=np.float32)).tolist() == [0, 0]


def test_one_to_one_gives_way_where_the_sum_gains():
    # The first photo is nearest to reference 0, but 0.8 + 0.7 is more than 0.9 + 0.2.
    assert one_to_one(TABLE, np.arange(3)).tolist() == [1, 0, 2]


def test_one_to_one_below_the_threshold_is_nobody_and_costs_nobody_a_place():
    assert one_to_one(TABLE, np.arange(3), 0.5).tolist() == [1, 0, NOBODY]
    # With everybody somebody, the second photo's 0.2 for its own would have the first give way.
    table = np.array([[0.9, 0.0], [0.6, -0.9]], dtype=np.float32)
    assert one_to_one(table, np.arange(2)).tolist() == [1, 0]
    assert one_to_one(table, np.arange(2), 0.5).tolist() == [0, NOBODY]


def test_a_photo_left_over_is_nobody():
    table = np.array([[0.3], [0.9], [0.5]], dtype=np.float32)
    assert one_to_one(table, np.array([0])).tolist() == [NOBODY, 0, NOBODY]


def test_a_person_is_one_however_many_references_and_the_best_is_named():
    table = np.array([[0.2, 0.9, 0.1], [0.8, 0.3, 0.4]], dtype=np.float32)
    assert one_to_one(table, np.array([1, 1, 0])).tolist() == [1, 2]


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_one_to_one_is_the_best_of_all_assignments(seed, photos, references):
    rng = np.random.default_rng(seed)
    table = rng.uniform(-1, 1, (photos, references)).astype(np.float32)
    found = one_to_one(table, np.arange(references))
    taken = found[found != NOBODY]
    assert len(taken) == len(set(taken.tolist())) == min(photos, references)
    wide = table if photos <= references else table.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(columns))
        for columns in permutations(range(wide.shape[1]), len(wide))
    )
    rows = np.flatnonzero(found != NOBODY)
    assert table[rows, found[rows]].sum() == pytest.approx(best, abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.floats(-0.5, 0.9))
def test_with_a_threshold_nothing_below_it_is_ever_paired(seed, threshold):
    rng = np.random.default_rng(seed)
    table = rng.uniform(-1, 1, (6, 8)).astype(np.float32)
    people = np.array([0, 0, 1, 2, 2, 2, 3, 4])
    for found in (nearest(table, threshold), one_to_one(table, people, threshold)):
        for photo, column in enumerate(found):
            assert column == NOBODY or table[photo, column] >= np.float32(threshold)
    paired = people[found[found != NOBODY]]
    assert len(paired) == len(set(paired.tolist()))
