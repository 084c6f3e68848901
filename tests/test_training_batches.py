"""Batches hold what they say, each photo once, the same for the same epoch."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.data.faceset import FaceSet
from visavis.data.sampling import sample_pairs
from visavis.errors import DataError
from visavis.training.batches import PairBatches, PeopleBatches, share


def some_faces(counts: list[int]) -> FaceSet:
    people = np.repeat(np.arange(len(counts)), counts)
    photos = [Path(f"{i}.jpg") for i in range(len(people))]
    return FaceSet.from_names("drawn", photos, [f"p{person}" for person in people])


@given(st.lists(st.integers(1, 6), min_size=2, max_size=12), st.integers(2, 8), st.integers(2, 4))
def test_a_batch_of_people(counts: list[int], people: int, photos: int) -> None:
    faces = some_faces(counts)
    batches = PeopleBatches(faces, people, photos, steps=5)
    for batch in batches.epoch(0):
        assert len(np.unique(batch.rows)) == len(batch.rows)
        np.testing.assert_array_equal(batch.people, faces.people[batch.rows])
        shown, times = np.unique(batch.people, return_counts=True)
        assert len(shown) == min(people, len(counts))
        for person, time in zip(shown, times, strict=True):
            assert time == min(photos, counts[person])


def test_every_person_comes_up_before_anyone_comes_again() -> None:
    batches = PeopleBatches(some_faces([3] * 12), 4, 2, steps=3)
    seen = np.concatenate([np.unique(batch.people) for batch in batches.epoch(0)])
    assert sorted(seen.tolist()) == list(range(12))


def test_the_epoch_seeds_the_order() -> None:
    batches = PeopleBatches(some_faces([3] * 12), 4, 2, seed=7)
    first, again, other = (
        np.concatenate([batch.rows for batch in batches.epoch(n)]) for n in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_unusable_photos_and_one_person() -> None:
    faces = some_faces([3, 3])
    usable = np.array([True, False, True, True, True, True])
    rows = np.concatenate(
        [b.rows for n in range(9) for b in PeopleBatches(faces, 2, 3, usable=usable).epoch(n)]
    )
    assert 1 not in rows
    with pytest.raises(DataError, match="one person"):
        PeopleBatches(some_faces([5]), 2, 2)


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=8).filter(lambda c: max(c) > 1),
    st.integers(1, 9),
)
def test_listed_pairs_all_come_once_an_epoch(counts: list[int], size: int) -> None:
    pairs = sample_pairs(some_faces(counts), "drawn")
    batches = PairBatches(pairs, size)
    found = []
    for batch in batches.epoch(3):
        assert len(np.unique(batch.rows)) == len(batch.rows)  # each photo is encoded once
        ends = zip(batch.rows[batch.first], batch.rows[batch.second], batch.same, strict=True)
        found += [(int(a), int(b), bool(same)) for a, b, same in ends]
    expected = zip(pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist(), strict=True)
    assert sorted(found) == sorted(expected)
    assert len(list(batches.epoch(0))) == len(batches)


def test_the_pairs_of_an_epoch() -> None:
    assert PeopleBatches(some_faces([3] * 12), 4, 3, steps=5).pairs == 5 * 12 * 11 / 2
    mixed = PeopleBatches(some_faces([1] * 6 + [9] * 6), 4, 3, steps=5)
    assert mixed.pairs == 5 * 8 * 7 / 2  # two photos of each of four people on average
    assert PairBatches(sample_pairs(some_faces([4] * 8), "drawn"), 7).pairs == 96


@given(st.integers(2, 5), st.integers(1, 13))
def test_processes_share_a_batch(world: int, size: int) -> None:
    faces = some_faces([4] * 8)
    (people,) = PeopleBatches(faces, size, 3, steps=1).epoch(0)
    shares = [share(people, rank, world) for rank in range(world)]
    # Put together as ``gather`` does, all are there in the batch's order.
    together = np.stack([part.rows for part in shares]).T.ravel()
    np.testing.assert_array_equal(together[: len(people.rows)], people.rows)
    assert all(np.array_equal(part.people, faces.people[part.rows]) for part in shares)
    assert all(len(np.unique(part.rows)) >= 2 for part in shares)  # or batch norm cannot do
    pairs = next(iter(PairBatches(sample_pairs(faces, "drawn"), size).epoch(0)))
    parts = [share(pairs, rank, world) for rank in range(world)]
    for part in parts:
        assert len(np.unique(part.rows)) == len(part.rows)
    for end in ("first", "second"):
        rows = np.stack([part.rows[getattr(part, end)] for part in parts]).T.ravel()
        np.testing.assert_array_equal(rows[: len(pairs.same)], pairs.rows[getattr(pairs, end)])
    same = np.stack([part.same for part in parts]).T.ravel()
    np.testing.assert_array_equal(same[: len(pairs.same)], pairs.same)
