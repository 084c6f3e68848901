"""Splits: nobody on both sides, and the counts that were asked for as far as they can be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.data.faceset import FaceSet, PairSet
from visavis.data.source import open_source
from visavis.data.splits import (
    assert_people_disjoint,
    split_by_name,
    split_by_share,
    split_pairs,
)
from visavis.errors import DataError


def face_set(people) -> FaceSet:
    photos = [Path(f"{i}.jpg") for i in range(len(people))]
    return FaceSet.from_names("t", photos, [f"p{p}" for p in people])


def pair_set(people, pairs) -> PairSet:
    faces = face_set(people)
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return PairSet("list", faces, first, second, faces.people[first] == faces.people[second])


def listed(pairs: PairSet) -> list[tuple[str, str, bool]]:
    photos = pairs.faces.photos
    return [
        (photos[a].name, photos[b].name, bool(same))
        for a, b, same in zip(pairs.first, pairs.second, pairs.same, strict=True)
    ]


@given(st.lists(st.integers(0, 12), min_size=1), st.lists(st.floats(0.01, 1), min_size=1,
       max_size=4), st.integers(0, 5))  # fmt: skip
def test_shares_of_people(people, weights, seed):
    faces = face_set(people)
    shares = {f"s{i}": weight / sum(weights) for i, weight in enumerate(weights)}
    n = len(faces.names)
    if n < len(shares):
        with pytest.raises(DataError, match=f"a split into {len(shares)} .*, not {n}; add"):
            split_by_share(faces, shares, seed)
        return
    placed = split_by_share(faces, shares, seed)
    placed.assert_identity_disjoint()
    assert placed.photos == faces.photos
    for split, share in shares.items():
        members = len(np.unique(placed.people[placed.split == split]))
        assert members >= 1
        assert abs(members - share * n) < len(shares) + 1


def test_the_seed_deals_and_all_people_have_the_same_chance():
    faces = face_set(range(20))
    deals = [split_by_share(faces, {"a": 0.75, "b": 0.25}, seed).split for seed in range(400)]
    assert (deals[3] == split_by_share(faces, {"a": 0.75, "b": 0.25}, 3).split).all()
    chosen = np.mean([deal == "b" for deal in deals], axis=0)
    assert all((deal == "b").sum() == 5 for deal in deals)
    assert np.abs(chosen - 0.25).max() < 0.1


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.5, "b": -0.5}])
def test_shares_that_are_none(shares):
    with pytest.raises(DataError, match="summing to 1"):
        split_by_share(face_set("abc"), shares)


def test_people_by_name():
    faces = face_set([1, 2, 3, 2, 5])
    placed = split_by_name(faces, {"test": ["p2", "p5"]}, rest="train")
    assert placed.split.tolist() == ["train", "test", "train", "test", "test"]
    with pytest.raises(DataError, match=r"no person 'pp2'; names are such as p2"):
        split_by_name(faces, {"test": ["pp2"]}, rest="train")
    with pytest.raises(DataError, match="p2 is listed for a split twice"):
        split_by_name(faces, {"test": ["p2"], "validation": ["p2"]}, rest="train")


@st.composite
def pair_lists(draw):
    people = draw(st.lists(st.integers(0, 15), min_size=2, max_size=40))
    row = st.integers(0, len(people) - 1)
    pairs = draw(st.lists(st.tuples(row, row).filter(lambda p: p[0] < p[1]), min_size=2,
                          max_size=40, unique=True))  # fmt: skip
    validation = draw(st.integers(1, len(pairs) - 1))
    return pair_set(people, pairs), draw(st.integers(1, len(pairs) - validation)), validation


@given(pair_lists(), st.integers(0, 3))
def test_listed_pairs_never_share_a_person(drawn, seed):
    pairs, train, validation = drawn
    try:
        parts = split_pairs(pairs, train, validation, seed)
    except DataError as error:
        assert "would be empty" in str(error)
        return
    for one in (parts.train, parts.validation):
        assert set(listed(one)) <= set(listed(pairs))
        assert len(set(listed(one))) == len(one) > 0
    assert not set(parts.train.faces.names) & set(parts.validation.faces.names)
    names = {*parts.train.faces.names, *parts.validation.faces.names}
    assert names == set(pairs.faces.names)  # people of no pair are somewhere, too
    assert len(parts.train) <= train
    assert f"{len(parts.train):,}/{len(parts.validation):,} reached" in parts.words
    if len(parts.train) < train:  # every pair is then on one side
        assert len(parts.train) + len(parts.validation) == len(pairs)


@given(st.integers(4, 40), st.integers(4, 40), st.data())
def test_where_every_pair_stands_alone_the_counts_are_exact(genuine, impostor, data):
    people = [p for p in range(genuine) for _ in range(2)] + list(range(100, 100 + 2 * impostor))
    pairs = pair_set(people, [(i, i + 1) for i in range(0, len(people), 2)])
    total = genuine + impostor
    validation = data.draw(st.integers(1, total - 1))
    parts = split_pairs(pairs, total - validation, validation, seed=1)
    assert (len(parts.train), len(parts.validation)) == (total - validation, validation)
    assert abs(parts.validation.same.sum() - validation * genuine / total) <= 1


def test_people_joined_to_one_lump_cannot_be_split():
    pairs = pair_set([0, 0, 1, 1, 2], [(0, 1), (1, 2), (2, 3), (3, 4)])
    with pytest.raises(DataError, match="would be empty; split its people by share"):
        split_pairs(pairs, 2, 2)


def test_more_pairs_than_listed():
    pairs = pair_set([0, 0, 1, 1], [(0, 1), (2, 3)])
    with pytest.raises(DataError, match="2 and 1 pairs are asked for, and 2 are listed"):
        split_pairs(pairs, 2, 1)


def test_fewer_training_pairs_are_drawn_by_class():
    people = [p for p in range(100) for _ in range(2)] + list(range(1000, 1200))
    pairs = pair_set(people, [(i, i + 1) for i in range(0, 400, 2)])
    parts = split_pairs(pairs, 60, 40)
    assert (len(parts.train), parts.train.same.sum()) == (60, 30)
    assert (len(parts.validation), parts.validation.same.sum()) == (40, 20)


def test_a_shared_person_is_named():
    first, second = pair_set([0, 0, 1], [(0, 1)]), pair_set([1, 1, 2], [(0, 1)])
    with pytest.raises(DataError, match="p1 is in list and in list"):
        assert_people_disjoint(first, second)


@pytest.mark.parametrize(("train", "validation"), [(1760, 440), (1650, 550), (2145, 55)])
def test_lfws_pairs_in_the_published_counts(data_folder, tmp_path, train, validation):
    for path in data_folder.glob("*.txt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if not (tmp_path / "pairsDevTrain.txt").exists():
        pytest.skip("no pairsDevTrain.txt in the data folder")
    for name in ("peopleDevTrain.txt", "peopleDevTest.txt"):
        for line in (tmp_path / name).read_text().splitlines()[1:]:
            person, photos = line.split("\t")
            folder = tmp_path / "lfw" / person
            folder.mkdir(parents=True)
            for number in range(int(photos)):
                (folder / f"{person}_{number + 1:04d}.jpg").touch()
    fitting = open_source(f"lfw:{tmp_path}").fitting
    parts = split_pairs(fitting, train, validation, seed=0)
    assert (len(parts.train), len(parts.validation)) == (train, validation)
    for part, n in ((parts.train, train), (parts.validation, validation)):
        assert abs(part.same.sum() - n / 2) <= 1
