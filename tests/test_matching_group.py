"""Sorting embeddings into groups, against scipy's average linkage."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from generated_embeddings import CosineModel, unit
from visavis.evaluation.clusters import cluster_figures
from visavis.matching import group_photos as grouping
from visavis.matching.found import FoundFace, FoundFaces
from visavis.matching.group import group_faces, grow
from visavis.matching.group_page import group_page
from visavis.matching.group_photos import People, group_photos
from visavis.models.scores import Threshold
from visavis.report.html import LARGEST_REPORT

COSINE = CosineModel()


class HeadModel(CosineModel):
    """Its similarity is no function of sums: a few of the embedding's places decide."""

    def __init__(self) -> None:
        super().__init__(distance="head")

    def similarity_matrix(self, a, b):
        return -np.abs(a[:, None] - b[None]).max(axis=2).astype(np.float32)


def crowd(seed: int, n: int = 40, people: int = 8, noise: float = 0.6):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, people, n)
    vectors = unit(rng.standard_normal((people, 8)))[who]
    return unit(vectors + noise * rng.standard_normal((n, 8)) / np.sqrt(8)), who


def same_groups(one, other) -> bool:
    return bool(((one[:, None] == one) == (other[:, None] == other)).all())


def by_scipy(distances, threshold: float):
    tree = linkage(squareform(distances, checks=False), "average")
    return fcluster(tree, threshold, "distance")


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(-0.5, 0.95))
def test_a_cosine_is_grouped_as_by_scipy(seed, n, threshold):
    embeddings, _ = crowd(seed, n)
    distances = 1 - embeddings.astype(np.float64) @ embeddings.T
    expected = by_scipy(distances, 1 - threshold)
    assert same_groups(group_faces(COSINE, embeddings, threshold), expected)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1.5))
def test_euclidean_distance_is_averaged_as_squares(seed, distance):
    embeddings = 3 * crowd(seed)[0]
    squares = ((embeddings[:, None] - embeddings[None]) ** 2).sum(axis=2, dtype=np.float64)
    found = group_faces(CosineModel(distance="euclidean"), embeddings, -distance)
    assert same_groups(found, by_scipy(squares, distance**2))


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9))
def test_a_head_is_grouped_by_its_own_similarity(seed, distance):
    embeddings, _ = crowd(seed)
    model = HeadModel()
    distances = -model.similarity_matrix(embeddings, embeddings).astype(np.float64)
    assert same_groups(group_faces(model, embeddings, -distance), by_scipy(distances, distance))


def test_one_tree_is_cut_anywhere_above_its_floor():
    embeddings, _ = crowd(1, n=80)
    tree = grow(COSINE, embeddings, 0.0)
    for threshold in (0.0, 0.3, 0.6, 0.9, 1.1):
        assert same_groups(tree.groups(threshold), group_faces(COSINE, embeddings, threshold))


def test_two_faces_are_joined_at_the_threshold_itself():
    embeddings = np.eye(8, dtype=np.float32)[[0, 0]]
    embeddings[1] = [0.5, np.sqrt(0.75), *[0] * 6]
    assert group_faces(COSINE, embeddings, 0.5).tolist() == [0, 0]
    assert group_faces(COSINE, embeddings, 0.5001).tolist() == [0, 1]


def test_a_bridge_joins_no_two_people():
    # Each is like the next, the ends are strangers: a chain would make one person of them.
    angles = np.radians([0, 2, 4, 40, 76, 78, 80])
    embeddings = np.zeros((7, 8), dtype=np.float32)
    embeddings[:, 0], embeddings[:, 1] = np.cos(angles), np.sin(angles)
    found = group_faces(COSINE, embeddings, 0.75)
    assert found[0] == found[1] == found[2]
    assert found[4] == found[5] == found[6]
    assert found[0] != found[4]


def test_groups_are_numbered_from_the_largest_and_equals_by_their_first_face():
    embeddings = np.eye(8, dtype=np.float32)[[3, 1, 2, 1, 0, 2, 1]]
    assert group_faces(COSINE, embeddings, 0.5).tolist() == [2, 0, 1, 0, 3, 1, 0]


def test_copies_of_one_photo_end(seed=0):
    # Rounding makes equal similarities differ by a hair; the chain must not run in a circle.
    embeddings = np.repeat(crowd(seed, n=3)[0], 50, axis=0)
    embeddings *= np.float32(1 / 3)
    assert len(np.unique(group_faces(COSINE, embeddings, 0.99 / 9))) == 3


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one(n):
    assert group_faces(COSINE, np.ones((n, 8), dtype=np.float32), 0.5).tolist() == [0] * n


def test_a_missing_embedding_stays_alone():
    embeddings = np.ones((4, 8), dtype=np.float32) / np.sqrt(8)
    embeddings[[0, 2]] = np.nan
    assert group_faces(COSINE, embeddings, 0.5).tolist() == [1, 0, 2, 0]


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_photos_changes_nothing(seed):
    embeddings, _ = crowd(seed)
    order = np.random.default_rng(seed).permutation(len(embeddings))
    found = group_faces(COSINE, embeddings, 0.6)
    assert same_groups(found[order], group_faces(COSINE, embeddings[order], 0.6))


def test_planted_people_are_found_in_memory_that_grows_with_faces_not_pairs():
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(150), 10)
    embeddings = unit(rng.standard_normal((150, 64)))[who]
    embeddings = unit(embeddings + 0.8 * rng.standard_normal(embeddings.shape) / 8)
    tracemalloc.start()
    found = group_faces(COSINE, embeddings.astype(np.float32), 0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    figures = cluster_figures(who, found)
    assert figures.bcubed_f1.value > 0.99
    assert peak < 4 * 1500 * 1500 / 2  # less than the similarities alone would take


def faces(n: int, size: int, photo: str = "photos/a.jpg") -> list[FoundFace]:
    return [FoundFace(Path(photo), (0, 0, 9, 9), 1, bytes(size)) for _ in range(n)]


def people(*groups: list[FoundFace]) -> People:
    threshold = Threshold(value=0.4, fmr=1e-4, fitted_on="drawn")
    return People(list(groups), 10, [], threshold, "drawn")


def shown(page: str) -> int:
    return page.count("data:image/jpeg;base64,")


def test_a_page_shows_fewer_faces_of_each_rather_than_grow_too_large(monkeypatch):
    found = people(faces(100, 1000), faces(30, 1000), faces(1, 1000))
    page = group_page(found, Path("photos"))
    assert shown(page) == 60 + 30 + 1
    assert "100 faces, the first 60 shown" in page
    monkeypatch.setattr("visavis.matching.group_page.PICTURES", 20_000)
    page = group_page(found, Path("photos"))
    assert shown(page) == 6 + 6 + 1
    monkeypatch.setattr("visavis.matching.group_page.PICTURES", 5000)
    page = group_page(found, Path("photos"))
    assert shown(page) == 3
    assert "1 person more would make the page too large" in page
    assert "1 face more would make the page too large" in page
    assert len(page) < LARGEST_REPORT


def test_a_page_escapes_what_files_are_called():
    page = group_page(people(faces(2, 10, "photos/<b>.jpg")), Path("photos"))
    assert "<b>.jpg" not in page
    assert "&lt;b&gt;.jpg" in page


def test_the_most_typical_face_comes_first(monkeypatch):
    angles = np.radians([30, 0, 4, -4, 90])
    rows = np.zeros((5, 8), dtype=np.float32)
    rows[:, 0], rows[:, 1] = np.cos(angles), np.sin(angles)
    photos = [Path(f"{name}.jpg") for name in "abcde"]
    found = FoundFaces([FoundFace(p, (0, 0, 1, 1), 1, b"") for p in photos], rows, 6, [])
    monkeypatch.setattr(grouping, "find_all", lambda *_: found)
    grouped = group_photos(COSINE, photos, threshold=0.7)
    names = [[face.photo.stem for face in group] for group in grouped.groups]
    assert names == [["c", "b", "d", "a"], ["e"]]
    assert grouped.name(0) == "person_001"
    assert [face.photo.stem for face in grouped.singles] == ["e"]
