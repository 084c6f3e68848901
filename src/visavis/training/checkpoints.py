"""Checkpoints without pickle: one safetensors file, with everything but its tensors as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import CheckpointIO
from safetensors import safe_open
from safetensors.torch import save

from visavis.errors import DataError
from visavis.files import write_atomically

STATE = "state"
CHEAP: Final = 1.0
"""Seconds; a checkpoint that is written faster is written after every epoch."""
SHARE: Final = 0.1
"""Of a run's time, what writing expensive checkpoints may take."""


class Last(ModelCheckpoint):
    """Keeps the last epoch to go on from; where that takes long, not every epoch's.

    Not ``save_last``, which waits for a better epoch.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False
        )
        self._cost, self._saved = 0.0, time.monotonic()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Save, where it is time."""
        since = time.monotonic() - self._saved
        due = self._cost < CHEAP or since * SHARE >= self._cost
        if not trainer.strategy.broadcast(due):  # all processes save, or none
            return
        start = time.monotonic()
        super().on_train_epoch_end(trainer, pl_module)
        self._saved = time.monotonic()
        self._cost = self._saved - start


class SafeCheckpoints(CheckpointIO):
    """How Lightning writes and reads its checkpoints here: whole or not at all.

    A run that is killed while it writes leaves the checkpoint before.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            DataError: the disk is full or not writable; the checkpoint before is as it was.
        """
        del storage_options
        tensors: dict[str, torch.Tensor] = {}
        state = json.dumps(_pack(checkpoint, "", tensors))
        try:
            write_atomically(Path(path), save(tensors, {STATE: state}))
        except OSError as error:
            raise DataError(
                f"cannot write the checkpoint {path} ({error.strerror or error}); free some space "
                "and go on with --resume"
            ) from None

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint back."""
        del map_location, weights_only
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state = json.loads(file.metadata()[STATE])
        loaded: dict[str, Any] = _unpack(state, tensors)
        return loaded

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


def _pack(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Plain types for JSON; tensors are set aside under their place's name."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"$tensor": name}
    if isinstance(value, dict):
        items = [[key, _pack(item, f"{name}/{key}", tensors)] for key, item in value.items()]
        return {"$dict": items}  # pairs, because JSON's keys are strings and torch's are not
    if isinstance(value, list | tuple):
        kind = "$tuple" if isinstance(value, tuple) else "$list"
        return {kind: [_pack(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]}
    if isinstance(value, Path):
        return str(value)
    return value


def _unpack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    (kind, content), *_ = value.items()
    if kind == "$tensor":
        return tensors[content]
    if kind == "$dict":
        return {key: _unpack(item, tensors) for key, item in content}
    items = [_unpack(item, tensors) for item in content]
    return tuple(items) if kind == "$tuple" else items
