"""The nearest faces, against a full sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.matching.gallery import scan as scans
from visavis.matching.gallery.index import FaceIndex
from visavis.matching.gallery.scan import FaceScan


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def full_sort(vectors, probe, by_product):
    distance = -vectors @ probe if by_product else np.linalg.norm(vectors - probe, axis=1)
    return np.argsort(distance, kind="stable")


@given(st.integers(0, 40), st.integers(1, 50), st.booleans(), st.integers(0, 2**32 - 1))
def test_exactly(n, count, by_product, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, 6)).astype(np.float32)
    probe = rng.standard_normal(6).astype(np.float32)
    found = FaceScan(vectors, by_product=by_product).nearest(probe, count)
    assert found.tolist() == full_sort(vectors, probe, by_product)[:count].tolist()


@pytest.mark.parametrize("by_product", [True, False])
def test_compressed_and_rescored_it_is_the_same(monkeypatch, by_product):
    monkeypatch.setattr(scans, "COMPRESSED_FROM", 1000)
    monkeypatch.setattr(scans, "RESCORED", 200)
    rng = np.random.default_rng(0)
    people = unit(rng.standard_normal((800, 32)))
    vectors = unit(people[np.arange(4000) % 800] + 0.1 * rng.standard_normal((4000, 32)))
    scan = FaceScan(vectors, by_product=by_product)
    same = 0
    for search in range(100):
        probe = unit(people[search] + 0.1 * rng.standard_normal(32))
        found = scan.nearest(probe, 5)
        same += found.tolist() == full_sort(vectors, probe, by_product)[:5].tolist()
        assert (scan._making is not None) == (search >= scans.SEARCHES_FIRST)
        if scan._making:
            scan._making.join()
            assert scan._compressed is not None
    assert same >= 99
    everything = scan.nearest(people[0], 4000)  # more than a scan is for
    assert sorted(everything.tolist()) == list(range(4000))


def test_an_index_gives_people_once_and_leaves_out_whom_it_should():
    vectors = unit(np.array([[1, 0], [1, 0.1], [0.9, 0.5], [0, 1]]))
    index = FaceIndex(np.array([3, 3, 5, 8]), vectors, by_product=True)
    probe = np.array([1, 0], np.float32)
    assert index.nearest_people(probe, 5) == [3, 5, 8]
    assert index.nearest_people(probe, 2, {5}) == [3, 8]
    assert index.faces_of(3).tolist() == vectors[:2].tolist()
    assert index.faces_of(4).shape == (0, 2)
