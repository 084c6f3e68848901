"""Embedding layers that are solved for, and networks made of several trained ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generated_faces import write_people
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.models.folder import WEIGHTS
from visavis.models.model import Model
from visavis.nets.backbones import build_backbone
from visavis.nets.input import Input
from visavis.training.fisher import discriminants
from visavis.training.parts import build_parts
from visavis.training.recipe import FisherPart, Recipe
from visavis.training.train import train

CROP = {"width": 48, "height": 48, "colour": "grey", "template": "whole"}
SOLVED = {
    "name": "solved",
    "precision": "fp32",
    "data": {"validation": 0.3, "test": 0.3},
    "crop": CROP,
    "net": {
        "backbone": "gradients",
        "options": {"directions": 8, "scales": 1},
        "embedding": 6,
        "batchnorm": False,
        "fisher": {"components": 12},
        "frozen": "embedding",
        "flip": True,
    },
    "loss": [],
}
LEARNED = {
    **SOLVED,
    "name": "learned",
    "net": {"backbone": "small", "options": {"filters": 4, "units": 8}, "embedding": 8},
    "loss": [{"kind": "triplet"}],
    "schedule": {"epochs": 1, "steps": 2, "monitor": "auc"},
    "batch": {"people": 4, "photos": 2},
}


def write_recipe(name: str, of: list[str], **options: object) -> Recipe:
    net = {"backbone": "fused", "options": {"of": of, **options}, "frozen": "all"}
    return Recipe.from_dict({**SOLVED, "name": name, "crop": None, "net": net})


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=14, photos=4, size=80)


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model folders of both networks."""
    folder = tmp_path_factory.mktemp("trained")
    source = open_source(f"folder:{people}")
    for values in (SOLVED, LEARNED):
        recipe = Recipe.from_dict(values)
        train(recipe, source, folder / recipe.name)
    return {name: folder / name / "model" for name in ("solved", "learned")}


class TestDiscriminants:
    def drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Forty people who differ along one axis, and vary ten times as much along another."""
        people = np.repeat(np.arange(40), 5)
        vectors = rng.normal(0, 0.1, (200, 6))
        vectors[:, 2] += np.linspace(-1, 1, 40)[people]
        vectors[:, 4] += rng.normal(0, 10, 200)
        return vectors.astype(np.float32) + 7, people

    def test_they_see_who_differs_and_not_what_varies(self) -> None:
        vectors, people = self.drawn(np.random.default_rng(1))
        weight, bias = discriminants(
            vectors.copy(), people, 1, FisherPart(components=6, shrinkage=1e-5)
        )
        (direction,) = weight / np.linalg.norm(weight)
        assert abs(direction[2]) > 0.99
        assert abs(direction[4]) < 0.01
        np.testing.assert_allclose(vectors.mean(axis=0) @ weight.T + bias, 0, atol=1e-3)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**31), st.floats(0.01, 0.5))
    def test_against_the_textbook(self, seed: int, shrinkage: float) -> None:
        """Of people with equally many photos it is sklearn's, whose scatter is shrunk the same."""
        rng = np.random.default_rng(seed)
        people = np.repeat(np.arange(12), 4)
        vectors = rng.normal(size=(48, 5)) + rng.normal(0, 2, (12, 5))[people]
        part = FisherPart(components=5, shrinkage=shrinkage)
        weight, _ = discriminants(vectors.astype(np.float32), people, 2, part)
        away = vectors - np.stack([vectors[people == p].mean(axis=0) for p in people])
        within = away.T @ away / 36
        within = (1 - shrinkage) * within + shrinkage * np.trace(within) / 5 * np.eye(5)
        values, directions = np.linalg.eig(np.linalg.solve(within, np.cov(vectors.T)))
        best = directions.real[:, np.argsort(values.real)[::-1][:2]].T
        for found, expected in zip(weight, best, strict=True):
            cosine = found @ expected / np.linalg.norm(found) / np.linalg.norm(expected)
            assert abs(cosine) > 0.999

    def test_people_of_one_photo_do_not_say_how_photos_vary(self) -> None:
        vectors, people = self.drawn(np.random.default_rng(2))
        alone = np.random.default_rng(3).normal(7, 3, (50, 6)).astype(np.float32)
        both = np.concatenate([vectors, alone])
        named = np.concatenate([people, 100 + np.arange(50)])
        weight, _ = discriminants(both, named, 1, FisherPart(components=6, shrinkage=1e-5))
        (direction,) = weight / np.linalg.norm(weight)
        assert abs(direction[4]) < 0.01

    def test_too_few_photos(self) -> None:
        vectors = np.ones((9, 5), np.float32)
        with pytest.raises(DataError, match=r"9 photos of 3 people .* set net\.fisher\.components"):
            discriminants(vectors, np.arange(9) // 3, 6, FisherPart(components=5))
        with pytest.raises(DataError, match="9 photos of 9 people"):
            discriminants(vectors, np.arange(9), 2, FisherPart(components=3))


class TestGradients:
    def histogram(self, image: torch.Tensor) -> torch.Tensor:
        """(8, rows, columns) of one grey image."""
        spec = Input(*reversed(image.shape), "grey", "whole")
        backbone = build_backbone("gradients", spec, directions=8, scales=1)
        rows, columns = (-(-(side - 2) // 4) for side in image.shape)
        return backbone(image[None, None])[0].view(8, rows, columns)

    def test_a_slope_has_one_direction(self) -> None:
        across = torch.linspace(0, 1, 32).repeat(32, 1)
        for image, direction in ((across, 0), (across.T, 2), (across.flip(1), 4)):
            middle = self.histogram(image)[:, 2:-2, 2:-2].mean(dim=(1, 2))
            assert middle.argmax() == direction
            assert middle[(direction + 4) % 8] < 0.01

    def test_contrast_does_not_count(self) -> None:
        image = torch.rand(32, 32, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(
            self.histogram(image), self.histogram(image / 2 + 0.3), atol=0.1, rtol=0
        )

    def test_cells_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="set cell from 2 to 6"):
            build_backbone("gradients", Input(12, 12, "grey", "whole"), scales=2)


def test_a_solved_network_is_a_model_like_any_other(trained: dict[str, Path]) -> None:
    model = Model.load(trained["solved"])
    assert model.card.training is not None
    assert model.card.training["epochs"] == 0
    assert model.card.training["onnx_difference"] < 1e-3
    assert model.card.calibration is not None
    accuracy = next(iter(model.card.figures.values()))["accuracy"]["value"]
    assert accuracy > 0.8


class TestFused:
    def test_its_cosine_is_the_weighted_mean(
        self, trained: dict[str, Path], people: Path, tmp_path: Path
    ) -> None:
        of = [str(trained["learned"]), str(trained["solved"])]
        recipe = write_recipe("both", of, weights=[1.0, 3.0])
        run = train(recipe, open_source(f"folder:{people}"), tmp_path / "both")
        fused = Model.load(tmp_path / "both" / "model")
        crops = np.random.default_rng(1).integers(0, 256, (6, 48, 48, 1), dtype=np.uint8)
        found = fused.similarity_matrix(*[fused.encode(crops)] * 2)
        learned, solved = (
            model.similarity_matrix(*[model.encode(crops)] * 2)
            for model in (Model.load(folder) for folder in of)
        )
        np.testing.assert_allclose(found, (learned + 3 * solved) / 4, atol=1e-4)
        assert run.card.outside_data == "none"  # both saw the same photos
        assert run.card.parent is None

    def test_it_can_be_gone_on_with(self, trained: dict[str, Path]) -> None:
        recipe = write_recipe("both", [str(folder) for folder in trained.values()])
        parts = build_parts(recipe)
        assert parts.cached
        assert [card.name for card in parts.starts] == ["solved", "learned"]
        trainable = recipe.net.model_copy(update={"frozen": "none"})
        assert not build_parts(recipe.model_copy(update={"net": trainable})).cached

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"of": []}, "two or more"),
            ({"of": "runs"}, "a list of model folders"),
            ({"of": ["gone", "gone"]}, "gone is no model folder"),
            ({"of": [], "cell": 3}, "options are of"),
        ],
    )
    def test_what_it_cannot_be_made_of(self, options: dict, said: str) -> None:
        with pytest.raises(DataError, match=said):
            build_parts(write_recipe("both", **options))

    def test_weights_and_crops_that_do_not_fit(
        self, trained: dict[str, Path], people: Path, tmp_path: Path
    ) -> None:
        of = [str(folder) for folder in trained.values()]
        for weights in ([1.0], [1.0, 0.0]):
            with pytest.raises(DataError, match="2 networks have as many weights above 0"):
                build_parts(write_recipe("both", of, weights=weights))
        (trained["learned"] / WEIGHTS).rename(tmp_path / "away")
        try:
            with pytest.raises(DataError, match=f"learned/model is no model folder with {WEIGHTS}"):
                build_parts(write_recipe("both", of))
        finally:
            (tmp_path / "away").rename(trained["learned"] / WEIGHTS)
        larger = Recipe.from_dict(
            {**SOLVED, "name": "larger", "crop": {**CROP, "width": 56, "height": 56}}
        )
        train(larger, open_source(f"folder:{people}"), tmp_path / "larger")
        with pytest.raises(DataError, match="56x56 grey whole and 48x48 grey"):
            build_parts(write_recipe("both", [of[0], str(tmp_path / "larger" / "model")]))


def test_fisher_needs_an_embedding_layer_by_itself() -> None:
    for changed in ({"embedding": None}, {"batchnorm": True}):
        with pytest.raises(DataError, match=r"set net\.embedding to its size"):
            Recipe.from_dict({**SOLVED, "net": {**SOLVED["net"], **changed}})
