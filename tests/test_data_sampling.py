from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.data.faceset import FaceSet, PairSet
from visavis.data.sampling import sample_pairs
from visavis.errors import DataError

PEOPLE = st.lists(st.integers(0, 5), min_size=1, max_size=25)


def face_set(people):
    photos = [Path(f"{i}.jpg") for i in range(len(people))]
    return FaceSet.from_names("test", photos, [f"person {p}" for p in people])


def listed(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@settings(deadline=None)
@given(PEOPLE, st.integers(0, 3))
def test_all_genuine_pairs_and_as_many_impostors_each_once(people, seed):
    pairs = sample_pairs(face_set(people), "test", seed)
    every = list(combinations(range(len(people)), 2))
    genuine = {(a, b) for a, b in every if people[a] == people[b]}
    drawn = listed(pairs)
    assert len(set(drawn)) == len(drawn)
    assert {pair for pair, same in zip(drawn, pairs.same, strict=True) if same} == genuine
    impostors = {pair for pair, same in zip(drawn, pairs.same, strict=True) if not same}
    assert impostors <= set(every) - genuine
    assert len(impostors) == min(len(genuine), len(every) - len(genuine))


@settings(deadline=None)
@given(PEOPLE, st.integers(0, 3), st.integers(0, 10))
def test_a_cap_draws_so_many_of_each_kind(people, seed, most):
    pairs = sample_pairs(face_set(people), "test", seed, most)
    every = list(combinations(range(len(people)), 2))
    n_genuine = sum(people[a] == people[b] for a, b in every)
    assert pairs.same.sum() == min(n_genuine, most)
    assert (~pairs.same).sum() == min(n_genuine, most, len(every) - n_genuine)
    assert len(set(listed(pairs))) == len(pairs)


def test_the_seed_decides():
    faces = face_set([0] * 20 + [1] * 20)
    first, again, other = (sample_pairs(faces, "test", seed) for seed in (1, 1, 2))
    assert listed(first) == listed(again) != listed(other)


def test_every_impostor_pair_is_equally_likely():
    faces = face_set([0, 0, 1, 2, 2, 2])
    counts = np.zeros((6, 6))
    draws = 2000
    for seed in range(draws):
        pairs = sample_pairs(faces, "test", seed, most=1)
        counts[pairs.first[~pairs.same], pairs.second[~pairs.same]] += 1
    seen = counts[counts > 0]
    assert len(seen) == 2 * 1 + 2 * 3 + 1 * 3
    # Each of 11 pairs is expected 182 times, give or take 13.
    assert abs(seen - draws / 11).max() < 5 * 13


def test_one_person_with_nearly_all_photos_does_not_hang():
    pairs = sample_pairs(face_set([0] * 3000 + [1]), "test")
    assert pairs.same.sum() == 100_000
    assert (~pairs.same).sum() == 3000


def test_one_class_alone_is_refused_where_both_are_needed():
    with pytest.raises(DataError, match=r"no impostor pair.*one more person"):
        sample_pairs(face_set([0, 0]), "mine").assert_both_classes()
    with pytest.raises(DataError, match=r"mine: no genuine pair.*second photo"):
        sample_pairs(face_set([0, 1]), "mine").assert_both_classes()
    sample_pairs(face_set([0, 0, 1]), "mine").assert_both_classes()


def test_select_numbers_people_anew_and_splits_stay_disjoint():
    faces = FaceSet.from_names("t", [Path("a"), Path("b"), Path("c")], "xyx", ["1", "2", "1"])
    faces.assert_identity_disjoint()
    picked = faces.select(np.array([False, True, True]))
    assert picked.names == ("x", "y")
    assert picked.people.tolist() == [1, 0]
    mixed = FaceSet.from_names("t", faces.photos, "xyx", ["1", "2", "2"])
    with pytest.raises(DataError, match="x is in more than one split"):
        mixed.assert_identity_disjoint()


def test_tables_that_contradict_themselves_are_refused():
    faces = face_set([0, 0, 1])
    with pytest.raises(DataError, match="against its people"):
        PairSet("p", faces, np.array([0]), np.array([1]), np.array([False]))
    with pytest.raises(DataError, match="column split has 1 rows for 3"):
        FaceSet.from_names("t", faces.photos, "xyx", ["train"])
    with pytest.raises(DataError, match="at least one photo"):
        FaceSet("t", faces.photos, np.array([0, 2, 2]), ("a", "b", "c"))
