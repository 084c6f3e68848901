"""Tell when training has collapsed: every photo gets the same embedding."""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 1e-3
"""Relative spread under which embeddings are alike, whatever the loss says."""
CLOSE = 0.05
"""Relative spread under which they are, if the loss sits at its margin as well; sigmoid layers
start with little more."""


def spread(embeddings: Tensor) -> float:
    """Root mean square distance to the mean embedding, over the root mean square length: 0..1.

    Args:
        embeddings: (n, d), n >= 1.
    """
    values = embeddings.detach().double()
    length = values.square().sum(1).mean().sqrt()
    distance = (values - values.mean(0)).square().sum(1).mean().sqrt()
    return float(distance / length.clamp(min=torch.finfo(torch.float64).tiny))


def collapse(
    embeddings: Tensor, loss: float | None = None, margin: float | None = None
) -> str | None:
    """Why training has collapsed, in one sentence; ``None`` where it has not.

    Args:
        embeddings: (n, d) of photos of several people.
        loss: the loss of a recent batch.
        margin: where the loss has one, its value with all distances equal.
    """
    found = spread(embeddings)
    at_margin = loss is not None and margin is not None and abs(loss - margin) <= 0.05 * margin
    if found >= (CLOSE if at_margin else ALIKE):
        return None
    sits = f" and the loss sits at its margin ({loss:.3g})" if at_margin else ""
    return (
        f"all embeddings are alike (spread {found:.2g} of their length){sits}: the network has "
        "collapsed; lower the learning rate, mine semi-hard or all triplets, or take another loss"
    )
