"""The network of Koch, Zemel and Salakhutdinov."""

from __future__ import annotations

from typing import ClassVar, Final

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Window, convolution_block, map_size
from visavis.nets.input import Input

LAYERS: Final = ((64, 10), (128, 7), (128, 4), (256, 4))
"""Filters and kernel of each convolution; a 2x2 pool follows each but the last."""


class Koch(Backbone):
    """Four convolutions and one dense layer with sigmoid, initialised as published.

    105x105 grey crops in 0..1 become maps of 48, 21, 9 and 6 pixels a side, the last with 9,216
    numbers. Weights are drawn from N(0, 0.01) in convolutions and N(0, 0.2) in the dense layer,
    all biases from N(0.5, 0.01). Source: Koch et al., Siamese Neural Networks for One-shot Image
    Recognition, 2015.

    Args:
        spec: crops; 105x105 grey unless told.
        units: of the dense layer, 4096 as published.
        dropout: share of each convolution's outputs that is dropped.
        batchnorm: after each layer, before its activation.

    Raises:
        ValueError: crops too small; the message names the layer.
    """

    default_input: ClassVar[Input] = Input(105, 105, "grey", "arcface")

    def __init__(
        self,
        spec: Input | None = None,
        *,
        units: int = 4096,
        dropout: float = 0.0,
        batchnorm: bool = False,
    ) -> None:
        super().__init__(spec)
        windows: list[Window] = []
        blocks: list[nn.Module] = []
        planes = self.spec.planes
        for number, (filters, kernel) in enumerate(LAYERS, 1):
            windows.append(Window(f"convolution {number}", kernel))
            pool = None
            if number < len(LAYERS):
                windows.append(Window(f"pool {number}", 2, 2))
                pool = nn.MaxPool2d(2)
            blocks.append(
                convolution_block(
                    nn.Conv2d(planes, filters, kernel),
                    batchnorm=batchnorm,
                    dropout=dropout,
                    pool=pool,
                )
            )
            planes = filters
        height, width = map_size(self.spec, windows)
        self.convolutions = nn.Sequential(*blocks)
        self.dense = nn.Linear(planes * height * width, units)
        # As drawn, the sums of 9,216 inputs lie far out on the sigmoid, where nothing is learned.
        self.norm = nn.BatchNorm1d(units) if batchnorm else nn.Identity()
        self.size = units
        self._initialise()

    def _initialise(self) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                spread = 0.01 if isinstance(layer, nn.Conv2d) else 0.2
                nn.init.normal_(layer.weight, 0, spread)
                if layer.bias is not None:
                    nn.init.normal_(layer.bias, 0.5, 0.01)

    def stages(self) -> list[nn.Module]:
        """The four convolutions and the dense layer."""
        return [*self.convolutions, nn.Sequential(self.dense, self.norm)]

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, units) in 0..1."""
        vectors: Tensor = self.norm(self.dense(self.convolutions(images).flatten(1)))
        return vectors.sigmoid()
