"""Searching for the test photos of a run, with planted embeddings and photos drawn to order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generated_embeddings import CosineModel, World, some_pairs
from visavis.data.faceset import FaceSet
from visavis.errors import DataError
from visavis.photos.input_spec import InputSpec
from visavis.training.material import Material
from visavis.training.recipe import Recipe
from visavis.training.search import search_test

MODEL = CosineModel(
    input=InputSpec(width=6, height=6, colour="grey", template="whole"), distance="euclidean"
)
MODEL.threads = 1
PHOTOS = 7
# Where each part's two people stand for the network, and their greys. The network takes the second
# of the test for the first of training; by their greys everybody stands alone.
PLACES = {"test": (0, 20), "train": (20, 40), "validation": (60, 80)}
GREYS = {"test": (10, 50), "train": (90, 130), "validation": (170, 210)}


def recipe(gallery: str) -> Recipe:
    net = {"backbone": "small"}
    return Recipe.from_dict({"name": "x", "net": net, "loss": [], "data": {"gallery": gallery}})


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Material:
    world, rng = World(), np.random.default_rng(0)
    monkeypatch.setattr("visavis.evaluation.embed.embed_photos", world.embed_photos)
    pairs = {}
    for part in PLACES:
        people = [f"{part} {person}" for person in (0, 1) for _ in range(PHOTOS)]
        paths = [tmp_path / f"{part}-{number}.png" for number in range(2 * PHOTOS)]
        for row, path in enumerate(paths):
            person = row // PHOTOS
            pixels = GREYS[part][person] + rng.integers(0, 9, (6, 6))
            Image.fromarray(pixels.astype(np.uint8)).save(path)
            world.embeddings[path] = np.full(8, PLACES[part][person]) + rng.normal(0, 0.1, 8)
        faces = FaceSet.from_names("drawn", paths, people)
        pairs[part] = some_pairs(rng, faces, 5)
    return Material(pairs["train"], pairs["validation"], pairs["test"], "drawn")


def counted(material: Material, gallery: str, folder: Path) -> dict[str, str]:
    _, searched = search_test(MODEL, recipe(gallery), material, folder)
    return {row.name: row.counted for row in searched.findings if "shot" not in row.name}


def test_among_the_test_photos_nobody_else_is_found(material, tmp_path):
    found = counted(material, "test", tmp_path / "run")
    assert set(found.values()) == {"14 of 14"}
    assert not any("pixels" in name or "PCA" in name for name in found)
    assert not (tmp_path / "run").exists()  # nothing is cropped for it


def test_among_all_photos_strangers_are_found_and_rivals_search_too(material, tmp_path):
    found = counted(material, "all", tmp_path / "run")
    assert found["All five nearest right"] == "7 of 14"
    assert found["All five nearest right, raw pixels"] == "14 of 14"
    assert found["All five nearest right, 8-d PCA"] == "14 of 14"


def test_all_photos_are_searched_but_only_the_tests_are_searched_for(material, tmp_path):
    embeddings, searched = search_test(MODEL, recipe("all"), material, tmp_path)
    test = material.test.faces
    assert embeddings.shape == (len(test), 8)
    assert [searched.faces.photos[row] for row in searched.asked] == list(test.photos)
    assert set(searched.faces.photos) == {p for part in material.faces for p in part.photos}
    assert len(searched.faces.names) == 6
    assert {n for n in searched.faces.names if n.startswith("test")} == set(test.names)


def test_components_never_see_the_test_photos(material, tmp_path, monkeypatch):
    fitted = []

    def spy(crops, seen, k, asked, *, fitted_on, size):
        fitted.append((len(crops), fitted_on, asked, size))
        return np.tile(asked[:, None], (1, k))

    monkeypatch.setattr("visavis.training.search.nearest_by_components", spy)
    search_test(MODEL, recipe("all"), material, tmp_path)
    ((n, fitted_on, asked, size),) = fitted
    assert not set(fitted_on) & set(asked)
    assert (n, len(fitted_on), size) == (42, 28, 8)


def test_no_other_gallery_is_known():
    with pytest.raises(DataError, match=r"data\.gallery"):
        recipe("everything")
