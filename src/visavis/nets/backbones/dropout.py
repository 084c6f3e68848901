"""Dropout of large maps on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WORD, DRAW = torch.iinfo(torch.int64), torch.iinfo(torch.int16)


class Dropout(nn.Dropout):
    """``nn.Dropout``, quicker where it drops from large maps on a CPU.

    torch draws its numbers there on one core, 64 bits for each value: two thirds of a step of the
    small network on whole photos. Here four values share a draw, 16 bits for each, so the share
    that is dropped is exact to 1/65,536.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch calls it
        """Values of any shape; in training some of them 0 and the others scaled up."""
        values: Tensor
        if not self.training or not 0 < self.p < 1 or input.device.type != "cpu":
            values = super().forward(input)
        else:
            kept = _draws_like(input) >= DRAW.min + round(self.p * 2**DRAW.bits)
            values = input * kept.to(input.dtype).div_(1 - self.p)
        return values


def _draws_like(values: Tensor) -> Tensor:
    """int16 drawn evenly from all there are, laid out in memory as the values."""
    words = torch.empty(-(-values.numel() * DRAW.bits // WORD.bits), dtype=torch.int64)
    draws = words.random_(WORD.min, None).view(torch.int16)[: values.numel()]
    if values.is_contiguous(memory_format=torch.channels_last):
        batch, planes, height, width = values.shape
        return draws.view(batch, height, width, planes).permute(0, 3, 1, 2)
    return draws.view(values.shape)
