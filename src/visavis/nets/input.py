"""What a network takes: its crops and how their numbers are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Input:
    """The crops of a network, uint8 NHWC, and its scaling (x / 255 - mean) / std.

    Attributes:
        width, height: pixels.
        colour: ``rgb`` (3 channels) or ``grey`` (1 channel).
        template: name of the alignment template that the crops are cut by.
        mean, std: of pixels in 0..1; one number for all channels, or three. Three of them turn a
            grey crop into three planes, so that a network made for colour takes grey ones.

    Raises:
        ValueError: an empty size, an unknown colour, or mean and std of other lengths.
    """

    width: int
    height: int
    colour: Literal["rgb", "grey"]
    template: str
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"crops of {self.width}x{self.height} pixels are empty")
        if self.colour not in ("rgb", "grey"):
            raise ValueError(f"colour is rgb or grey, not {self.colour!r}")
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise ValueError("mean and std are both one number or both three")

    @property
    def channels(self) -> int:
        """Channels of a crop: 1 or 3."""
        return 3 if self.colour == "rgb" else 1

    @property
    def planes(self) -> int:
        """Planes that reach the first layer after scaling: 1 or 3."""
        return max(self.channels, len(self.mean))


def to_images(crops: Tensor) -> Tensor:
    """uint8 (n, h, w, c) crops as float32 (n, c, h, w) in 0..1, channels last in memory.

    Augmentation works on these, between here and :class:`Scale`.
    """
    return crops.permute(0, 3, 1, 2).to(torch.float32) / 255


class Scale(nn.Module):
    """(x - mean) / std of an :class:`Input`: (n, channels, h, w) in 0..1 to (n, planes, h, w)."""

    mean: Tensor
    std: Tensor

    def __init__(self, spec: Input) -> None:
        super().__init__()
        # Not persistent: the input belongs to the card, and public state dicts know no such names.
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Scale images."""
        return (images - self.mean) / self.std
