"""Weights to start from: public ones by name, and those of a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save
from torch import Tensor, nn

from visavis.models.zoo import known_weights
from visavis.nets.encoder import Encoder
from visavis.nets.heads import Head
from visavis.nets.pretrained import read_state
from visavis.runtime.cache import cached
from visavis.runtime.origin import Origin


def public_weights(backbone: str, name: str) -> Path:
    """The file of public weights of a backbone, fetched once into the cache and checked.

    Public files are pickles. They are read once, which runs no code of theirs, and kept as
    safetensors.

    Args:
        backbone: such as ``resnet50``.
        name: such as ``imagenet``, or the path of a state dict of your own.

    Raises:
        ValueError: no such weights, or a file that holds none.
        ModelError: they cannot be fetched, or are not what the zoo says.
    """
    if Path(name).is_file():
        return Path(name)
    known = known_weights()
    key = f"{backbone}-{name}"
    if key not in known:
        names = ", ".join(sorted(known)) or "none"
        raise ValueError(
            f"there are no weights {name!r} for {backbone}, nor a file or model folder of that "
            f"name; known: {names}"
        )
    origin = Origin(**known[key])
    return cached(
        f"weights/{key}-{origin.sha256[:12]}.safetensors", lambda: _without_pickle(origin)
    )


def _without_pickle(origin: Origin) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(origin.url).name
        path.write_bytes(origin.read())
        state = read_state(path)
    return save({name: tensor.contiguous().clone() for name, tensor in state.items()})


def pack_weights(encoder: Encoder | None, head: Head) -> bytes:
    """Encoder and head as the bytes of a safetensors file."""
    modules: dict[str, nn.Module] = {"head": head}
    if encoder is not None:
        modules["encoder"] = encoder
    tensors: dict[str, Tensor] = {
        f"{prefix}.{name}": tensor.detach().cpu().contiguous()
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    return save(tensors)


def read_weights(path: Path, encoder: Encoder, head: Head) -> None:
    """Load a model folder's weights; a projection or head of another shape stays as it is.

    A deeper network of the same kind goes on from a shallower one (``Backbone.grown``).

    Raises:
        ValueError: they are of another network, or damaged.
    """
    state = read_state(path)
    if not _load(encoder.backbone, encoder.backbone.grown(_part(state, "encoder.backbone."))):
        raise ValueError(f"{path} holds the weights of another network than the recipe's")
    _load(encoder.projection, _part(state, "encoder.projection."))
    _load(head, _part(state, "head."))


def _part(state: Mapping[str, Tensor], prefix: str) -> Mapping[str, Tensor]:
    """What is named ``prefix…``, by the rest of its name."""
    return {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}


def _load(module: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Load weights whose names and shapes are the module's; whether they are."""
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    fits = {name: tensor.shape for name, tensor in state.items()} == wanted
    if fits:
        module.load_state_dict(state)
    return fits
