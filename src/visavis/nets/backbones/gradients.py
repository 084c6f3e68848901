"""Histograms of gradients: features of an image that nothing had to learn."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.input import Input

GREY = (0.299, 0.587, 0.114)
FLOOR = 0.02
"""Contrast of a cell below which its histogram fades, so that noise is not made large."""


class Gradients(Backbone):
    """In every cell how much each direction of gradient is present, whatever the contrast.

    After Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (2005), with
    Gaussian cells that overlap by half, each normalised by itself, and the square root of its
    entries (Arandjelovic and Zisserman, 2012). There is nothing to train: what learns is the
    embedding layer on it, whose ``fisher`` start suits it.

    Args:
        spec: crops; colour is made grey.
        directions: of gradients, over the full circle.
        sharpness: how narrow a direction is: its response is cos^sharpness of the angle to it.
        cell: pixels between the centres of every second cell.
        scales: how often the image is seen, each time at half the size.

    Raises:
        ValueError: crops smaller than a cell at the smallest scale.
    """

    default_input: ClassVar[Input] = Input(112, 112, "rgb", "arcface")
    filters: Tensor
    cells: Tensor
    grey: Tensor

    def __init__(
        self,
        spec: Input | None = None,
        *,
        directions: int = 12,
        sharpness: float = 4.0,
        cell: int = 8,
        scales: int = 2,
    ) -> None:
        super().__init__(spec)
        self.directions, self.sharpness = directions, sharpness
        self.scales, self.step = scales, cell // 2
        smallest = min(self.spec.height, self.spec.width) >> (scales - 1)
        if cell < 2 or smallest < cell:
            raise ValueError(
                f"cells of {cell} pixels do not fit crops of {self.spec.width}x"
                f"{self.spec.height} pixels at scale {scales}; set cell from 2 to {smallest}"
            )
        grey = torch.tensor(GREY if self.spec.planes == 3 else (1.0,)).view(1, -1, 1, 1)
        # Not persistent: all three follow from the options.
        self.register_buffer("grey", grey, persistent=False)
        self.register_buffer("filters", _derivatives(directions), persistent=False)
        self.register_buffer("cells", _gaussian(cell / 2).repeat(directions, 1, 1, 1), False)
        self.size = directions * sum(
            self._cells(self.spec.height >> s) * self._cells(self.spec.width >> s)
            for s in range(scales)
        )

    def _cells(self, side: int) -> int:
        """How many cells a side has; its outermost pixels have no gradient."""
        return -(-(side - 2) // self.step)

    def stages(self) -> list[nn.Module]:
        """None: nothing is trained."""
        return []

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, size) in 0..1."""
        # Under autocast too: squares of small gradients are lost in half precision.
        with torch.autocast(images.device.type, enabled=False):
            grey = (images.float() * self.grey).sum(1, keepdim=True)
            vectors = []
            for scale in range(self.scales):
                grey = functional.avg_pool2d(grey, 2) if scale else grey
                vectors.append(self._histograms(grey).flatten(1))
            return torch.cat(vectors, 1)

    def _histograms(self, grey: Tensor) -> Tensor:
        """(n, directions, rows, columns) of one scale."""
        along = functional.conv2d(grey, self.filters).relu()
        # Over the circle the squares of the positive cosines sum to a quarter of the directions.
        power = along.square().sum(1, keepdim=True) * (4 / self.directions) + 1e-8
        sharp = along * (along.square() / power) ** ((self.sharpness - 1) / 2)
        reach = self.cells.shape[-1] // 2
        cells = functional.conv2d(
            sharp, self.cells, stride=self.step, padding=reach, groups=self.directions
        )
        contrast = cells.square().sum(1, keepdim=True).sqrt()
        return (cells / (contrast + FLOOR)).clamp(min=1e-8).sqrt()


def _derivatives(directions: int) -> Tensor:
    """Filters (directions, 1, 3, 3): the derivative of the image in each direction."""
    across = torch.tensor([[0.0, 0, 0], [-0.5, 0, 0.5], [0, 0, 0]])
    angles = [2 * math.pi * number / directions for number in range(directions)]
    return torch.stack([math.cos(a) * across + math.sin(a) * across.T for a in angles])[:, None]


def _gaussian(deviation: float) -> Tensor:
    """A filter (1, 1, s, s) of sum 1, cut off at two deviations."""
    reach = round(2 * deviation)
    line = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    return (line[:, None] * line / line.sum() ** 2)[None, None]
