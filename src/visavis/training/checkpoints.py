"""Checkpoints without pickle: tensors in safetensors, everything else in JSON.

A checkpoint is a folder. It is written beside its place and renamed, so a killed run leaves the
last whole one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import CheckpointIO
from safetensors.torch import load_file, save_file

from visavis.errors import DataError

TENSORS, STATE = "tensors.safetensors", "state.json"


class SafeCheckpoints(CheckpointIO):
    """How Lightning writes and reads its checkpoints here."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint as a folder.

        Raises:
            DataError: the disk is full or not writable; the checkpoint before is as it was.
        """
        del storage_options
        place = Path(path)
        partial = place.with_name(f".{place.name}.part")
        tensors: dict[str, torch.Tensor] = {}
        state = _pack(checkpoint, "", tensors)
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            save_file(tensors, partial / TENSORS)
            (partial / STATE).write_text(json.dumps(state), encoding="utf-8")
            shutil.rmtree(place, ignore_errors=True)
            partial.rename(place)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise DataError(
                f"cannot write the checkpoint {place} ({error.strerror or error}); free some space "
                "and go on with --resume"
            ) from None

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint back."""
        del map_location, weights_only
        place = Path(path)
        tensors = load_file(place / TENSORS)
        loaded: dict[str, Any] = _unpack(
            json.loads((place / STATE).read_text(encoding="utf-8")), tensors
        )
        return loaded

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        shutil.rmtree(path, ignore_errors=True)


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
