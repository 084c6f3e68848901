"""A network made of those of several model folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from visavis.models.card import Card
from visavis.models.folder import CARD, WEIGHTS
from visavis.nets.backbones.fused import Fused
from visavis.nets.encoder import Encoder
from visavis.nets.heads import build_head
from visavis.training.recipe import Recipe
from visavis.training.weights import read_weights

FUSED: Final = "fused"
"""The name of such a backbone in a recipe."""


def build_fused(options: Mapping[str, Any]) -> tuple[Fused, tuple[Card, ...]]:
    """Read the networks of model folders; with their cards.

    Args:
        options: ``of``, the folders, and ``weights``, of each one's cosine.

    Raises:
        ValueError: other options, no list of folders, or one that holds no trained network.
    """
    folders, weights = options.get("of"), options.get("weights")
    if not set(options) <= {"of", "weights"} or not isinstance(folders, list | tuple):
        raise ValueError("a fused network's options are of, a list of model folders, and weights")
    cards, encoders = [], []
    for folder in map(Path, folders):
        if not (folder / CARD).is_file() or not (folder / WEIGHTS).is_file():
            raise ValueError(f"{folder} is no model folder with {WEIGHTS}; train that one first")
        cards.append(Card.read(folder / CARD))
        encoders.append(_encoder(folder, cards[-1]))
    return Fused(encoders, weights), tuple(cards)


def _encoder(folder: Path, card: Card) -> Encoder:
    """The trained network of a model folder."""
    from visavis.training.parts import build_encoder  # which builds fused ones by this file

    if card.recipe is None:
        raise ValueError(f"{folder} does not say by which recipe it was trained")
    recipe = Recipe.from_dict(card.recipe, str(folder / CARD))
    encoder, _ = build_encoder(recipe)
    head = build_head(recipe.head.kind, encoder.size, **recipe.head.options)
    read_weights(folder / WEIGHTS, encoder, head)
    return encoder
