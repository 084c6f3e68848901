"""Two photos in, an answer out: what it says, what it warns of, what it refuses."""

from __future__ import annotations

import csv
import io
from itertools import combinations

import cv2
import numpy as np
import pytest
from PIL import Image

import visavis
from generated_evaluation import CALIBRATION
from generated_faces import draw_face
from generated_models import write_model
from visavis.errors import (
    CrowdError,
    ModelError,
    NoFaceError,
    PhotoError,
    UnsupportedRateError,
)
from visavis.matching.verdict import Verdict
from visavis.matching.verify import Rule, decide, verify_pairs
from visavis.photos.face import Face
from visavis.photos.photo import Photo

BLANK = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def crowd(samples) -> Photo:
    """Two people side by side, the right one larger."""
    left, right = (Photo.open(samples / name).pixels for name in ("collins.jpg", "obama_2012.jpg"))
    left = np.asarray(cv2.resize(left, (400, 400), interpolation=cv2.INTER_AREA))
    canvas = np.full((1000, 1200, 3), 128, np.uint8)
    canvas[:400, :400], canvas[:, 400:] = left, right
    return Photo(canvas, "crowd.png")


def test_the_built_in_model_tells_the_samples_apart(model, samples):
    """At the card's own threshold; the README's first command."""
    with (samples / "pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths = [(samples / row["first"], samples / row["second"]) for row in rows]
    verdicts = verify_pairs(paths, model, Rule())
    assert [verdict.same for verdict in verdicts] == [row["same"] == "1" for row in rows]
    for verdict in verdicts:
        assert (verdict.probability > 0.9) if verdict.same else (verdict.probability < 0.5)


def test_genuine_pairs_are_more_alike_than_impostors(model, sample_faces):
    stems = list(sample_faces)
    embeddings = model.encode([sample_faces[stem] for stem in stems])
    matrix = model.similarity_matrix(embeddings, embeddings)
    same, other = [], []
    for i, j in combinations(range(len(stems)), 2):
        one_person = stems[i].split("_")[0] == stems[j].split("_")[0]
        (same if one_person else other).append(matrix[i, j])
    assert len(same) == 3
    assert min(same) > max(other) + 0.2


def test_drawn_people(calibrated):
    photos = [[Photo.open(draw_face(person, number)) for number in (0, 1)] for person in range(3)]
    for person, (first, second) in enumerate(photos):
        stranger = photos[(person + 1) % 3][1]
        genuine = visavis.verify(first, second, model=calibrated, threshold=0.5)
        impostor = visavis.verify(first, stranger, model=calibrated, threshold=0.5)
        assert genuine.similarity > impostor.similarity
        assert genuine.probability > impostor.probability


def test_a_verdict_in_full(calibrated, samples):
    first, second = samples / "obama_2009.jpg", samples / "obama_2010.jpg"
    verdict = visavis.verify(first, second, model=calibrated)
    assert verdict
    assert verdict.same is verdict.verified is True
    assert verdict.threshold == calibrated.threshold(1e-3)
    assert verdict.similarity >= verdict.threshold.value
    assert verdict.probability == float(CALIBRATION.probability(verdict.similarity))
    assert (verdict.prior, verdict.model) == (0.5, "drawn")
    assert [face.photo.origin for face in verdict.faces] == [str(first), str(second)]
    assert verdict.face_counts == (1, 1)
    assert verdict.warnings == []
    plain = verdict.as_dict()
    assert plain["same"] is plain["verified"] is True
    assert plain["threshold"] == verdict.threshold.value
    assert plain["threshold_fmr"] == 1e-3
    assert plain["threshold_fitted_on"] == "all comparisons of LFW View 1 devTrain"
    assert [face["faces_in_photo"] for face in plain["faces"]] == [1, 1]


def test_a_stranger_is_false(calibrated, samples):
    verdict = visavis.verify(samples / "collins.jpg", samples / "biden_2010.jpg", model=calibrated)
    assert not verdict
    assert verdict.same is False
    assert verdict.probability < 0.1


def test_symmetric(calibrated, samples):
    paths = samples / "obama_2009.jpg", samples / "biden_2010.jpg"
    there = visavis.verify(*paths, model=calibrated)
    back = visavis.verify(*paths[::-1], model=calibrated)
    assert there.similarity == pytest.approx(back.similarity, abs=1e-6)
    assert there.same == back.same


def test_a_photo_with_itself(calibrated, samples):
    verdict = visavis.verify(samples / "collins.jpg", samples / "collins.jpg", model=calibrated)
    assert verdict.similarity == pytest.approx(1, abs=1e-3)
    assert verdict.probability > 0.999


def test_every_way_to_hand_over_a_photo(calibrated, samples):
    path = samples / "collins.jpg"
    content = path.read_bytes()
    with Image.open(path) as image:
        sources = [str(path), content, io.BytesIO(content), image, np.asarray(image)]
        for source in sources:
            verdict = visavis.verify(source, path, model=calibrated)
            assert verdict.similarity == pytest.approx(1, abs=1e-3)


def test_turned_by_a_camera_that_forgot_to_say_so(calibrated, samples):
    photo = Photo.open(samples / "obama_2009.jpg").pixels
    for turns in (1, 2, 3):
        turned = np.ascontiguousarray(np.rot90(photo, turns))
        assert visavis.verify(turned, samples / "obama_2010.jpg", model=calibrated)


def test_load_gives_a_model_that_verifies(model, samples):
    paths = samples / "obama_2009.jpg", samples / "obama_2012.jpg"
    assert model.verify(*paths).similarity == pytest.approx(
        visavis.verify(*paths).similarity, abs=1e-3
    )


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Rule(threshold=0.7), 0.7),
        (Rule(threshold=-2.0), -2.0),
        (Rule(threshold=0.0, fmr=1e-9), 0.0),  # 0 is a threshold, and the rate is not asked for
    ],
)
def test_a_threshold_of_the_caller(model, rule, value):
    cut = rule.cut_off(model)
    assert (cut.value, cut.fmr, cut.fitted_on) == (value, None, "given by the caller")


def test_a_rate_of_the_caller(calibrated):
    values = [Rule(fmr=rate).cut_off(calibrated).value for rate in (1e-2, 1e-3, 1e-4, 1e-5)]
    assert values == sorted(values)
    assert len(set(values)) == 4


def test_a_rate_that_cannot_be_had_is_refused_before_a_photo_is_opened(calibrated):
    with pytest.raises(UnsupportedRateError, match="needs 3,000,000,000 comparisons"):
        visavis.verify("missing.jpg", "missing.jpg", model=calibrated, fmr=1e-8)


def test_without_calibration(tmp_path, samples, sample_faces):
    write_model(tmp_path)
    model = visavis.load(tmp_path)
    path = samples / "collins.jpg"
    with pytest.raises(ModelError, match="no calibration yet"):
        visavis.verify(path, path, model=model)
    verdict = visavis.verify(path, path, model=model, threshold=0.9)
    assert verdict.same
    assert verdict.probability is verdict.prior is None
    assert verdict.as_dict()["probability"] is None


def decided(calibrated, face: Face, similarity: float, **rule: float) -> Verdict:
    return decide(calibrated, Rule(**rule), similarity, (face, face), (1, 1))


def test_equal_to_the_threshold_is_the_same(calibrated, sample_faces):
    face = sample_faces["collins"]
    assert decided(calibrated, face, 0.5, threshold=0.5).same
    assert not decided(calibrated, face, np.nextafter(0.5, 0), threshold=0.5).same


def test_the_prior_moves_the_probability_never_the_decision(calibrated, sample_faces):
    face = sample_faces["collins"]
    verdicts = [decided(calibrated, face, 0.4, prior=prior) for prior in (0.001, 0.5, 0.999)]
    assert [verdict.prior for verdict in verdicts] == [0.001, 0.5, 0.999]
    probabilities = [verdict.probability for verdict in verdicts]
    assert probabilities == sorted(probabilities)
    assert len({verdict.same for verdict in verdicts}) == 1


@pytest.mark.parametrize(
    ("similarity", "rule", "said"),
    [
        (0.6, {}, None),
        (0.1, {}, None),
        (0.35, {"fmr": 1e-5}, "the threshold lets only 1e-05 of all strangers pass"),
        (0.3, {"fmr": 1e-2}, "but the similarity passes the threshold for a false-match rate of"),
        (0.5, {"threshold": 0.9}, "but the threshold of 0.900 was given by the caller"),
        (0.1, {"threshold": 0.0}, "but the threshold of 0.000 was given by the caller"),
        (0.6, {"prior": 1e-6}, "at a prior of 1e-06"),
    ],
)
def test_decision_and_probability_that_disagree_are_explained(
    calibrated, sample_faces, similarity, rule, said
):
    verdict = decided(calibrated, sample_faces["collins"], similarity, **rule)
    assert verdict.same == (similarity >= verdict.threshold.value)
    if said is None:
        assert verdict.warnings == []
    else:
        (warning,) = verdict.warnings
        assert said in warning
        assert f"P(same) is {verdict.probability:.2f}" in warning


def test_weak_views_are_warned_of_once(calibrated, samples, tmp_path):
    photo = Photo.open(samples / "obama_2012.jpg").pixels
    path = tmp_path / "tiny.png"
    Image.fromarray(photo).resize((88, 110)).save(path)
    verdict = visavis.verify(path, path, model=calibrated)
    (warning,) = verdict.warnings
    assert warning.startswith(f"the face in {path} is small (")
    mixed = visavis.verify(path, samples / "obama_2010.jpg", model=calibrated)
    assert [str(path) in warning for warning in mixed.warnings] == [True]


def test_a_crowd(calibrated, crowd, samples):
    obama, collins = samples / "obama_2010.jpg", samples / "collins.jpg"
    largest = visavis.verify(crowd, obama, model=calibrated)
    assert largest.same
    assert largest.face_counts == (2, 1)
    assert largest.warnings == ["crowd.png shows 2 faces; one of them was compared"]
    assert not visavis.verify(crowd, collins, model=calibrated)
    with pytest.raises(CrowdError, match=r"crowd\.png shows 2 faces"):
        visavis.verify(crowd, obama, model=calibrated, faces="one")
    with pytest.raises(CrowdError):
        visavis.verify(obama, crowd, model=calibrated, faces="one")
    with pytest.raises(ValueError, match="verify_all"):
        visavis.verify(crowd, obama, model=calibrated, faces="all")


def test_every_face_with_every_face(calibrated, crowd, samples):
    both = visavis.verify_all(crowd, crowd, model=calibrated)
    boxes = [[face.box for face in verdict.faces] for verdict in both]
    assert [verdict.same for verdict in both] == [a == b for a, b in boxes]
    assert len(both) == 4
    assert boxes[0][0] == boxes[1][0] != boxes[2][0]  # the first photo's faces are outermost
    one = visavis.verify_all(crowd, samples / "collins.jpg", model=calibrated)
    assert [verdict.same for verdict in one].count(True) == 1


@pytest.mark.parametrize(
    ("bad", "error"),
    [(BLANK, NoFaceError), ("missing.jpg", PhotoError), (b"", PhotoError)],
    ids=["blank", "missing", "empty"],
)
def test_bad_photos(calibrated, samples, bad, error):
    good = samples / "collins.jpg"
    for pair in ((bad, good), (good, bad), (bad, bad)):
        with pytest.raises(error):
            visavis.verify(*pair, model=calibrated)
        with pytest.raises(error):
            visavis.verify_all(*pair, model=calibrated)


def test_nobody_names_the_photo(calibrated, samples, tmp_path):
    path = tmp_path / "wall.png"
    Image.fromarray(BLANK).save(path)
    with pytest.raises(NoFaceError, match=f"^no face was found in {path}$") as caught:
        visavis.verify(samples / "collins.jpg", path, model=calibrated)
    assert caught.value.exit_code == 3


def test_many_pairs(calibrated, samples, tmp_path, monkeypatch):
    opened = []
    real = Photo.open.__func__

    def counting(cls: type[Photo], source: object) -> Photo:
        opened.append(source)
        return real(cls, source)

    monkeypatch.setattr(Photo, "open", classmethod(counting))
    names = sorted(samples.glob("*.jpg"))
    missing = tmp_path / "missing.jpg"
    pairs = [*combinations(names, 2), (names[0], missing), (missing, names[1]), (names[0],) * 2]
    results = verify_pairs(pairs, calibrated, Rule())
    assert sorted(opened) == sorted([*names, missing])  # each once
    assert len(results) == len(pairs)
    for (first, second), result in zip(pairs, results, strict=True):
        if missing in (first, second):
            assert isinstance(result, PhotoError)
            assert str(missing) in str(result)
            continue
        assert isinstance(result, Verdict)
        assert [face.photo.origin for face in result.faces] == [str(first), str(second)]
        assert all(face.photo.pixels.size == 0 for face in result.faces)  # no pixels are kept
        single = visavis.verify(first, second, model=calibrated)
        assert result.similarity == pytest.approx(single.similarity, abs=1e-3)
        assert result.as_dict()["faces"] == single.as_dict()["faces"]


def test_no_pairs(calibrated):
    assert verify_pairs([], calibrated, Rule()) == []
