from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from generated_embeddings import CosineModel, World, some_pairs
from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.errors import DataError, ModelError, UnsupportedRateError
from visavis.evaluation.calibrate import calibrate
from visavis.evaluation.fit import best_accuracy_threshold, fit_calibration
from visavis.evaluation.protocol import evaluate
from visavis.models.scores import Threshold

MODEL = CosineModel()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr("visavis.evaluation.embed.embed_photos", made.embed_photos)
    return made


def halves(world, rng, by=None):
    """A source with people to fit on and others to report on."""
    fitting, reported = (world.faces(rng, people, prefix=p) for people, p in ((60, "f"), (40, "r")))
    if by is not None:
        reported = replace(reported, tags={"group": by(reported)})
    return Source(
        "planted",
        "planted: fitted on f, reported on r",
        reported,
        some_pairs(rng, reported, 100, "r pairs"),
        some_pairs(rng, fitting, 150, "f pairs"),
    )


def folded(world, rng, folds=4, people=60):
    faces = world.faces(rng, people)
    fold_of_person = np.arange(people) % folds
    faces = replace(faces, split=np.array([f"fold {fold_of_person[p]}" for p in faces.people]))
    pairs = some_pairs(rng, faces, 120, fold_of_person=fold_of_person)
    return Source("planted", "planted folds", faces, pairs)


def similarity_of(world, pairs):
    first, second = (
        np.stack([world.embeddings[pairs.faces.photos[i]] for i in side])
        for side in (pairs.first, pairs.second)
    )
    return MODEL.similarity(first, second)


def test_threshold_and_calibration_are_the_fitting_peoples(world, rng):
    source = halves(world, rng)
    found = evaluate(MODEL, source)
    fitting = similarity_of(world, source.fitting)
    best = best_accuracy_threshold(fitting, source.fitting.same, "f pairs")
    calibration = fit_calibration(fitting, source.fitting.same, "f pairs")
    assert (found.threshold == best.value).all()
    np.testing.assert_allclose(
        found.probability, calibration.probability(similarity_of(world, source.pairs), 0.5)
    )
    assert found.figures.threshold_fitted_on == "f pairs"
    assert found.figures.calibration_fitted_on == "f pairs"
    assert found.figures.accuracy.value == np.mean(found.predicted == source.pairs.same)
    assert (found.folds, found.fold_accuracy, found.scores) == ([], None, None)
    assert found.model == "planted"
    json.dumps(found.as_dict())


def test_the_reported_pairs_leave_no_trace_in_what_is_fitted(world, rng):
    source = halves(world, rng)
    before = evaluate(MODEL, source)
    for path in source.pairs.faces.photos:  # other reported embeddings altogether
        world.embeddings[path] = -world.embeddings[path][::-1].copy()
    after = evaluate(MODEL, source)
    np.testing.assert_array_equal(before.threshold, after.threshold)
    assert [p.threshold for p in before.operating] == [p.threshold for p in after.operating]


def test_no_fold_sees_its_own_pairs(world, rng):
    """Spoil one fold's embeddings: its own threshold and calibration must not move."""
    source = folded(world, rng)
    before = evaluate(MODEL, source, at=1e-2)
    spoilt = source.faces.split == "fold 2"
    for i in np.flatnonzero(spoilt):
        world.embeddings[source.faces.photos[i]] = np.eye(8, dtype=np.float32)[i % 2]
    after = evaluate(MODEL, source, at=1e-2)
    own = source.pairs.fold == 2
    assert len(set(before.threshold[own])) == 1
    np.testing.assert_array_equal(before.threshold[own], after.threshold[own])
    assert (before.threshold[~own] != after.threshold[~own]).all()
    accuracy = evaluate(MODEL, source)
    kept = similarity_of(world, source.pairs)[~own]
    best = best_accuracy_threshold(kept, source.pairs.same[~own], "x")
    assert (accuracy.threshold[own] == best.value).all()


def test_each_folds_rate_threshold_holds_over_the_other_folds_comparisons(world, rng):
    source = folded(world, rng)
    found = evaluate(MODEL, source, at=1e-2)
    vectors = np.stack([world.embeddings[path] for path in source.faces.photos])
    matrix = np.triu(vectors @ vectors.T - 2, 1) + 2
    for fold in range(4):
        rest = source.faces.split != f"fold {fold}"
        i, j = np.triu_indices(int(rest.sum()), 1)
        who = source.faces.people[rest]
        impostor = matrix[rest][:, rest][i, j][who[i] != who[j]]
        value = found.threshold[source.pairs.fold == fold][0]
        assert np.mean(impostor >= value + 1e-6) <= 1e-2
        assert np.mean(impostor >= value - 1e-3) > 1e-2


def test_folds_give_a_mean_accuracy_with_its_standard_error(world, rng):
    source = folded(world, rng)
    found = evaluate(MODEL, source)
    correct = found.predicted == source.pairs.same
    each = [correct[source.pairs.fold == fold].mean() for fold in range(4)]
    assert [f.accuracy.value for f in found.folds] == pytest.approx(each)
    assert found.fold_accuracy == pytest.approx((np.mean(each), np.std(each, ddof=1) / 2))
    assert found.figures.accuracy.value == pytest.approx(correct.mean())
    assert found.figures.threshold == pytest.approx(found.threshold.mean(), abs=0.01)
    assert "for each of 4 folds, the other 3" in found.figures.threshold_fitted_on


def test_a_person_in_two_folds_is_refused(world, rng):
    source = folded(world, rng)
    fold = source.pairs.fold.copy()
    fold[0] = (fold[0] + 1) % 4
    with pytest.raises(DataError, match="more than one fold"):
        evaluate(MODEL, replace(source, pairs=replace(source.pairs, fold=fold)))


def test_people_both_fitted_and_reported_are_refused(world, rng):
    source = halves(world, rng)
    with pytest.raises(DataError, match="r0 is among both"):
        evaluate(MODEL, replace(source, fitting=source.pairs))


def test_the_card_serves_where_nothing_can_be_fitted(world, rng):
    source = replace(halves(world, rng), fitting=None)
    with pytest.raises(ModelError, match="visavis calibrate --model planted"):
        evaluate(MODEL, source)
    assert world.asked == []  # before any photo was embedded
    made = calibrate(MODEL, some_pairs(rng, world.faces(rng, 60, prefix="c"), 100, "c pairs"))
    model = CosineModel(
        calibration=made.fitted.calibration,
        scores=made.fitted.scores,
        best_accuracy=made.fitted.best,
    )
    found = evaluate(model, source)
    assert (found.threshold == made.fitted.best.value).all()
    assert found.figures.threshold_fitted_on == "c pairs"
    at_rate = evaluate(model, source, at=1e-2)
    assert (at_rate.threshold == made.fitted.scores.threshold(1e-2).value).all()


def test_a_threshold_of_the_callers_own_is_applied(world, rng):
    given = Threshold(value=0.77, fitted_on="given by the caller")
    for source in (halves(world, rng), folded(world, rng)):
        found = evaluate(MODEL, source, at=given)
        assert (found.threshold == 0.77).all()
        assert found.figures.threshold_fitted_on == "given by the caller"


def test_a_rate_beyond_the_fitting_people_is_refused_before_embedding(world, rng):
    for source in (halves(world, rng), folded(world, rng)):
        with pytest.raises(UnsupportedRateError, match="needs 30,000,000 comparisons"):
            evaluate(MODEL, source, at=1e-6)
    assert world.asked == []


def test_operating_points_are_the_supported_rates(world, rng):
    found = evaluate(MODEL, halves(world, rng))
    assert [point.threshold.fmr for point in found.operating] == [1e-2]  # 60 people x 3 photos
    point = found.operating[0]
    assert point.threshold.low < point.threshold.value < point.threshold.high
    impostor = found.similarity[~found.pairs.same]
    assert point.fmr.value == pytest.approx(np.mean(impostor >= point.threshold.value))
    assert point.fmr.low <= point.fmr.value <= point.fmr.high


def test_halfway_is_fitted_on_the_fitting_pairs_and_measured_on_the_others(world, rng):
    source = halves(world, rng)
    found = evaluate(MODEL, source)
    fitting = similarity_of(world, source.fitting)
    means = [fitting[source.fitting.same].mean(), fitting[~source.fitting.same].mean()]
    point = found.halfway
    assert point.threshold.value == pytest.approx(np.mean(means))
    assert point.threshold.fitted_on == "f pairs"
    accepted = found.similarity >= point.threshold.value
    same = found.pairs.same
    assert point.accuracy.value == pytest.approx(np.mean(accepted == same))
    assert point.fmr.value == pytest.approx(np.mean(accepted[~same]))
    assert point.fnmr.value == pytest.approx(np.mean(~accepted[same]))
    assert point.accuracy.low < point.accuracy.value < point.accuracy.high
    assert found.as_dict()["halfway"]["threshold"]["value"] == point.threshold.value
    everything = evaluate(MODEL, source, pairs="all").halfway
    assert everything.threshold == point.threshold
    assert everything.accuracy.value != point.accuracy.value


def test_each_fold_has_its_own_halfway(world, rng):
    source = folded(world, rng)
    found = evaluate(MODEL, source)
    similarity, same, fold = found.similarity, source.pairs.same, source.pairs.fold
    each = [
        np.mean([similarity[(fold != f) & kind].mean() for kind in (same, ~same)]) for f in range(4)
    ]
    assert found.halfway.threshold.value == pytest.approx(np.mean(each))
    accepted = similarity >= np.array(each)[fold]
    assert found.halfway.accuracy.value == pytest.approx(np.mean(accepted == same))


def test_a_card_without_a_halfway_threshold_is_still_applied(world, rng):
    source = halves(world, rng)
    made = calibrate(MODEL, source.fitting)
    known = {"calibration": made.fitted.calibration, "scores": made.fitted.scores}
    model = CosineModel(**known, best_accuracy=made.fitted.best)
    assert evaluate(model, replace(source, fitting=None)).halfway is None
    model = CosineModel(**known, best_accuracy=made.fitted.best, halfway=made.fitted.halfway)
    applied = evaluate(model, replace(source, fitting=None)).halfway
    assert applied == evaluate(MODEL, source).halfway


def test_missed_and_unreadable_photos_are_errors_and_listed(world, rng):
    source = halves(world, rng)
    photos = source.pairs.faces.photos
    missed, broken = photos[source.pairs.first[0]], photos[source.pairs.second[-1]]
    whole = evaluate(MODEL, source)
    world.faceless, world.broken = {missed}, {broken}
    found = evaluate(MODEL, source)
    assert found.missed == [missed]
    assert [path for path, _ in found.unreadable] == [broken]
    assert "truncated" in found.unreadable[0][1]
    touched = np.isnan(found.similarity)
    assert found.figures.n_missed == touched.sum() > 0
    assert (found.predicted[touched] != source.pairs.same[touched]).all()
    assert found.figures.accuracy.value < whole.figures.accuracy.value
    assert (found.threshold == whole.threshold).all()  # the fitting photos were all seen


def test_each_photo_is_embedded_once_and_only_where_needed(world, rng):
    source = halves(world, rng)
    steps = []
    evaluate(MODEL, source, progress=lambda *step: steps.append(step))
    assert len(world.asked) == len(set(world.asked)) == len(steps)
    listed = np.unique([source.pairs.first, source.pairs.second])
    assert len(world.asked) == len(listed) + len(source.fitting.faces)
    assert steps[-1][1:] == (len(steps), len(steps))


def test_all_comparisons_of_the_reported_people(world, rng):
    source = halves(world, rng)
    found = evaluate(MODEL, source, pairs="all")
    n = len(source.pairs.faces)
    assert (found.figures.n_genuine, found.figures.n_impostor) == (120, n * (n - 1) // 2 - 120)
    assert len(found.pairs) == len(found.similarity) == len(found.probability) == 0
    assert sum(found.scores.impostor) == found.figures.n_impostor
    i, j = np.triu_indices(n, 1)
    who = source.pairs.faces.people
    every = PairSet("every", source.pairs.faces, i, j, who[i] == who[j])
    listed = evaluate(MODEL, replace(source, pairs=every))
    for name in ("accuracy", "fmr", "fnmr", "precision", "recall", "f1"):
        a, b = getattr(found.figures, name), getattr(listed.figures, name)
        assert a.value == pytest.approx(b.value), name
        assert (a.low, a.high) == pytest.approx((b.low, b.high)), name
    for name in ("auc", "eer", "tar_at_far_1e2", "brier", "ece"):
        a, b = getattr(found.figures, name), getattr(listed.figures, name)
        assert a.value == pytest.approx(b.value, abs=0.01), name  # a genuine pair is 0.008
        assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.02), name
    json.dumps(found.as_dict())


def test_all_comparisons_stay_within_their_folds(world, rng):
    source = folded(world, rng)
    found = evaluate(MODEL, source, pairs="all")
    inside = [(source.faces.split == f"fold {fold}").sum() for fold in range(4)]
    expected = sum(n * (n - 1) // 2 for n in inside)
    assert found.figures.n_genuine + found.figures.n_impostor == expected
    assert [f.n_people for f in found.folds] == [15] * 4
    assert "fewer than 20 people" in found.folds[0].accuracy.note
    assert found.figures.accuracy.low is not None
    assert sum(found.scores.genuine) == found.figures.n_genuine


@pytest.mark.parametrize("mode", ["listed", "all"])
def test_rates_by_group_at_the_one_threshold(world, rng, mode):
    # 25 people in a, 12 in b, 3 unknown.
    def by(faces: FaceSet):
        return np.where(faces.people < 25, "a", np.where(faces.people < 37, "b", ""))

    source = halves(world, rng, by)
    found = evaluate(MODEL, source, by="group", pairs=mode)
    assert [group.group for group in found.groups] == ["a", "b"]
    a, b = found.groups
    tags = source.pairs.faces.tags["group"]
    if mode == "listed":
        inside = (tags[source.pairs.first] == "a") & (tags[source.pairs.second] == "a")
        impostor = inside & ~source.pairs.same
        assert a.n_impostor == impostor.sum()
        assert a.fmr.value == pytest.approx(found.predicted[impostor].mean())
    else:
        assert (a.n_impostor, a.n_people) == (75 * 74 // 2 - 75, 25)
    assert a.fnmr.low is not None
    assert "fewer than 20 people" in b.fnmr.note
    assert found.worst_to_best == {"fmr": None, "fnmr": None}  # one group is large enough


def test_the_worst_group_over_the_best(world, rng):
    def by(faces: FaceSet):
        return np.where(faces.people < 20, "a", "b")

    source = halves(world, rng, by)
    found = evaluate(MODEL, source, by="group", pairs="all", at=0.03)
    rates = [group.fmr.value for group in found.groups]
    assert found.worst_to_best["fmr"] == pytest.approx(max(rates) / min(rates))


def test_an_unknown_tag_is_refused_with_the_known_ones(world, rng):
    source = halves(world, rng, lambda faces: np.full(len(faces), "x"))
    with pytest.raises(DataError, match="no tag 'age'; its tags: group"):
        evaluate(MODEL, source, by="age")


def test_calibrate_refuses_what_the_people_cannot_support(world, rng):
    pairs = some_pairs(rng, world.faces(rng, 30), 60)
    with pytest.raises(UnsupportedRateError, match="needs 30,000 comparisons"):
        calibrate(MODEL, pairs, fmr=1e-3)
    assert world.asked == []
    world.faceless = set(pairs.faces.photos[10:20])
    made = calibrate(MODEL, pairs, fmr=1e-2)
    assert len(made.missed) == 10
    assert made.fitted.scores.photos == 80
    assert made.fitted.scores.standard[0] == made.fitted.scores.threshold(1e-2)
    one_kind = pairs.select(pairs.same, "genuine only")
    with pytest.raises(DataError, match="no impostor pair"):
        calibrate(MODEL, one_kind)
