"""Balanced pairs: every promise, on sets with people of one photo and photos of no gender."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.data.balanced import balanced_pairs
from visavis.data.faceset import FaceSet
from visavis.data.sampling import count_pairs
from visavis.errors import DataError

PHOTOS = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["yes", "no", "yes", "no", ""])), max_size=40
)


def face_set(photos) -> FaceSet:
    names = [f"p{person}" for person, _ in photos]
    faces = FaceSet.from_names("t", [Path(f"{i}.jpg") for i in range(len(photos))], names)
    tags = {"Male": np.array([tag for _, tag in photos], dtype=np.str_)}
    return FaceSet("t", faces.photos, faces.people, faces.names, tags=tags)


def existing(photos) -> int:
    """Balanced pairs that exist, by counting all."""
    kinds = dict.fromkeys(((g, s) for g in ("yes", "no") for s in (True, False)), 0)
    for (a, ga), (b, gb) in combinations(photos, 2):
        if ga == gb != "":
            kinds[ga, a == b] += 1
    return 4 * min(kinds.values())


@given(PHOTOS, st.integers(1, 12), st.integers(0, 3))
def test_every_promise(photos, quarter, seed):
    faces = face_set(photos)
    most = existing(photos)
    if not {"yes", "no"} <= {tag for _, tag in photos}:
        with pytest.raises(DataError, match="two values of 'Male'"):
            balanced_pairs(faces, 4 * quarter, "b", seed)
        return
    if 4 * quarter > most:
        with pytest.raises(DataError, match=f"only {most} exist among"):
            balanced_pairs(faces, 4 * quarter, "b", seed)
        return
    pairs = balanced_pairs(faces, 4 * quarter, "b", seed)
    genders = faces.tags["Male"]
    assert (genders[pairs.first] == genders[pairs.second]).all()
    for gender in ("yes", "no"):
        for same in (True, False):
            assert ((genders[pairs.first] == gender) & (pairs.same == same)).sum() == quarter
    drawn = {frozenset(pair) for pair in zip(pairs.first.tolist(), pairs.second.tolist(),
                                             strict=True)}  # fmt: skip
    assert len(drawn) == len(pairs)
    assert all(len(pair) == 2 for pair in drawn)
    again = balanced_pairs(faces, 4 * quarter, "b", seed)
    assert (again.first == pairs.first).all()
    assert (again.second == pairs.second).all()


@given(PHOTOS)
def test_pairs_are_counted(photos):
    people = [person for person, _ in photos]
    genuine = sum(a == b for a, b in combinations(people, 2))
    total = len(people) * (len(people) - 1) // 2
    assert count_pairs(face_set(photos)) == (genuine, total - genuine)


def test_another_seed_draws_other_pairs():
    faces = face_set([(person, "yes" if person % 2 else "no") for person in range(8)] * 5)
    one, two = (balanced_pairs(faces, 40, "b", seed) for seed in (0, 1))
    assert not (one.first == two.first).all()


def test_people_of_one_photo_do_not_hang_it():
    photos = [(person, "yes" if person % 2 else "no") for person in range(20_000)]
    with pytest.raises(DataError, match="only 0 exist"):
        balanced_pairs(face_set(photos), 4, "b")
    photos += [(0, "no"), (1, "yes")]
    pairs = balanced_pairs(face_set(photos), 4, "b")
    assert pairs.same.sum() == 2


@pytest.mark.parametrize("pairs", [0, -4, 6])
def test_counts_that_cannot_be_balanced(pairs):
    with pytest.raises(DataError, match="multiple of 4"):
        balanced_pairs(face_set([(0, "yes"), (1, "no")]), pairs, "b")


def test_without_the_tag():
    faces = FaceSet.from_names("mine", [Path("a"), Path("b")], ["x", "y"])
    with pytest.raises(DataError, match=r"mine has no tag 'Male'.*tags CSV"):
        balanced_pairs(faces, 4, "b")
