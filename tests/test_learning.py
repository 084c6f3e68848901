"""Training from Python: the commands' walks, by names and paths, to a model that verifies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import visavis
from generated_faces import write_people
from test_training_fit import TINY
from visavis.errors import DataError
from visavis.report.toml import as_toml
from visavis.training.recipe import Recipe

SHORT = {**TINY, "schedule": {"epochs": 1, "steps": 2, "monitor": "auc"}}
SPACE = "optimiser.rate = { low = 1e-4, high = 1e-2, log = true }\n"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=12, photos=3)


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    """The path of a recipe's file."""
    path = tmp_path / "short.toml"
    path.write_text(as_toml(Recipe.from_dict({**SHORT, "name": "short"}).model_dump(mode="json")))
    return str(path)


def photos(people: Path, person: int) -> list[Path]:
    return sorted((people / f"Drawn_Person_{person:03}").iterdir())


def test_what_was_trained_verifies(
    people: Path, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = visavis.train(recipe, f"folder:{people}")
    first, second, _ = photos(people, 0)
    verdict = model.verify(first, second, threshold=-1)
    assert verdict.same
    assert verdict.model == "short"
    again = visavis.load("runs/short/model")
    assert again.verify(first, second, threshold=-1).similarity == verdict.similarity


def test_a_teacher_is_learned_from(people: Path, recipe: str, tmp_path: Path) -> None:
    model = visavis.distil(recipe, f"folder:{people}", "sface", tmp_path / "run")
    assert model.card.name == "distil-short"
    assert model.card.parent["name"] == "sface"
    assert model.card.embedding_size == 128


def test_a_space_is_searched(people: Path, recipe: str, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(SPACE)
    searched = (recipe, str(tmp_path / "space.toml"), f"folder:{people}", tmp_path / "tuned")
    done = visavis.tune(*searched, trials=2)
    assert len(done.trials) == 2
    assert done.tested is not None
    assert visavis.load(tmp_path / "tuned" / "model").card.name == "short-tuned"
    assert visavis.tune(*searched, trials=2) == done  # nothing is left to do
    with pytest.raises(TypeError, match="tries"):
        visavis.tune(*searched, tries=2)


def test_axes_are_swept(people: Path, recipe: str, tmp_path: Path) -> None:
    where = (f"folder:{people}", tmp_path / "swept")
    done = visavis.sweep(recipe, {"net.options.units": (8, 16)}, *where)
    assert [value.label for value in done.axes[0].values] == ["8", "16"]
    assert (tmp_path / "swept" / "best.toml").exists()
    with pytest.raises(DataError, match="the axis seed is empty"):
        visavis.sweep(recipe, {"seed": []}, *where)


@pytest.mark.parametrize("missing", ["torch", "pytorch_lightning", "optuna"])
def test_without_torch_one_sentence_says_how_to_get_it(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import visavis\n"
        "for walk in (visavis.train, visavis.distil, visavis.tune, visavis.sweep):\n"
        "    try: walk('a', 'b', 'c')\n"
        "    except visavis.ModelError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["training needs torch; pip install 'visavis[train]'"] * 4
