"""Training runs on drawn people: they learn, stop, resume, and become models that verify."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback, Checkpoint

from generated_faces import write_people
from visavis.data.crop_store import open_store
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.matching.face_model import FaceModel
from visavis.models.model import Model
from visavis.training import memory
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.finish import calibrate_and_measure, make_model
from visavis.training.fit import Resources, fit
from visavis.training.recipe import Recipe
from visavis.training.train import train

SAMPLES = Path(__file__).parent.parent / "samples"
TINY = {
    "name": "tiny",
    "precision": "fp32",
    "data": {"validation": 0.3, "test": 0.3},
    "crop": {"width": 48, "height": 48, "colour": "grey", "template": "arcface"},
    "net": {
        "backbone": "small",
        "embedding": 16,
        "options": {"filters": 8, "units": 32, "dropout": 0.0},
    },
    "loss": [{"kind": "triplet"}],
    "schedule": {"epochs": 3, "steps": 4, "monitor": "auc"},
    "batch": {"people": 8, "photos": 3},
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, people=30, photos=3)
    return folder


def recipe(**changes: object) -> Recipe:
    return Recipe.from_dict({**TINY, **changes})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return SafeCheckpoints().load_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]


def test_from_photos_to_a_model_that_verifies(people: Path, tmp_path: Path) -> None:
    chosen = recipe(schedule={**TINY["schedule"], "epochs": 12}, optimiser={"rate": 3e-3})
    fitted = fit(chosen, open_source(f"folder:{people}"), tmp_path)
    assert fitted.stopped == "all epochs"
    assert len(fitted.history) == 12
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert "accuracy" not in fitted.history[0], "batches of people have no list of pairs"
    model = make_model(chosen, fitted, tmp_path / "model")
    assert model.card.training["onnx_difference"] < 1e-4
    card, evaluation = calibrate_and_measure(model, fitted)
    assert evaluation.figures.auc.value > 0.7  # drawn people are easy
    assert evaluation.figures.threshold_fitted_on == card.best_accuracy.fitted_on
    final = FaceModel.load(tmp_path / "model")
    verdict = final.verify(SAMPLES / "obama_2009.jpg", SAMPLES / "obama_2012.jpg", threshold=-1)
    assert verdict.same
    assert 0 < verdict.probability < 1


def test_accuracy_on_the_pairs_trained_on_is_kept(people: Path, tmp_path: Path) -> None:
    still = recipe(
        data={**TINY["data"], "pairs": "listed", "counts": [40, 10, 10]},
        head={"kind": "euclidean"},
        loss=[{"kind": "contrastive"}],
        optimiser={"kind": "sgd", "rate": 1e-12},  # so that all batches see the same weights
        batch={"pairs": 16},
        schedule={"epochs": 2, "monitor": "auc"},
    )
    fitted = fit(still, open_source(f"folder:{people}"), tmp_path)
    pairs = fitted.material.train
    crops = open_store(pairs.faces, fitted.parts.spec, tmp_path)
    with torch.no_grad():
        sides = (torch.from_numpy(crops.read(rows)) for rows in (pairs.first, pairs.second))
        first, second = map(fitted.parts.encoder.eval(), sides)
    distance = (first - second).norm(dim=1).numpy()
    cuts = np.append(distance, -1.0)[:, np.newaxis]
    best = ((distance <= cuts) == pairs.same).mean(axis=1).max()
    one_pair = 1 / len(pairs)  # batches differ in the last digit, and a tie may fall either way
    assert [epoch["accuracy"] for epoch in fitted.history] == pytest.approx(
        [best] * 2, abs=one_pair
    )


def test_photos_of_no_pair_are_not_read(people: Path, tmp_path: Path) -> None:
    few = recipe(
        data={**TINY["data"], "pairs": "listed", "counts": [6, 4, 4]},
        head={"kind": "euclidean"},
        loss=[{"kind": "contrastive"}],
        batch={"pairs": 2},
        schedule={"epochs": 1, "monitor": "auc"},
    )
    told: set[tuple[str, int]] = set()
    fitted = fit(
        few,
        open_source(f"folder:{people}"),
        tmp_path,
        progress=lambda stage, _, total: told.add((stage, total)),
    )
    pairs = [fitted.material.train, fitted.material.validation]
    held = [len({*part.first.tolist(), *part.second.tolist()}) for part in pairs]
    assert held[0] < len(pairs[0].faces), "or nothing is shown"
    assert {total for stage, total in told if stage == "cropping photos"} == set(held)


def test_memory_is_kept_from_step_to_step_and_given_back_after_an_epoch(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = 0
    seen: list[tuple[str, int]] = []

    @contextmanager
    def keeping() -> Iterator[None]:
        nonlocal kept
        kept += 1
        yield
        kept -= 1

    class Steps(Checkpoint):  # as what saves, so that it comes last
        def on_train_batch_end(self, *_: object) -> None:
            seen.append(("step", kept))

        def on_train_epoch_end(self, *_: object) -> None:
            seen.append(("save", kept))

    class Stopped(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            raise DataError("stopped")

    monkeypatch.setattr(memory, "kept_memory", keeping)
    source = open_source(f"folder:{people}")
    fit(recipe(), source, tmp_path / "whole", callbacks=[Steps()])
    assert seen == [*[("step", 1)] * 4, ("save", 0)] * 3
    with pytest.raises(DataError, match="stopped"):
        fit(recipe(), source, tmp_path / "stopped", callbacks=[Stopped()])
    assert kept == 0


def test_the_same_recipe_gives_the_same_weights(people: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fit(recipe(), open_source(f"folder:{people}"), tmp_path / name)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_it_had_never_stopped(people: Path, tmp_path: Path) -> None:
    long = recipe(
        schedule={**TINY["schedule"], "epochs": 6, "steps": 30},
        augment={"flip": True, "shift": 0.1},
        net={**TINY["net"], "options": {**TINY["net"]["options"], "dropout": 0.2}},
    )
    source = open_source(f"folder:{people}")
    whole = fit(long, source, tmp_path / "whole")
    (tmp_path / "recipe.json").write_text(long.model_dump_json())
    script = (
        "import sys; from pathlib import Path\n"
        "from visavis.data.source import open_source\n"
        "from visavis.training.fit import fit\n"
        "from visavis.training.recipe import Recipe\n"
        "recipe = Recipe.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "fit(recipe, open_source(sys.argv[2]), Path(sys.argv[3]))\n"
    )
    cut = tmp_path / "cut"
    command = [sys.executable, "-c", script, tmp_path / "recipe.json", f"folder:{people}", cut]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not done(cut, 2) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert 2 <= len(json.loads((cut / "history.json").read_text())) < 6
    cut = cut.rename(tmp_path / "moved")  # no path in a checkpoint binds a run to its place
    resumed = fit(long, source, cut, resume=True)
    assert len(resumed.history) == 6
    for before, after in zip(whole.history, resumed.history, strict=True):
        assert before["loss"] == pytest.approx(after["loss"], rel=1e-6)
    first, second = weights(tmp_path / "whole"), weights(cut)
    for name in first:  # another process may sum in another order
        torch.testing.assert_close(first[name], second[name], rtol=1e-4, atol=1e-5)


def done(folder: Path, epochs: int) -> bool:
    path = folder / "history.json"
    return path.exists() and len(json.loads(path.read_text())) >= epochs


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimiser_trains_with_clipping(
    kind: str, precision: str, people: Path, tmp_path: Path
) -> None:
    chosen = recipe(
        precision=precision,
        optimiser={"kind": kind, "rate": 1.0, "clip": 1e-9},
        schedule={**TINY["schedule"], "epochs": 1, "steps": 1},
    )
    fit(chosen, open_source(f"folder:{people}"), tmp_path)
    assert all(torch.isfinite(tensor).all() for tensor in weights(tmp_path).values())


def test_patience_and_budget_say_why_it_stopped(people: Path, tmp_path: Path) -> None:
    source = open_source(f"folder:{people}")
    patient = recipe(
        schedule={"epochs": 50, "steps": 1, "monitor": "auc", "patience": 2},
        optimiser={"rate": 1e-12},
    )
    assert fit(patient, source, tmp_path / "patience").stopped == "patience"
    rich = recipe(schedule={**TINY["schedule"], "epochs": 10_000})
    fitted = fit(rich, source, tmp_path / "budget", resources=Resources(budget=1.5))
    assert fitted.stopped == "budget"
    assert 1 <= fitted.best_epoch <= len(fitted.history) < 10_000


def test_a_head_on_a_finished_model(people: Path, tmp_path: Path) -> None:
    chosen = recipe(
        crop=None,
        net={"backbone": "sface"},
        head={"kind": "mlp", "options": {"hidden": [16]}},
        loss=[{"kind": "bce", "options": {"balanced": True}}],
        schedule={"epochs": 4, "steps": 10, "monitor": "loss"},
    )
    fitted = fit(chosen, open_source(f"folder:{people}"), tmp_path)
    model = make_model(chosen, fitted, tmp_path / "model")
    assert model.card.distance == "head"
    assert model.card.parent["name"] == "sface"
    a, b = np.random.default_rng(0).normal(size=(2, 5, 128)).astype(np.float32)
    np.testing.assert_allclose(model.similarity(a, b), model.similarity(b, a), atol=1e-4)
    crops = np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    sface = FaceModel.load("sface")
    # The head must see at work what it saw in training: SFace's embeddings of length 1.
    np.testing.assert_allclose(model.encode(crops), sface.encode(crops), atol=1e-5)
    _, evaluation = calibrate_and_measure(model, fitted)
    assert evaluation.figures.auc.value > 0.95


def test_without_a_loss_nothing_is_learned_and_all_is_calibrated(
    people: Path, tmp_path: Path
) -> None:
    data = {**TINY["data"], "gallery": "all"}
    chosen = recipe(net={"backbone": "sface"}, crop=None, loss=[], data=data)
    run = train(chosen, open_source(f"folder:{people}"), tmp_path)
    assert (run.history, run.best_epoch, run.training["stopped"]) == ([], None, "nothing to learn")
    assert run.card.calibration.fitted_on != FaceModel.load("sface").card.calibration.fitted_on
    assert run.training["parameters"] == 0
    assert len(run.evaluation.searched.faces) == 90 > len(run.faces)
    assert "each searched for among all 90 photos" in (tmp_path / "report.html").read_text()
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    alone, ours = (Model.load(name).encode(crops) for name in ("sface", tmp_path / "model"))
    np.testing.assert_allclose(alone, ours, atol=1e-5)


def test_collapse_is_told(people: Path, tmp_path: Path) -> None:
    flat = recipe(
        head={"kind": "euclidean"},
        net={**TINY["net"], "normalise": False, "batchnorm": False},
        loss=[{"kind": "contrastive", "options": {"margin": 1e-9}}],
        schedule={"epochs": 6, "steps": 20, "monitor": "auc"},
        optimiser={"rate": 0.05},
    )
    fitted = fit(flat, open_source(f"folder:{people}"), tmp_path)
    assert any("collapsed" in warning for warning in fitted.warnings)


class TestBadInput:
    def test_one_person(self, tmp_path: Path) -> None:
        write_people(tmp_path / "people", people=1, photos=4)
        with pytest.raises(DataError, match="shares no person"):
            fit(recipe(), open_source(f"folder:{tmp_path / 'people'}"), tmp_path / "run")

    def test_one_photo_each(self, tmp_path: Path) -> None:
        write_people(tmp_path / "people", people=12, photos=1)
        with pytest.raises(DataError, match="two photos"):
            fit(recipe(), open_source(f"folder:{tmp_path / 'people'}"), tmp_path / "run")

    def test_more_pairs_than_exist(self, people: Path, tmp_path: Path) -> None:
        greedy = recipe(
            data={**TINY["data"], "pairs": "listed", "counts": [10**6, 10, 10]},
            loss=[{"kind": "contrastive"}],
        )
        with pytest.raises(DataError, match="only"):
            fit(greedy, open_source(f"folder:{people}"), tmp_path / "run")

    def test_a_folder_with_another_run(self, people: Path, tmp_path: Path) -> None:
        source = open_source(f"folder:{people}")
        fit(recipe(), source, tmp_path)
        with pytest.raises(DataError, match="--resume"):
            fit(recipe(), source, tmp_path)
        with pytest.raises(DataError, match="another recipe"):
            fit(recipe(seed=9), source, tmp_path, resume=True)

    def test_a_loss_that_runs_away(self, people: Path, tmp_path: Path) -> None:
        wild = recipe(
            net={**TINY["net"], "normalise": False, "batchnorm": False},
            loss=[{"kind": "contrastive"}],
            head={"kind": "euclidean"},
            optimiser={"kind": "sgd", "rate": 1e30},
            schedule={"epochs": 5, "steps": 10, "monitor": "auc"},
        )
        with pytest.raises(DataError, match=r"lower optimiser\.rate"):
            fit(wild, open_source(f"folder:{people}"), tmp_path)

    def test_a_monitor_without_a_loss(self, people: Path, tmp_path: Path) -> None:
        blind = recipe(schedule={**TINY["schedule"], "monitor": "loss"})
        with pytest.raises(DataError, match="accuracy or auc"):
            fit(blind, open_source(f"folder:{people}"), tmp_path)
