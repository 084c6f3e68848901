"""A backbone made into a function from crops to embeddings."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.input import Input, Scale, to_images

Freeze = Literal["all", "none", "embedding"] | int


class Encoder(nn.Module):
    """Crops (n, h, w, c) uint8 in, embeddings (n, size) float32 out; the scaling is inside.

    Args:
        backbone: any; its vectors are the embeddings unless ``embedding`` is given.
        embedding: size of a linear projection after the backbone.
        batchnorm: after that projection, which then has no bias, as face networks have it.
        normalise: embeddings to length 1.
        flip: out of training, an embedding is the mean over a crop and its mirror image.

    Attributes:
        size: length of an embedding.
    """

    def __init__(
        self,
        backbone: Backbone,
        embedding: int | None = None,
        *,
        batchnorm: bool = True,
        normalise: bool = True,
        flip: bool = False,
    ) -> None:
        super().__init__()
        self.scale = Scale(backbone.spec)
        self.backbone = backbone
        self.projection = nn.Sequential()
        if embedding is not None:
            self.projection.append(nn.Linear(backbone.size, embedding, bias=not batchnorm))
            if batchnorm:
                self.projection.append(nn.BatchNorm1d(embedding))
        self.normalise, self.flip = normalise, flip
        self.size = embedding or backbone.size
        self._frozen: list[nn.Module] = []
        self._stopped: list[nn.Parameter] = []

    @property
    def spec(self) -> Input:
        """The crops it takes."""
        return self.backbone.spec

    def freeze(self, stages: Freeze) -> None:
        """Stop the training of the backbone or of its first stages; the projection may go on.

        Frozen stages stay in evaluation mode after ``train()`` too: their batch norms keep their
        statistics and their dropout drops nothing, so what they compute can be cached.

        Args:
            stages: ``all``, ``none``, or how many of ``backbone.stages()``; ``embedding`` stops the
                backbone and the projection on it.

        Raises:
            ValueError: more stages than there are, or fewer than none.
        """
        parts = self.backbone.stages()
        words = {"all": len(parts), "embedding": len(parts), "none": 0}
        count = words.get(stages, stages)  # type: ignore[arg-type]
        if not isinstance(count, int) or not 0 <= count <= len(parts):
            raise ValueError(
                "freeze is all, embedding, none or a number of stages from 0 to "
                f"{len(parts)}, not {stages!r}"
            )
        for parameter in self._stopped:
            parameter.requires_grad_(True)
        self._frozen = [self.backbone] if count == len(parts) else parts[:count]
        if stages == "embedding":
            self._frozen.append(self.projection)
        self._stopped = [
            parameter
            for part in self._frozen
            for parameter in part.parameters()
            if parameter.requires_grad
        ]
        for parameter in self._stopped:
            parameter.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Encoder:
        """Set training or evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, crops: Tensor) -> Tensor:
        """Embed crops (n, h, w, c) uint8."""
        return self.encode_images(to_images(crops))

    def encode_images(self, images: Tensor) -> Tensor:
        """Embed images (n, c, h, w) float in 0..1, augmented ones for example."""
        if self.flip and not self.training:
            # One pass over both. Exported as two, every weight is used twice, and an int8 copy of
            # that graph is compiled to something else by OpenVINO 2026.4, one time in ten.
            both = self._vectors(torch.cat([images, images.flip(3)]))
            embeddings = both.reshape(2, -1, self.size).mean(dim=0)
        else:
            embeddings = self._vectors(images)
        return functional.normalize(embeddings, dim=1) if self.normalise else embeddings

    def _vectors(self, images: Tensor) -> Tensor:
        vectors: Tensor = self.projection(self.backbone(self.scale(images)))
        # Lengths and distances are float32 under autocast too: bf16 has three digits.
        return vectors.to(torch.float32)
