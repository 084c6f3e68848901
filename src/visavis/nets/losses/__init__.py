"""Losses by name; to add one is to add a class and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from visavis.nets.heads import Head
from visavis.nets.losses.angular import ArcFace, CosFace
from visavis.nets.losses.batch import (
    BatchLoss,
    InfoNCE,
    MultiSimilarity,
    SupCon,
    Triplet,
    WeightedSum,
)
from visavis.nets.losses.distil import Distil
from visavis.nets.losses.pairs import BinaryCrossEntropy, Contrastive, InBatch, PairLoss, all_pairs
from visavis.nets.registry import build

__all__ = [
    "BATCH_LOSSES",
    "PAIR_LOSSES",
    "ArcFace",
    "BatchLoss",
    "BinaryCrossEntropy",
    "Contrastive",
    "CosFace",
    "Distil",
    "InBatch",
    "InfoNCE",
    "MultiSimilarity",
    "PairLoss",
    "SupCon",
    "Triplet",
    "WeightedSum",
    "all_pairs",
    "build_batch_loss",
    "build_pair_loss",
]

PAIR_LOSSES: Final[Mapping[str, type[PairLoss]]] = {
    "bce": BinaryCrossEntropy,
    "contrastive": Contrastive,
}
"""``loss(similarity, same)``; for listed pairs, or through :class:`InBatch` for all of a batch."""

BATCH_LOSSES: Final[Mapping[str, type[BatchLoss]]] = {
    "triplet": Triplet,
    "multi-similarity": MultiSimilarity,
    "infonce": InfoNCE,
    "supcon": SupCon,
    "arcface": ArcFace,
    "cosface": CosFace,
}
"""``loss(embeddings, labels)``; for batches of people."""


def build_pair_loss(name: str, head: Head, **options: Any) -> PairLoss:
    """The pair loss called ``name`` on what ``head`` gives.

    Raises:
        ValueError: an unknown name or option, or a head whose output it cannot use.
    """
    return build("pair loss", PAIR_LOSSES, name, options, {"output": head.output})


def build_batch_loss(
    name: str, *, people: int, size: int, head: Head | None = None, **options: Any
) -> BatchLoss:
    """The loss called ``name`` over batches of people; a pair loss takes every pair of them.

    Args:
        name: of :data:`BATCH_LOSSES`, or of :data:`PAIR_LOSSES` with a head.
        people: number of people in the training data; labels are 0 .. people - 1.
        size: of an embedding.
        head: what a pair loss compares with; its parameters are the loss's too.
        options: keyword arguments of the loss.

    Raises:
        ValueError: an unknown name or option, a pair loss without a head, or an unfit head.
    """
    if name in PAIR_LOSSES:
        if head is None:
            raise ValueError(f"loss {name!r} compares pairs by a head, and there is none")
        return InBatch(head, build_pair_loss(name, head, **options))
    registry: dict[str, Any] = {**PAIR_LOSSES, **BATCH_LOSSES}
    loss: BatchLoss = build("loss", registry, name, options, {"people": people, "size": size})
    return loss
