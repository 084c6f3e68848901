"""The models known by name, each made into a model folder in the cache on first use."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from visavis.errors import ModelError
from visavis.models.card import Card
from visavis.models.folder import CARD, ENCODER, fingerprint, write_folder
from visavis.runtime.cache import cache_folder
from visavis.runtime.origin import Origin

HERE = Path(__file__).parent
DEFAULT_MODEL = "sface"


@cache
def _zoo() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads((HERE / "zoo.toml").read_text(encoding="utf-8"))


def known_models() -> dict[str, dict[str, Any]]:
    """Of ``zoo.toml``: each known model's name to its entry."""
    return _zoo()["models"]


def known_weights() -> dict[str, dict[str, Any]]:
    """Of ``zoo.toml``: public weights to start training from, ``backbone-name`` to their origin."""
    return {
        name: {key: entry[key] for key in ("url", "sha256")}
        for name, entry in _zoo().get("weights", {}).items()
    }


def locate(name: str) -> Path:
    """The model folder that a name or a path stands for.

    Args:
        name: of a known model, or the path of a model folder. A known name wins; write ``./sface``
            for a folder of that name.

    Raises:
        ModelError: neither.
    """
    if name in known_models():
        return materialise(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    known = ", ".join(known_models())
    raise ModelError(f"there is no model {name}: neither a folder nor one of {known}")


def materialise(name: str) -> Path:
    """The folder in the cache of a known model, made on first use.

    Raises:
        ModelError: its file is to be had nowhere, is not what the card says, or the cache folder
            cannot be written.
    """
    entry = known_models()[name]
    text = (HERE / entry["card"]).read_bytes()
    folder = cache_folder() / "models" / f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not all((folder / name).is_file() for name in (CARD, ENCODER)):
        card = Card.model_validate_json(text)
        encoder = build_encoder(entry)
        if fingerprint(card, encoder) != card.fingerprint:
            raise ModelError(f"{name} folded to another network than its card names; report this")
        write_folder(folder, card, {ENCODER: encoder})
    return folder


def build_encoder(entry: dict[str, Any]) -> bytes:
    """A known model's ``encoder.onnx``: folded to float32, uint8 NHWC crops in, any batch."""
    from visavis.runtime.graph import fold_constants, name_batch, take_uint8_nhwc

    data_input = entry["data_input"]
    model = fold_constants(Origin(**entry["encoder"]).read(), data_input)
    height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[2:])
    take_uint8_nhwc(model, height, width)
    name_batch(model.graph.output)
    content: bytes = model.SerializeToString()
    return content
