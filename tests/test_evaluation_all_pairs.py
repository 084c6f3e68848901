from __future__ import annotations

import numpy as np
import pytest

from generated_embeddings import CosineModel, unit
from visavis.errors import UnsupportedRateError
from visavis.evaluation import all_pairs, kept
from visavis.evaluation.all_figures import Counted, all_figures, all_rates
from visavis.evaluation.all_pairs import BINS, bin_of, compare
from visavis.evaluation.fit import fit_calibration
from visavis.evaluation.intervals import draw_people
from visavis.evaluation.population import compare_all, compare_one_each
from visavis.evaluation.rates import calibration_shares, ranking_shares
from visavis.evaluation.resampling import LevelSums

MODEL = CosineModel()


def population(seed=0, people=30, n=400, missed=7):
    rng = np.random.default_rng(seed)
    who = rng.permutation(np.concatenate([np.arange(people), rng.integers(0, people, n - people)]))
    vectors = unit(rng.standard_normal((people, 8)))[who]
    embeddings = unit(vectors + 0.3 * rng.standard_normal((n, 8)))
    embeddings[rng.choice(n, missed, replace=False)] = np.nan
    return embeddings, who


def naive(embeddings, who, model=MODEL):
    """Every comparison by a double loop over the matrix: similarity and both people."""
    matrix = model.similarity_matrix(embeddings, embeddings)
    return [
        (matrix[i, j], who[i], who[j])
        for i in range(len(who))
        for j in range(i + 1, len(who))
        if not np.isnan(matrix[i, j])
    ]


def near(a, b):
    """Histograms equal but for comparisons that rounding moves over an edge."""
    assert sum(a) == sum(b)
    assert np.abs(np.cumsum(a) - np.cumsum(b)).max() <= 2


@pytest.mark.parametrize("rows", [7, 256, 1000])
def test_all_comparisons_are_those_of_a_double_loop(monkeypatch, rows):
    monkeypatch.setattr(all_pairs, "ROWS", rows)
    embeddings, who = population()
    scores = compare_all(MODEL, embeddings, who * 3 + 1, "planted people")
    expected = naive(embeddings, who)
    genuine = np.array([s for s, a, b in expected if a == b])
    impostor = np.array([s for s, a, b in expected if a != b])
    near(scores.genuine, np.bincount(bin_of(genuine, -1, 1), minlength=BINS))
    near(scores.impostor, np.bincount(bin_of(impostor, -1, 1), minlength=BINS))
    np.testing.assert_allclose(scores.tail, np.sort(impostor)[::-1][:1000], atol=1e-6)
    assert (scores.people, scores.photos) == (30, 393)
    assert scores.fitted_on == "planted people"


def test_standard_thresholds_are_those_the_comparisons_support():
    embeddings, who = population()
    scores = compare_all(MODEL, embeddings, who, "x")
    total = sum(scores.impostor)
    assert 30_000 < total < 300_000
    assert [t.fmr for t in scores.standard] == [1e-2, 1e-3]
    impostor = np.array([s for s, a, b in naive(embeddings, who) if a != b])
    for threshold in scores.standard:
        assert np.mean(impostor >= threshold.value + 1e-6) <= threshold.fmr
        assert np.mean(impostor >= threshold.value - 1e-3) > threshold.fmr
        assert threshold.low < threshold.value < threshold.high
        assert threshold.comparisons == total
    with pytest.raises(UnsupportedRateError, match="needs 300,000 comparisons"):
        scores.threshold(1e-4)


def test_the_interval_of_a_threshold_is_that_of_a_naive_loop():
    embeddings, who = population(n=150, missed=0)
    found = compare_all(MODEL, embeddings, who, "x").standard[0]
    s, a, b = (np.array(c) for c in zip(*naive(embeddings, who), strict=True))
    s, a, b = s[a != b], a[a != b], b[a != b]
    order = np.argsort(-s)
    thresholds = []
    for w in draw_people(30).T:
        weight = (w[a] * w[b])[order]
        first = np.searchsorted(np.cumsum(weight), 0.01 * weight.sum(), side="right")
        thresholds.append(s[order][first])
    low, high = np.quantile(thresholds, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-3)


def test_fewer_than_twenty_people_have_thresholds_without_intervals():
    embeddings, who = population(people=19)
    found = compare_all(MODEL, embeddings, who, "x").standard[0]
    assert (found.low, found.high) == (None, None)


def test_another_distance_finds_its_range():
    embeddings, who = population()
    model = CosineModel(distance="euclidean")
    scores = compare_all(model, embeddings * 7, who, "x")
    expected = [s for s, a, b in naive(embeddings * 7, who, model) if a != b]
    assert scores.low <= min(expected)
    assert scores.high >= max(expected)
    assert scores.high - scores.low < 20
    assert scores.tail[0] == pytest.approx(max(expected), abs=1e-4)


def test_segments_left_out_are_out_of_everything():
    embeddings, who = population()
    segment = who % 3
    comparisons = compare(MODEL, embeddings, who, segments=segment)
    for left_out in range(3):
        rest = segment != left_out
        alone = compare(MODEL, embeddings[rest], who[rest]).scores("x")
        found = comparisons.scores("x", without=left_out)
        near(found.impostor, alone.impostor)
        near(found.genuine, alone.genuine)
        np.testing.assert_allclose(found.tail, alone.tail, atol=1e-6)
        assert (found.people, found.photos) == (alone.people, alone.photos)


EDGES = np.array([-0.5, 0.0, 0.3, 0.31, 0.7])


def naive_levels(embeddings, who, drawn):
    genuine, impostor = (np.zeros((len(EDGES) + 1, drawn.shape[1])) for _ in range(2))
    for s, a, b in naive(embeddings, who):
        level = int((s >= EDGES).sum())
        if a == b:
            genuine[level] += drawn[a]
        else:
            impostor[level] += drawn[a] * drawn[b]
    return genuine, impostor


def test_resampled_sums_are_those_of_a_naive_loop():
    embeddings, who = population(n=120)
    drawn = draw_people(30, 8)
    sums = LevelSums(compare(MODEL, embeddings, who), EDGES)
    genuine, impostor = naive_levels(embeddings, who, drawn)
    np.testing.assert_allclose(sums.genuine(drawn), genuine)
    np.testing.assert_allclose(sums.impostor(drawn), impostor)
    np.testing.assert_allclose(sums.all_impostor(drawn), impostor.sum(axis=0))
    seen = ~np.isnan(embeddings[:, 0])
    everyone = [(a, b) for i, a in enumerate(who) for b in who[i + 1 :]]
    found = [(a, b) for i, a in enumerate(who[seen]) for b in who[seen][i + 1 :]]

    def weight(pairs, same):
        return sum(drawn[a] * (1 if same else drawn[b]) for a, b in pairs if (a == b) == same)

    np.testing.assert_allclose(
        sums.missed_genuine(drawn), weight(everyone, same=True) - weight(found, same=True)
    )
    np.testing.assert_allclose(
        sums.missed_impostor(drawn), weight(everyone, same=False) - weight(found, same=False)
    )


def test_where_not_all_is_kept_the_top_is_exact_and_the_rest_close(monkeypatch):
    embeddings, who = population(n=600)
    monkeypatch.setattr(kept, "KEEP_ALL", 1000)
    monkeypatch.setattr(kept, "KEEP_TOP", 2000)
    monkeypatch.setattr(kept, "KEEP_DRAWN", 20_000)
    monkeypatch.setattr(kept, "TOP_SHARE", 0.3)
    comparisons = compare(MODEL, embeddings, who)
    assert len(comparisons.kept.similarity) < 50_000
    drawn = draw_people(30, 8)
    _, impostor = naive_levels(embeddings, who, drawn)
    top = float(comparisons.top.similarity[1500])
    edges = np.append(EDGES, top)
    sums = LevelSums(comparisons, np.sort(edges)).impostor(drawn)
    expected = [drawn[a] * drawn[b] for s, a, b in naive(embeddings, who) if a != b and s >= top]
    np.testing.assert_allclose(sums[-1], np.sum(expected, axis=0), rtol=0.01)
    bulk = LevelSums(comparisons, EDGES).impostor(drawn)
    np.testing.assert_allclose(bulk[:3], impostor[:3], rtol=0.1)
    once = LevelSums(comparisons, EDGES).impostor(np.ones((30, 1), dtype=np.float32))
    _, exactly = naive_levels(embeddings, who, np.ones((30, 1)))
    np.testing.assert_allclose(once, exactly, rtol=0.01)
    assert once.sum() == pytest.approx(exactly.sum())


def test_all_figures_are_those_of_all_pairs_listed():
    embeddings, who = population()
    s, a, b = (np.array(c) for c in zip(*naive(embeddings, who), strict=True))
    same = a == b
    parts = [compare(MODEL, embeddings, who)]
    calibration = fit_calibration(s.astype(np.float64), same, "x")
    found = all_figures(
        parts, [0.6], [calibration], threshold_fitted_on="t", calibration_fitted_on="c"
    )
    counted = Counted.of(parts)
    n = len(who)
    assert found.n_genuine + found.n_impostor == n * (n - 1) // 2
    assert found.n_missed == n * (n - 1) // 2 - len(s)
    missed_genuine = counted.genuine - int(same.sum())
    missed_impostor = counted.impostor - int((~same).sum())
    false = int((s[~same] >= 0.6).sum()) + missed_impostor
    lost = int((s[same] < 0.6).sum()) + missed_genuine
    assert found.fmr.value == pytest.approx(false / found.n_impostor)
    assert found.fnmr.value == pytest.approx(lost / found.n_genuine)
    # Missed ones as the lowest genuine and the highest impostor.
    s = np.concatenate([s, np.full(missed_genuine, -2), np.full(missed_impostor, 2)])
    same = np.concatenate([same, np.ones(missed_genuine, bool), np.zeros(missed_impostor, bool)])
    order = np.argsort(s)
    genuine, impostor = same[order, None].astype(float), (~same)[order, None].astype(float)
    for name, value in ranking_shares(genuine, impostor).items():
        if name != "tar_at_far_1e3":
            assert getattr(found, name).value == pytest.approx(value[0], abs=2e-3), name
    believed = calibration.probability(s[order], 0.5)
    believed[s[order] == -2], believed[s[order] == 2] = 0, 1
    for name, value in calibration_shares(genuine, impostor, believed).items():
        assert getattr(found, name).value == pytest.approx(value[0], abs=2e-3), name
    for name, estimate in found.estimates():
        assert estimate.low <= estimate.value <= estimate.high, name
    rates = all_rates(parts, {"x": [0.6]})["x"]
    assert rates == (found.fmr, found.fnmr, found.accuracy)


def test_no_false_match_among_all_has_an_exact_interval_over_pairs_of_people():
    embeddings, who = population(missed=0)
    fmr, fnmr, _ = all_rates([compare(MODEL, embeddings, who)], {"x": [1.5]})["x"]
    assert (fmr.value, fnmr.value) == (0, 1)
    assert fmr.high == pytest.approx(1 - 0.025 ** (1 / 435))  # 30 people make 435 pairs
    assert fnmr.low == pytest.approx(0.025 ** (1 / 30))


def test_one_photo_of_each_person_weighs_everybody_the_same():
    # Two people look alike and have 200 photos each: of all comparisons they make nearly all that
    # are alike, of one photo each a single one.
    rng = np.random.default_rng(0)
    who = np.concatenate([np.arange(60), np.repeat([0, 1], 199)])
    faces = unit(rng.standard_normal((60, 8)))
    faces[1] = faces[0]
    embeddings = faces[who]
    embeddings[-1] = np.nan
    found = compare_one_each(MODEL, embeddings, who, "sixty people")
    assert (found.people, found.photos, sum(found.impostor)) == (60, 60, 60 * 59 // 2)
    assert sum(found.genuine) == 0
    expected = np.sort((faces @ faces.T)[np.triu_indices(60, 1)])[::-1]
    np.testing.assert_allclose(found.tail, expected[: len(found.tail)], atol=1e-6)
    assert compare_all(MODEL, embeddings, who, "all").fmr(0.999) > 100 * found.fmr(0.999)


def test_one_photo_each_needs_people_and_skips_those_without_a_face():
    embeddings, who = unit(np.random.default_rng(0).standard_normal((47, 8))), np.arange(47)
    embeddings[3] = np.nan
    assert compare_one_each(MODEL, embeddings, who, "46 with a face").people == 46
    embeddings[4] = np.nan
    assert compare_one_each(MODEL, embeddings, who, "45 with a face") is None
