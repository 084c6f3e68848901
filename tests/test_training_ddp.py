"""Two processes train as one does on the same global batches, and speak with one voice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from generated_faces import write_people
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.training import trainer
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.fit import fit
from visavis.training.processes import Resources, started
from visavis.training.recipe_files import find_recipe

COMMON = """
name = "tiny"
precision = "fp32"
[crop]
width = 32
height = 32
colour = "grey"
template = "whole"
[net]
backbone = "small"
embedding = 8
batchnorm = false
options = { filters = 4, units = 8, dropout = 0.0 }
[optimiser]
kind = "sgd"
rate = 0.1
"""
# Nine photos, and pairs of which one is left for a last batch: two processes cannot halve them.
PEOPLE = """
[[loss]]
kind = "triplet"
options = { mining = "all" }
[data]
validation = 0.3
test = 0.3
[schedule]
epochs = 2
steps = 3
monitor = "auc"
[batch]
people = 3
photos = 3
"""
LISTED = """
[[loss]]
kind = "bce"
options = { balanced = true }
[data]
validation = 0.3
test = 0.3
pairs = "listed"
[head]
kind = "weighted-l1"
[schedule]
epochs = 2
[batch]
pairs = 5
"""
COMMAND = [sys.executable, "-m", "visavis"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "-m", "visavis"]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, people=12, photos=3)
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return SafeCheckpoints().load_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "kind", "options"),
    [(COMMAND, LISTED, ["--devices", "2"]), (TORCHRUN, PEOPLE, [])],
    ids=["devices-listed", "torchrun-people"],
)
def test_the_weights_of_one(
    people: Path, tmp_path: Path, start: list[str], kind: str, options: list[str]
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(COMMON + kind)
    one = fit(find_recipe(str(path)), open_source(f"folder:{people}"), tmp_path / "one")
    data = ["--data", f"folder:{people}", "-o", tmp_path / "two"]
    ran = subprocess.run(
        [*start, "train", path, *data, "--json", *options],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["folder"] == str(tmp_path / "two")  # one process prints
    assert ran.stderr.count("training (") == 1
    assert ran.stderr.count("training: epoch 2 of 2") == 1
    history = json.loads((tmp_path / "two" / "history.json").read_text())
    for before, after in zip(one.history, history, strict=True):
        assert before["loss"] == pytest.approx(after["loss"], rel=1e-4)
    expected, found = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)
    assert (tmp_path / "two" / "model" / "encoder.onnx").exists()


BROKEN = """
import math, os
from visavis.cli.app import main
from visavis.training.twin import Twin

loss = Twin._loss
def broken(*arguments):
    if os.environ["TEST_OF"] == "nan":
        return loss(*arguments) * math.nan
    return os._exit(9) if os.environ["LOCAL_RANK"] == "1" else loss(*arguments)

Twin._loss = broken
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "said"), [("nan", "the loss is nan"), ("exit", "another process of the run ended")]
)
def test_what_ends_a_run_is_told_once(people: Path, tmp_path: Path, kind: str, said: str) -> None:
    (tmp_path / "tiny.toml").write_text(COMMON + PEOPLE)
    (tmp_path / "broken.py").write_text(BROKEN)
    two = ("--devices", "2")
    ran = subprocess.run(
        [sys.executable, "broken.py", "train", "tiny.toml", "--data", f"folder:{people}", *two],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TEST_OF": kind},
    )
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.count("visavis: ") == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_gpus_share_their_batch_norms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(trainer.lightning, "Trainer", lambda **options: asked.update(options))
    recipe = find_recipe("lfw-iresnet")
    trainer.make_trainer(recipe, tmp_path, Resources(devices=2), Callback())
    assert asked["sync_batchnorm"]
    assert (asked["accelerator"], asked["devices"], asked["strategy"]) == ("auto", 2, "ddp")


class TestHowProcessesAreStarted:
    def test_a_program_without_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["-c"])
        with pytest.raises(DataError, match="no file"):
            started(Resources(devices=2))

    def test_machines_that_nobody_started(self) -> None:
        with pytest.raises(DataError, match="torchrun"):
            started(Resources(nodes=2))

    def test_torchrun_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (
            ("TORCHELASTIC_RUN_ID", "1"),
            ("LOCAL_RANK", "0"),
            ("LOCAL_WORLD_SIZE", "2"),
            ("WORLD_SIZE", "6"),
        ):
            monkeypatch.setenv(name, value)
        assert started(Resources(threads=3)) == Resources(devices=2, nodes=3, threads=3)
        assert started(Resources(devices=2, nodes=3)).processes == 6
        with pytest.raises(DataError, match="3 x 2 processes, not 1 x 4"):
            started(Resources(devices=4))
