"""Finding people, against loops that anyone can follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generated_embeddings import CosineModel, unit
from visavis.data.faceset import FaceSet
from visavis.evaluation import pixels, retrieval
from visavis.evaluation.listed import People
from visavis.evaluation.paired import PAIRED, resample
from visavis.evaluation.pixels import nearest_by_components, nearest_by_pixels
from visavis.evaluation.retrieval import NOBODY, nearest, one_shot, recall_at
from visavis.evaluation.search import search

MODEL = CosineModel()


def people_of(rng, n_people: int, photos: int, noise: float):
    who = np.repeat(np.arange(n_people), photos)
    vectors = unit(rng.standard_normal((n_people, 8)))[who]
    return unit(vectors + noise * rng.standard_normal(vectors.shape) / np.sqrt(8)), who


def naive_nearest(embeddings, k: int, compare=np.dot):
    seen = [i for i in range(len(embeddings)) if np.isfinite(embeddings[i]).all()]
    table = np.full((len(embeddings), k), NOBODY)
    for i in seen:
        others = sorted(
            (j for j in seen if j != i), key=lambda j: (-compare(embeddings[i], embeddings[j]), j)
        )
        table[i, : len(others[:k])] = others[:k]
    return table


@given(st.integers(1, 30), st.integers(1, 7), st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_nearest_is_what_a_loop_finds(n, k, seed, block):
    rng = np.random.default_rng(seed)
    embeddings = rng.integers(-2, 3, (n, 8)).astype(np.float32)  # whole numbers: exact, with ties
    embeddings[rng.random(n) < 0.2] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "BLOCK", block)
        found = nearest(MODEL, embeddings, k)
    assert found.dtype == np.int64
    assert np.array_equal(found, naive_nearest(embeddings, k))


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_only_the_photos_asked_for_are_searched_for_but_among_all(n, seed, block):
    rng = np.random.default_rng(seed)
    embeddings = rng.integers(-2, 3, (n, 8)).astype(np.float32)
    embeddings[rng.random(n) < 0.2] = np.nan
    asked = rng.choice(n, rng.integers(0, n + 1), replace=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "BLOCK", block)
        found = nearest(MODEL, embeddings, 5, asked)
    assert np.array_equal(found, naive_nearest(embeddings, 5)[asked])


def test_nearest_uses_the_models_own_similarity():
    embeddings = np.zeros((3, 8), np.float32)
    embeddings[:, 0] = [1.0, 1.2, 9.0]
    assert nearest(MODEL, embeddings, 1)[0, 0] == 2  # by inner product
    assert nearest(CosineModel(distance="euclidean"), embeddings, 1)[0, 0] == 1


def test_recall_is_what_a_loop_counts():
    rng = np.random.default_rng(5)
    embeddings, people = people_of(rng, 25, 3, 1.2)
    people = np.append(people, [25, 26])  # two people with one photo each are not asked for
    embeddings = np.vstack([embeddings, unit(rng.standard_normal((2, 8)))])
    embeddings[[4, 10]] = np.nan
    near = naive_nearest(embeddings, 10)
    found = recall_at(MODEL, embeddings, people)
    assert list(found) == [1, 5, 10]
    for k, estimate in found.items():
        hits = [people[i] in [people[j] for j in near[i, :k] if j >= 0] for i in range(75)]
        assert estimate.value == pytest.approx(np.mean(hits))
        assert estimate.low < estimate.value < estimate.high
    assert found[1].value < found[5].value < found[10].value


def test_recall_intervals_widen_when_each_person_is_all_right_or_all_wrong():
    rng = np.random.default_rng(2)
    # Half of 40 people are found by all of 6 photos, half by none: 40 trials in truth, not 240.
    embeddings, people = [], []
    for person in range(40):
        for _ in range(6):
            vector = rng.standard_normal(64) if person % 2 else np.eye(64)[person]
            embeddings.append(vector + 0.001 * rng.standard_normal(64))
            people.append(person)
    estimate = recall_at(MODEL, unit(np.array(embeddings)), np.array(people), (1,))[1]
    width = estimate.high - estimate.low
    by_photo = 2 * 1.96 * np.sqrt(estimate.value * (1 - estimate.value) / 240)
    assert width > 1.8 * by_photo


def test_perfect_recall_has_an_exact_interval_over_people():
    rng = np.random.default_rng(1)
    embeddings, people = people_of(rng, 30, 2, 0.01)
    estimate = recall_at(MODEL, embeddings, people, (1,))[1]
    assert estimate.value == 1
    assert estimate.low == pytest.approx(0.025 ** (1 / 30))
    few = recall_at(MODEL, embeddings[:10], people[:10], (1,))[1]
    assert (few.value, few.low) == (1, None)
    assert "fewer than 20 people" in few.note


def test_a_photo_without_a_face_is_an_error_and_is_found_by_nobody():
    embeddings = np.zeros((4, 8), np.float32)
    embeddings[:, 0] = 1
    embeddings[2:, :2] = [0, 1]
    people = np.array([0, 0, 1, 1])
    assert recall_at(MODEL, embeddings, people, (1,))[1].value == 1
    embeddings[3] = np.nan
    assert recall_at(MODEL, embeddings, people, (1,))[1].value == 0.5
    assert 3 not in nearest(MODEL, embeddings, 3)


def test_with_one_photo_each_nothing_can_be_recalled():
    embeddings = unit(np.random.default_rng(0).standard_normal((5, 8)))
    people = np.arange(5)
    assert "nobody has two photos" in recall_at(MODEL, embeddings, people)[1].note
    assert "nobody has two photos" in one_shot(MODEL, embeddings, people, 2).note
    assert recall_at(MODEL, embeddings[:0], people[:0])[1].value is None


def test_one_shot_is_right_where_people_are_apart_and_guesses_where_they_are_not():
    rng = np.random.default_rng(3)
    apart = np.repeat(np.eye(8, dtype=np.float32), 2, axis=0)
    assert one_shot(MODEL, apart, np.repeat(np.arange(8), 2), 8).value == 1
    noise = unit(rng.standard_normal((200, 8)))
    guessed = one_shot(MODEL, noise, np.repeat(np.arange(50), 4), 5, trials=4000)
    assert guessed.value == pytest.approx(1 / 5, abs=0.03)
    assert guessed.low < guessed.value < guessed.high


def test_one_shot_falls_as_the_ways_grow_and_is_the_same_each_time():
    embeddings, people = people_of(np.random.default_rng(4), 40, 3, 1.2)
    values = [one_shot(MODEL, embeddings, people, ways).value for ways in (2, 5, 20)]
    assert values[0] > values[1] > values[2]
    assert values[2] == one_shot(MODEL, embeddings, people, 20).value
    assert values[2] != one_shot(MODEL, embeddings, people, 20, seed=1).value


def test_a_collapsed_network_does_not_win_by_ties():
    alike = np.ones((40, 8), np.float32)
    assert one_shot(MODEL, alike, np.repeat(np.arange(20), 2)).value == 0


def test_one_shot_counts_a_missed_query_or_match_as_wrong_but_not_a_missed_stranger():
    embeddings = np.repeat(np.eye(4, 8, dtype=np.float32), 2, axis=0)
    people = np.repeat(np.arange(4), 2)
    embeddings[0] = np.nan
    # Of tasks about person 0 all are lost, whichever photo is the query; of the others none.
    assert one_shot(MODEL, embeddings, people, 4).value == pytest.approx(3 / 4)


def test_too_few_people_for_the_ways():
    embeddings = np.repeat(np.eye(3, 8, dtype=np.float32), 2, axis=0)
    estimate = one_shot(MODEL, embeddings, np.repeat(np.arange(3), 2), 5)
    assert estimate.value is None
    assert estimate.note == "n/a, needs 5 people"


def line_of(*places: float) -> np.ndarray:
    """Embeddings on a line, so that anyone can see who is near."""
    embeddings = np.zeros((len(places), 8), np.float32)
    embeddings[:, 0] = places
    return embeddings


# Two people to search for, at 0 and at 10, with six photos each; a third who stands by the second.
PLACES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.45, 30)
WHO = FaceSet.from_names("line", [f"{i}.jpg" for i in range(14)], list("aaaaaabbbbbbcc"))


def test_all_five_nearest_right_counts_photos_none_of_whose_nearest_is_a_stranger():
    model = CosineModel(distance="euclidean")
    searched = search(model, line_of(*PLACES), WHO, np.arange(12))
    figures = {finding.name: finding for finding in searched.findings}
    # The stranger at 10.45 is among the five nearest of each of b's photos.
    whole = figures["All five nearest right"]
    assert (whole.counted, whole.estimate.value) == ("6 of 12", 0.5)
    assert "fewer than 20 people" in whole.estimate.note
    # Of the photos at 10.4 and 10.5 that stranger is the nearest.
    assert figures["Recall@1"].counted == "10 of 12"
    assert figures["Recall@5"].counted == "12 of 12"
    assert searched.found[0].tolist() == [1, 2, 3, 4, 5]
    assert searched.similarity[0] == pytest.approx([-0.1, -0.2, -0.3, -0.4, -0.5])
    # Without the others as gallery, nobody is wrong.
    alone = search(model, line_of(*PLACES[:12]), WHO.select(np.arange(12)))
    assert {f.counted for f in alone.findings[:4]} == {"12 of 12"}


def test_people_of_fewer_than_six_photos_cannot_have_five_right():
    searched = search(CosineModel(), line_of(*PLACES), WHO, np.arange(12, 14))
    whole = next(f for f in searched.findings if f.name == "All five nearest right")
    assert (whole.estimate.value, whole.asked, whole.counted) == (None, 0, "")
    assert whole.estimate.note == "n/a, nobody has 6 photos"


def test_rivals_are_measured_alike_and_named():
    model = CosineModel(distance="euclidean")
    rival = np.tile(np.arange(5), (12, 1))
    rival[1:6] = [0, 2, 3, 4, 5]  # as good as it gets for a's photos but the first
    searched = search(model, line_of(*PLACES), WHO, np.arange(12), {"raw pixels": rival})
    found = {f.name: f for f in searched.findings}["All five nearest right, raw pixels"]
    assert found.counted == "6 of 12"
    assert "raw pixels" in found.meaning
    assert found.as_dict()["right"] == 6
    assert searched.as_dict()["photos"] == 14


@given(st.integers(2, 25), st.integers(0, 2**32 - 1))
def test_pixels_are_compared_by_plain_euclidean_distance(n, seed):
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (n, 4, 3, 1), dtype=np.uint8)
    seen = rng.random(n) < 0.8
    asked = rng.permutation(n)[: n // 2 + 1]
    flat = np.where(seen[:, None], crops.reshape(n, -1).astype(float), np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "_COLUMNS", 3)
        found = nearest_by_pixels(crops, seen, 5, asked)
    expected = naive_nearest(flat, 5, lambda a, b: -np.float32(np.linalg.norm(a - b)))
    assert np.array_equal(found, expected[asked])


def test_components_are_those_of_the_photos_fitted_on_alone():
    rng = np.random.default_rng(0)
    # Those fitted on differ in pixel 0 alone: the one component is that pixel, whatever the others.
    crops = rng.integers(0, 256, (12, 2, 2, 1), dtype=np.uint8)
    crops[6:] = 100
    crops[6:, 0, 0, 0] = [0, 40, 80, 120, 160, 200]
    seen = np.ones(12, dtype=bool)
    asked = np.arange(6)
    found = nearest_by_components(crops, seen, 5, asked, fitted_on=np.arange(6, 12), size=1)
    first = crops[:, 0, 0, 0].astype(float)[:, None]
    expected = naive_nearest(first, 5, lambda a, b: -abs(a[0] - b[0]))
    assert np.array_equal(found, expected[:6])
    other = nearest_by_components(crops, seen, 5, asked, fitted_on=asked, size=1)
    assert not np.array_equal(other, expected[:6])


def test_with_all_components_distances_are_those_of_the_pixels():
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (30, 2, 3, 1), dtype=np.uint8)
    seen = np.arange(30) != 7
    asked = np.arange(10)
    by_pixels = nearest_by_pixels(crops, seen, 5, asked)
    fitted_on = np.arange(5, 30)
    found = nearest_by_components(crops, seen, 5, asked, fitted_on=fitted_on, size=64)
    assert np.array_equal(found, by_pixels)
    assert (found[7] == NOBODY).all()


def planted_pairs(rng, n_people: int = 40, n: int = 300):
    """People in pairs, and similarities of two models of which the second is a little worse."""
    same = np.arange(n) % 2 == 0
    first = rng.integers(0, n_people, n)
    second = np.where(same, first, (first + rng.integers(1, n_people, n)) % n_people)
    base = np.where(same, 1.0, -1.0) + rng.normal(0, 1, n)
    return People(first, second, same, n_people), base, base + rng.normal(0, 0.6, n)


def test_a_paired_difference_is_that_of_a_loop_over_draws_of_people():
    rng = np.random.default_rng(0)
    people, one, other = planted_pairs(rng)
    a, b = (resample(people, s, s >= 0, replicates=200) for s in (one, other))
    draws = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), size=200)
    differences = []
    for drawn in draws:
        total, gained = 0.0, 0.0
        for i in range(300):
            weight = drawn[people.first[i]]
            if not people.same[i]:
                weight *= drawn[people.second[i]]
            right = (one[i] >= 0) == people.same[i], (other[i] >= 0) == people.same[i]
            total += weight
            gained += weight * (int(right[0]) - int(right[1]))
        differences.append(gained / total)
    found = a.minus(b, "accuracy")
    accuracy = [np.mean((s >= 0) == people.same) for s in (one, other)]
    assert found.value == pytest.approx(accuracy[0] - accuracy[1])
    assert found.low == pytest.approx(np.quantile(differences, 0.025), abs=1e-6)
    assert found.high == pytest.approx(np.quantile(differences, 0.975), abs=1e-6)


def test_paired_intervals_are_narrower_than_those_of_strangers():
    people, one, other = planted_pairs(np.random.default_rng(1))
    a, b = (resample(people, s, s >= 0) for s in (one, other))
    unpaired = resample(people, other, other >= 0, seed=1)
    for name in PAIRED:
        paired, apart = a.minus(b, name), a.minus(unpaired, name)
        assert paired.value == pytest.approx(apart.value)
        assert paired.high - paired.low < apart.high - apart.low


def test_two_models_that_agree_on_every_pair_are_not_certainly_equal():
    people, one, _ = planted_pairs(np.random.default_rng(1))
    a = resample(people, one, one >= 0)
    alike = a.minus(resample(people, one, one >= 0), "accuracy")
    assert alike.value == 0
    # None of n pairs told them apart: with 97.5 % fewer than 1 - 0.025^(1/n) of all do.
    pairs = {tuple(sorted(pair)) for pair in zip(people.first, people.second, strict=True)}
    assert alike.high == pytest.approx(1 - 0.025 ** (1 / len(pairs)))
    assert alike.low == -alike.high


def test_a_missed_pair_is_an_error_of_every_figure():
    people, one, _ = planted_pairs(np.random.default_rng(2))
    missed = np.where(np.arange(300) < 30, np.nan, one)
    accepted = np.where(np.isnan(missed), ~people.same, missed >= 0)
    a, b = resample(people, one, one >= 0), resample(people, missed, accepted)
    for name in ("accuracy", "recall", "f1", "auc"):
        assert a.minus(b, name).value > 0
    assert a.minus(b, "eer").value < 0


def test_with_fewer_than_20_people_the_difference_has_no_interval():
    people, one, other = planted_pairs(np.random.default_rng(3), n_people=10)
    difference = resample(people, one, one >= 0).minus(
        resample(people, other, other >= 0), "accuracy"
    )
    assert difference.value is not None
    assert difference.low is None
    assert "fewer than 20 people" in difference.note
