"""A small network of strided convolutions."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Window, convolution_block, map_size
from visavis.nets.input import Input


class Small(Backbone):
    """Convolutions of stride 2 with ReLU and dropout, then one dense layer with sigmoid.

    Args:
        spec: crops; 250x250 grey in 0..1 unless told. The dense layer holds nearly all of the
            parameters: 244 million for 250x250, 35 million for 96x96, at 1,024 units.
        layers: number of convolutions, 1 or more.
        filters, kernel: of each.
        dropout: share of each one's outputs that is dropped.
        units: of the dense layer.

    Raises:
        ValueError: crops too small; the message names the layer.
    """

    default_input: ClassVar[Input] = Input(250, 250, "grey", "loose")

    def __init__(
        self,
        spec: Input | None = None,
        *,
        layers: int = 2,
        filters: int = 64,
        kernel: int = 3,
        dropout: float = 0.5,
        units: int = 1024,
    ) -> None:
        super().__init__(spec)
        windows = [Window(f"convolution {number}", kernel, 2) for number in range(1, layers + 1)]
        height, width = map_size(self.spec, windows)
        self.convolutions = nn.Sequential(
            *(
                convolution_block(
                    nn.Conv2d(filters if number else self.spec.planes, filters, kernel, stride=2),
                    dropout=dropout,
                )
                for number in range(layers)
            )
        )
        self.dense = nn.Linear(filters * height * width, units)
        self.size = units

    def stages(self) -> list[nn.Module]:
        """The convolutions and the dense layer."""
        return [*self.convolutions, self.dense]

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, units) in 0..1."""
        vectors: Tensor = self.dense(self.convolutions(images).flatten(1))
        return vectors.sigmoid()
