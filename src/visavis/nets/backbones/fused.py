"""Several trained networks that look at one crop together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.input import Input

if TYPE_CHECKING:
    from visavis.nets.encoder import Encoder


class Fused(Backbone):
    """The embeddings of several encoders, each of length 1, side by side.

    The cosine of two such vectors is the weighted mean of the encoders' cosines: a fusion of
    scores.

    Args:
        encoders: that take the same crops.
        weights: of each one's cosine; the same by default.

    Raises:
        ValueError: fewer than two, other crops, or not a positive weight for each.
    """

    default_input: ClassVar[Input] = Input(112, 112, "rgb", "arcface")

    def __init__(self, encoders: Sequence[Encoder], weights: Sequence[float] | None = None) -> None:
        if len(encoders) < 2:
            raise ValueError("a fused network is made of two or more")
        first, *others = (encoder.spec for encoder in encoders)
        shown = (first.width, first.height, first.colour, first.template)
        for spec in others:
            if (spec.width, spec.height, spec.colour, spec.template) != shown:
                raise ValueError(
                    "networks are fused that see the same crops, and these see "
                    f"{spec.width}x{spec.height} {spec.colour} {spec.template} and "
                    f"{first.width}x{first.height} {first.colour} {first.template}"
                )
        weights = weights or [1.0] * len(encoders)
        if len(weights) != len(encoders) or min(weights) <= 0:
            raise ValueError(
                f"{len(encoders)} networks have as many weights above 0, not {weights}"
            )
        super().__init__(Input(*shown))
        self.lengths = [(weight / sum(weights)) ** 0.5 for weight in weights]
        self.encoders = nn.ModuleList(encoders)
        self.size = sum(encoder.size for encoder in encoders)

    def stages(self) -> list[nn.Module]:
        """One: what its networks are made of is theirs."""
        return [self.encoders]

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, size) of length 1."""
        parts = []
        for encoder, length in zip(self.encoders, self.lengths, strict=True):
            embeddings = cast("Encoder", encoder).encode_images(images)
            parts.append(functional.normalize(embeddings, dim=1) * length)
        return torch.cat(parts, 1)
