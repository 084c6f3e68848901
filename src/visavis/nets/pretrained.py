"""Public weights into a backbone."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from visavis.nets.backbones.backbone import Backbone


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file, or of a public torch state dict.

    A torch file is opened by ``torch.load(weights_only=True)``, which runs no code of it. Read
    one once and keep it as safetensors.

    Raises:
        ValueError: unreadable, damaged, or anything but a table of tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            # Of a pickle that torch did not write: what it holds is checked below.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError):
        raise ValueError(
            f"{path} holds no weights that can be read safely; fetch the file again"
        ) from None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise ValueError(f"{path} is no state dict: it holds more than named tensors")
    return dict(state)


def load_state(backbone: Backbone, state: Mapping[str, Tensor], origin: str = "the file") -> None:
    """Put public weights into a backbone; a classifier that it was built without is left out.

    Args:
        backbone: changed in place, or not at all.
        state: names to tensors.
        origin: what to call the weights in messages.

    Raises:
        ValueError: weights missing, left over or of other shapes; it names them.
    """
    own = backbone.state_dict()
    fitting = {
        name: value
        for name, value in state.items()
        if name in own or not name.startswith(backbone.classifiers)
    }
    # Files older than torch 0.4.1 do not count the batches that a batch norm has seen.
    missing = [
        name for name in own if name not in fitting and not name.endswith("num_batches_tracked")
    ]
    left = [name for name in fitting if name not in own]
    other = [
        f"{name} {tuple(value.shape)} for {tuple(own[name].shape)}"
        for name, value in fitting.items()
        if name in own and value.shape != own[name].shape
    ]
    kinds = {"it lacks": missing, "it has in excess": left, "shapes differ": other}
    faults = [f"{kind}: {_some(names)}" for kind, names in kinds.items() if names]
    if faults:
        raise ValueError(f"{origin} does not fit {type(backbone).__name__}; {'; '.join(faults)}")
    backbone.load_state_dict(fitting, strict=False)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
