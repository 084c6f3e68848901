from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from generated_embeddings import some_pairs
from visavis.data.faceset import FaceSet, PairSet
from visavis.evaluation.intervals import (
    Support,
    clopper_pearson,
    draw_people,
    estimate,
    estimates,
)
from visavis.evaluation.listed import People, listed_figures, listed_rates

ENOUGH = Support(people=30, units=50)


@pytest.mark.parametrize(("errors", "n"), [(0, 500), (500, 500), (3, 40), (0, 1), (1, 1)])
def test_clopper_pearson_is_the_exact_binomial_interval(errors, n):
    exact = binomtest(errors, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(errors, n) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_clopper_pearson_of_nothing_is_everything():
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_each_draw_is_of_as_many_people_and_seeded():
    drawn = draw_people(40, 300, seed=3)
    assert drawn.shape == (40, 300)
    assert (drawn.sum(axis=0) == 40).all()
    np.testing.assert_array_equal(drawn, draw_people(40, 300, seed=3))
    assert (drawn != draw_people(40, 300, seed=4)).any()


@pytest.mark.parametrize("name", ["fmr", "eer", "fnmr@0.01", "brier"])
def test_where_no_error_was_seen_the_interval_is_exact_and_not_of_zero_width(name):
    found = estimate(name, 0.0, np.zeros(1000), ENOUGH)
    assert (found.low, found.high) == pytest.approx(clopper_pearson(0, 50))


def test_perfect_f1_has_the_interval_of_its_share():
    found = estimate("f1", 1.0, np.ones(1000), ENOUGH)
    share, _ = clopper_pearson(50, 50)
    assert (found.low, found.high) == pytest.approx((2 * share / (1 + share), 1))


def test_fewer_than_twenty_people_have_no_interval_and_it_says_so():
    for value in (0.0, 0.3, 1.0):
        found = estimate("fmr", value, np.linspace(0, 1, 1000), Support(19, 50))
        assert (found.value, found.low, found.high) == (value, None, None)
        assert "fewer than 20 people" in found.note


def test_an_undefined_figure_says_why():
    found = estimate("precision", np.nan, np.zeros(3), ENOUGH)
    assert found.value is None
    assert "nothing was accepted" in str(found)


def test_replicates_that_do_not_define_the_figure_are_left_out():
    found = estimate("precision", 0.5, np.array([np.nan, 0.4, 0.6, np.nan]), ENOUGH)
    assert 0.4 <= found.low < 0.5 < found.high <= 0.6


def test_chunks_change_nothing():
    def measure(drawn):
        return {"fmr": drawn[0] / drawn.sum(axis=0)}

    whole, parts = (
        estimates(measure, 25, lambda _: ENOUGH, chunk=chunk, replicates=50) for chunk in (50, 7)
    )
    assert whole == parts


def planted(seed=0, people=25, photos=3):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), photos)
    faces = FaceSet(
        "x", tuple(f"{i}" for i in range(len(who))), who, tuple(map(str, range(people)))
    )
    pairs = some_pairs(rng, faces, 60)
    similarity = np.round(rng.normal(np.where(pairs.same, 0.6, 0.3), 0.2), 1)  # with ties
    return rng, pairs, similarity


def test_a_draw_of_people_equals_copying_their_pairs():
    """A genuine pair of someone drawn twice is there twice, an impostor pair w_a w_b times."""
    rng, pairs, _ = planted()
    people = People.of(pairs)
    drawn = draw_people(people.count, 5, seed=1)
    weights = people.weights(drawn)
    for replicate in range(5):
        bag = rng.permutation(np.repeat(np.arange(people.count), drawn[:, replicate].astype(int)))
        for i in range(len(pairs)):
            first, second = people.first[i], people.second[i]
            copies = (
                np.sum(bag == first)
                if pairs.same[i]
                else sum(a == first and b == second for a in bag for b in bag)
            )
            assert weights[i, replicate] == copies


def test_the_interval_of_fmr_is_that_of_a_naive_loop():
    _, pairs, similarity = planted()
    fmr, fnmr, _ = listed_rates(pairs, similarity, {"x": np.full(len(pairs), 0.5)})["x"]
    people = People.of(pairs)
    drawn = draw_people(people.count)
    accepted = similarity >= 0.5
    naive = {"fmr": [], "fnmr": []}
    for w in drawn.T:
        weight = np.where(pairs.same, w[people.first], w[people.first] * w[people.second])
        naive["fmr"].append((weight * ~pairs.same * accepted).sum() / (weight @ ~pairs.same))
        naive["fnmr"].append((weight * pairs.same * ~accepted).sum() / (weight @ pairs.same))
    for found, replicates in ((fmr, naive["fmr"]), (fnmr, naive["fnmr"])):
        low, high = np.quantile(replicates, [0.025, 0.975])
        assert (found.low, found.high) == pytest.approx((low, high))
        assert low < found.value < high


def figures(pairs, similarity, probability=None, threshold=0.5):
    if probability is None:
        probability = np.clip(similarity, 0, 1)
    return listed_figures(
        pairs,
        similarity,
        probability,
        np.full(len(pairs), threshold),
        threshold_fitted_on="a",
        calibration_fitted_on="b",
    )


def test_missed_pairs_are_errors_everywhere():
    _, pairs, _ = planted()
    perfect = np.where(pairs.same, 1.0, 0.0)
    assert figures(pairs, perfect).accuracy.value == 1
    missed = perfect.copy()
    genuine, impostor = np.flatnonzero(pairs.same)[0], np.flatnonzero(~pairs.same)[0]
    missed[[genuine, impostor]] = np.nan
    found = figures(pairs, missed)
    n = len(pairs)
    assert found.n_missed == 2
    assert found.accuracy.value == pytest.approx(1 - 2 / n)
    assert found.fmr.value == pytest.approx(1 / found.n_impostor)
    assert found.fnmr.value == pytest.approx(1 / found.n_genuine)
    assert found.brier.value == pytest.approx(2 / n)
    assert found.ece.value == pytest.approx(2 / n)
    below = found.n_impostor / found.n_impostor  # the missed genuine pair loses to all
    assert found.auc.value == pytest.approx(
        1 - (below / found.n_genuine + (found.n_genuine - 1) / found.n_genuine / found.n_impostor)
    )


def test_tar_at_far_needs_thirty_over_far_impostors():
    _, pairs, similarity = planted()
    found = figures(pairs, similarity)
    assert found.tar_at_far_1e2.value is None
    assert str(found.tar_at_far_1e2) == "n/a, needs 3,000 comparisons"
    assert str(found.tar_at_far_1e3) == "n/a, needs 30,000 comparisons"


def test_every_interval_holds_its_figure():
    _, pairs, similarity = planted()
    for name, found in figures(pairs, similarity).estimates():
        if found.value is not None:
            assert found.low is not None, name
            assert found.low <= found.value <= found.high, name


def test_pairs_of_one_kind_are_noted_not_crashed_on():
    _, pairs, similarity = planted()
    found = figures(pairs.select(pairs.same, "genuine"), similarity[pairs.same])
    assert found.fmr.value is None
    assert "no impostor" in found.fmr.note
    assert "both genuine and impostor" in found.auc.note
    assert found.recall.value is not None


def test_no_pairs_at_all_have_no_rates():
    _, pairs, similarity = planted()
    none = np.zeros(len(pairs), dtype=bool)
    rates = listed_rates(pairs.select(none, "none"), similarity[none], {"x": np.empty(0)})["x"]
    assert [rate.value for rate in rates] == [None, None, None]


def test_clopper_pearson_counts_people_not_their_photos():
    """Zero false matches among 25 people: the same whether each has 2 photos or 6."""
    widths = set()
    for photos in (2, 6):
        who = np.repeat(np.arange(25), photos)
        names = tuple(map(str, range(25)))
        faces = FaceSet("x", tuple(map(str, range(len(who)))), who, names)
        i, j = np.triu_indices(len(faces), 1)
        pairs = PairSet("x", faces, i, j, who[i] == who[j])
        widths.add(figures(pairs, np.where(pairs.same, 1.0, 0.0)).fmr.high)
    assert widths == {clopper_pearson(0, 300)[1]}
