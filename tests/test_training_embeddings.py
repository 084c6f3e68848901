"""Embeddings that no weight of a run changes: computed once, whatever is killed or resumed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generated_faces import write_people
from visavis.data.crop_store import open_store
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.training import embeddings
from visavis.training.embeddings import embeddings_of
from visavis.training.fit import fit
from visavis.training.parts import build_parts
from visavis.training.recipe import Recipe

FROZEN = {
    "name": "frozen",
    "precision": "fp32",
    "data": {"validation": 0.3, "test": 0.3},
    "crop": {"width": 48, "height": 48, "colour": "grey", "template": "whole"},
    "net": {"backbone": "small", "frozen": "all", "options": {"filters": 4, "units": 8}},
    "head": {"kind": "mlp", "options": {"hidden": [4]}},
    "loss": [{"kind": "bce"}],
    "schedule": {"epochs": 2, "steps": 2, "monitor": "auc"},
    "batch": {"people": 4, "photos": 2},
}
ON_SFACE = {**FROZEN, "crop": None, "net": {"backbone": "sface"}}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people", people=10, photos=2, size=120)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many crops were embedded, store by store."""
    counts: list[int] = []
    compute = embeddings._compute

    def counted(store, *rest):
        counts.append(len(store))
        return compute(store, *rest)

    monkeypatch.setattr(embeddings, "_compute", counted)
    return counts


@pytest.mark.parametrize("values", [FROZEN, ON_SFACE])
def test_a_resumed_run_embeds_nothing_again(values, people, tmp_path, computed):
    recipe = Recipe.from_dict(values)
    source, folder = open_source(f"folder:{people}"), tmp_path / "run"
    first = fit(recipe, source, folder)
    assert computed == [len(faces) for faces in first.material.faces[:2]]
    computed.clear()
    again = fit(recipe, source, folder, resume=True)
    assert not computed
    assert again.history == first.history
    shutil.rmtree(folder / "checkpoints")  # killed before the first epoch ended
    (folder / "history.json").unlink()
    fit(recipe, source, folder)
    assert not computed


def test_they_lie_beside_their_crops_and_are_what_the_network_computes(people, tmp_path):
    recipe = Recipe.from_dict(FROZEN)
    fitted = fit(recipe, open_source(f"folder:{people}"), tmp_path / "run")
    kept = list((tmp_path / "run" / "crops").glob("*/embeddings-*.f32"))
    assert len(kept) == 2
    assert not [path for path in (tmp_path / "run").rglob("embeddings*") if path not in kept]
    faces = fitted.material.train.faces
    store = open_store(faces, fitted.parts.spec, tmp_path / "run" / "crops")
    import torch

    with torch.no_grad():
        expected = fitted.parts.encoder(torch.from_numpy(store.read(np.arange(len(faces)))))
    found = embeddings_of(store, recipe, fitted.parts)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_all_that_shapes_them_makes_them_anew(people, tmp_path, computed):
    source = open_source(f"folder:{people}")

    def made(values: dict) -> int:
        """How often they were computed for a recipe."""
        computed.clear()
        recipe = Recipe.from_dict(values)
        import torch

        torch.manual_seed(recipe.seed)
        parts = build_parts(recipe)
        store = open_store(source.faces, parts.spec, tmp_path / "crops")
        embeddings_of(store, recipe, parts)
        return len(computed)

    assert [made(FROZEN), made(FROZEN)] == [1, 0]
    assert made({**FROZEN, "seed": 1}) == 1  # other weights
    assert made({**FROZEN, "net": {**FROZEN["net"], "flip": True}}) == 1
    assert made({**FROZEN, "schedule": {"epochs": 9}, "loss": [{"kind": "contrastive"}]}) == 0
    Image.new("RGB", (120, 120), "grey").save(source.faces.photos[3])
    assert [made(FROZEN), made(FROZEN)] == [1, 0]


def test_a_full_disk_is_one_sentence_and_leaves_none(people, tmp_path, monkeypatch):
    recipe = Recipe.from_dict(FROZEN)
    parts = build_parts(recipe)
    store = open_store(open_source(f"folder:{people}").faces, parts.spec, tmp_path / "crops")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("visavis.files.os.fsync", full)
        with pytest.raises(DataError, match=r"embeddings-.*the disk is full") as refused:
            embeddings_of(store, recipe, parts)
    assert "\n" not in str(refused.value)
    assert not list(store.folder.glob("*embeddings*"))
    assert embeddings_of(store, recipe, parts).shape == (len(store), parts.size)
