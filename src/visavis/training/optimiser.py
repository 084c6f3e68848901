"""Optimisers and how their rate changes, as a recipe says."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from visavis.training.recipe import OptimiserPart, SchedulePart


def build_optimiser(
    part: OptimiserPart, parameters: list[nn.Parameter], fused: bool = True
) -> torch.optim.Optimizer:
    """The optimiser of a recipe; ``fused`` takes one pass through memory where torch has it."""
    rate, decay = part.rate, part.decay
    if part.kind == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay, fused=fused)
    if part.kind == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, weight_decay=decay)
    kind = torch.optim.AdamW if part.kind == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay, fused=fused)


def rate_of_steps(plan: SchedulePart, steps: int) -> Callable[[int], float]:
    """The share of the rate that each step takes: warmed up, then constant or falling by a cosine.

    Args:
        plan: counts in epochs.
        steps: of an epoch.
    """
    total, warm = plan.epochs * steps, plan.warmup * steps

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        if plan.rate == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm))))

    return rate
