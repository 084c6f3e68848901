"""Figures of groups, against sums by hand and loops that anyone can follow."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.evaluation import clusters
from visavis.evaluation.clusters import best_threshold, cluster_figures
from visavis.evaluation.intervals import TOO_FEW_PEOPLE, draw_people

PARTS = ("precision", "recall", "f1")
NAMES = [f"{kind}_{part}" for kind in ("pairwise", "bcubed") for part in PARTS]


def values(people, groups) -> dict[str, float | None]:
    figures = cluster_figures(np.array(people), np.array(groups))
    return {name: getattr(figures, name).value for name in NAMES}


labellings = st.integers(1, 14).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
    )
)


def naive(people, groups) -> dict[str, float | None]:
    """Photo by photo and pair by pair, as the definitions say."""
    n = len(people)
    pairs = list(combinations(range(n), 2))
    one = {(i, j) for i, j in pairs if people[i] == people[j]}
    together = {(i, j) for i, j in pairs if groups[i] == groups[j]}
    right = len(one & together)
    found = {
        "pairwise_precision": right / len(together) if together else None,
        "pairwise_recall": right / len(one) if one else None,
        "pairwise_f1": 2 * right / (len(one) + len(together)) if one or together else None,
    }
    person = [{j for j in range(n) if people[j] == people[i]} for i in range(n)]
    group = [{j for j in range(n) if groups[j] == groups[i]} for i in range(n)]
    precision = sum(len(a & b) / len(b) for a, b in zip(person, group, strict=True)) / n
    recall = sum(len(a & b) / len(a) for a, b in zip(person, group, strict=True)) / n
    f1 = 2 * precision * recall / (precision + recall)
    return found | {"bcubed_precision": precision, "bcubed_recall": recall, "bcubed_f1": f1}


def test_by_hand():
    # Group 0 holds two photos of Ada and one of Bob; group 1 Ada's third; group 2 Bob's second.
    found = values([0, 0, 0, 1, 1], [0, 0, 1, 0, 2])
    assert found["pairwise_precision"] == pytest.approx(1 / 3)
    assert found["pairwise_recall"] == pytest.approx(1 / 4)
    assert found["pairwise_f1"] == pytest.approx(2 / 7)
    assert found["bcubed_precision"] == pytest.approx((2 / 3 + 2 / 3 + 1 + 1 / 3 + 1) / 5)
    assert found["bcubed_recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)


@given(labellings)
def test_the_figures_are_what_loops_find(labels):
    people, groups = labels
    assert values(people, groups) == pytest.approx(naive(people, groups))


@given(labellings, st.permutations(range(6)), st.permutations(range(6)))
def test_what_people_and_groups_are_called_is_nothing_to_them(labels, person, group):
    people, groups = labels
    renamed = [7 * person[p] for p in people], [-group[g] for g in groups]
    assert values(*renamed) == pytest.approx(values(people, groups))


@given(labellings)
def test_swapping_people_and_groups_swaps_precision_and_recall(labels):
    here, there = values(*labels), values(*labels[::-1])
    for kind in ("pairwise", "bcubed"):
        assert here[f"{kind}_precision"] == pytest.approx(there[f"{kind}_recall"])
        assert here[f"{kind}_f1"] == pytest.approx(there[f"{kind}_f1"])


def test_perfect_groups():
    people = np.repeat(np.arange(30), 3)
    figures = cluster_figures(people, 30 - people)
    for name in NAMES:
        estimate = getattr(figures, name)
        assert estimate.value == estimate.high == 1.0
        assert 0.8 < estimate.low < 1.0  # no error among 30 people proves no perfection


def test_all_in_one_group_finds_everybody_and_tells_nobody_apart():
    found = values(np.repeat(np.arange(4), 5), np.zeros(20))
    assert found["pairwise_recall"] == found["bcubed_recall"] == 1.0
    assert found["pairwise_precision"] == pytest.approx(4 * 10 / 190)
    assert found["bcubed_precision"] == pytest.approx(5 / 20)


def test_everybody_alone_is_never_wrong_and_finds_nobody():
    found = values(np.repeat(np.arange(4), 5), np.arange(20))
    assert found["pairwise_precision"] is None
    assert found["pairwise_recall"] == found["pairwise_f1"] == 0.0
    assert found["bcubed_precision"] == 1.0
    assert found["bcubed_recall"] == pytest.approx(1 / 5)


@given(labellings, st.integers(0, 2**32 - 1))
def test_a_person_drawn_twice_is_two_people(labels, seed):
    people, groups = (np.array(side) for side in labels)
    drawn = np.random.default_rng(seed).integers(0, 3, 6)
    rows = [
        (copy * 10 + person, group)
        for person, group in zip(people, groups, strict=True)
        for copy in range(drawn[person])
    ]
    if not rows:
        return
    table = clusters._Table(people, groups)
    weights = drawn[np.unique(people)][:, np.newaxis].astype(np.float32)
    found = {name: share[0] for name, share in table.measure(weights).items()}
    again = naive([p for p, _ in rows], [g for _, g in rows])
    compared = {"pairwise_recall", "bcubed_recall"}
    if drawn.max() < 2:  # the loops would take two of a person for strangers who share a group
        compared |= {"pairwise_precision", "pairwise_f1"}
    for name in compared:
        value = again[name]
        assert found[name] == pytest.approx(np.nan if value is None else value, nan_ok=True)


def test_resampling_lets_no_figure_drift():
    rng = np.random.default_rng(5)
    people = rng.integers(0, 200, 800)
    groups = rng.integers(0, 300, 800) % 150  # as wrong as can be
    found = values(people, groups)
    table = clusters._Table(people, groups)
    drawn = table.measure(draw_people(len(np.unique(people)), 2000))
    for name in NAMES:
        assert drawn[name].mean() == pytest.approx(found[name], rel=0.03)


def test_intervals_resample_people_whatever_the_chunk(monkeypatch):
    rng = np.random.default_rng(2)
    people = rng.integers(0, 40, 200)
    groups = np.where(rng.random(200) < 0.8, people, rng.integers(0, 60, 200))
    figures = cluster_figures(people, groups)
    for name in NAMES:
        estimate = getattr(figures, name)
        assert 0 < estimate.low < estimate.value < estimate.high < 1
    monkeypatch.setattr(clusters, "CELLS", 1000)
    again = cluster_figures(people, groups)
    assert [vars(getattr(again, n)) for n in NAMES] == [
        pytest.approx(vars(getattr(figures, n))) for n in NAMES
    ]


def test_few_people_have_no_interval():
    figures = cluster_figures(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    assert figures.bcubed_f1.low is None
    assert figures.bcubed_f1.note == TOO_FEW_PEOPLE


def test_the_best_threshold_has_the_highest_bcubed_f1():
    people = np.array([0, 0, 1, 1, 2])
    groups = {
        0.2: np.zeros(5, dtype=np.int64),
        0.4: np.array([0, 0, 1, 1, 1]),
        0.5: people,
        0.6: people,
        0.8: np.arange(5),
    }
    assert best_threshold(people, groups) == (0.5, 1.0)


@pytest.mark.parametrize(("people", "groups"), [([], []), ([1, 2], [1])])
def test_nothing_to_compare(people, groups):
    with pytest.raises(ValueError, match="photos have people"):
        cluster_figures(np.array(people), np.array(groups))
