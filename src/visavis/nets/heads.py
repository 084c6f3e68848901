"""Pair heads: two embeddings in, one similarity out; larger is more alike.

Each is symmetric by construction: it sees only |a - b|, a * b or what follows from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from visavis.nets.registry import build

Output = Literal["cosine", "distance", "logit"]
"""What a similarity is: a cosine in -1..1, minus a distance, or a logit of P(same)."""
Distance = Literal["cosine", "euclidean", "head"]
"""What a model's card calls it: one of the two that need no network, or a head of its own."""


class Head(nn.Module):
    """(n, d) and (n, d) float embeddings in, (n,) float32 similarities out.

    Attributes:
        output: what the similarities are; a loss checks that it can use them.
        distance: how a trained model compares; ``head`` is exported with it.
    """

    output: ClassVar[Output]
    distance: ClassVar[Distance] = "head"

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare row by row."""
        raise NotImplementedError


class Cosine(Head):
    """The cosine of the angle between two embeddings. Nothing is learned."""

    output, distance = "cosine", "cosine"

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare row by row."""
        return functional.cosine_similarity(first.float(), second.float(), dim=1)


class Euclidean(Head):
    """Minus the Euclidean distance. Nothing is learned.

    At distance zero the gradient is zero, not the NaN of a bare square root.
    """

    output, distance = "distance", "euclidean"

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare row by row."""
        # The norm's own derivative at zero is defined as zero by torch.
        distance: Tensor = torch.linalg.vector_norm(first.float() - second.float(), dim=1)
        return -distance


class WeightedL1(Head):
    """A learned weighted L1 distance and a bias: the logit of P(same).

    Initialised as Koch et al. 2015 do their dense layers: weights N(0, 0.2), bias N(0.5, 0.01).

    Args:
        size: of an embedding.
    """

    output = "logit"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(size, 1)
        nn.init.normal_(self.weigh.weight, 0, 0.2)
        nn.init.normal_(self.weigh.bias, 0.5, 0.01)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare row by row."""
        logits: Tensor = self.weigh((first - second).abs())
        return logits.squeeze(1).float()


class MLP(Head):
    """A small network on |a - b| and a * b: the logit of P(same).

    Without batch norm: a pair's answer must not hang on the pairs beside it.

    Args:
        size: of an embedding.
        hidden: units of each hidden layer, with ReLU.
        dropout: after each hidden layer.
        product: whether it sees a * b too, or |a - b| alone.
    """

    output = "logit"

    def __init__(
        self,
        size: int,
        hidden: Sequence[int] = (256,),
        dropout: float = 0.0,
        product: bool = True,
    ) -> None:
        super().__init__()
        self.product = product
        units = [size * (2 if product else 1), *hidden]
        layers: list[nn.Module] = []
        for into, out in itertools.pairwise(units):
            layers += [nn.Linear(into, out), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(units[-1], 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare row by row."""
        pair = (first - second).abs()
        if self.product:
            pair = torch.cat([pair, first * second], dim=1)
        logits: Tensor = self.layers(pair)
        return logits.squeeze(1).float()


HEADS: Final[Mapping[str, type[Head]]] = {
    "cosine": Cosine,
    "euclidean": Euclidean,
    "weighted-l1": WeightedL1,
    "mlp": MLP,
}


def build_head(name: str, size: int, **options: Any) -> Head:
    """The head called ``name`` for embeddings of length ``size``.

    Raises:
        ValueError: an unknown name or option.
    """
    return build("head", HEADS, name, options, {"size": size})
