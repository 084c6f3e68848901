"""Checkpoints: whole or not at all, without pickle."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from visavis.errors import DataError
from visavis.training import checkpoints
from visavis.training.checkpoints import Last, SafeCheckpoints

STATE = {
    "epoch": 3,
    "state_dict": {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(True)},
    "optimizer_states": [
        {"state": {0: {"step": torch.tensor(2.0)}}, "param_groups": [{"lr": 0.1}]}
    ],
    "loops": {"progress": (1, None, [2.5, "x"]), "empty": {}},
}


def equal(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return a == b


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    SafeCheckpoints().save_checkpoint(STATE, tmp_path / "last.ckpt")
    assert equal(SafeCheckpoints().load_checkpoint(tmp_path / "last.ckpt"), STATE)


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    io = SafeCheckpoints()
    io.save_checkpoint(STATE, tmp_path / "last.ckpt")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    with pytest.raises(DataError, match=r"No space left.*--resume"):
        io.save_checkpoint({"epoch": 4}, tmp_path / "last.ckpt")
    assert io.load_checkpoint(tmp_path / "last.ckpt")["epoch"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize(
    ("epoch", "cost", "expected"),
    [(2.0, 0.5, 6), (10.0, 2.0, 3), (100.0, 5.0, 6), (100.0, 27.0, 2)],
    ids=["cheap", "a fifth", "a twentieth", "a network of gigabytes"],
)
def test_what_takes_long_to_write_is_not_written_after_every_epoch(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    epoch: float,
    cost: float,
    expected: int,
) -> None:
    """Of six epochs; writing takes at most a tenth of the time from the second time on."""
    clock, saved = SimpleNamespace(now=0.0), []

    def save(*_: object) -> None:
        clock.now += cost
        saved.append(clock.now)

    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(ModelCheckpoint, "on_train_epoch_end", save)
    trainer = SimpleNamespace(strategy=SimpleNamespace(broadcast=lambda due: due))
    last = Last(tmp_path)
    for _ in range(6):
        clock.now += epoch
        last.on_train_epoch_end(trainer, None)
    assert len(saved) == expected
