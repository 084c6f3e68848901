"""Losses on pairs: the similarity of each and whether it is one person."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from visavis.nets.heads import Head, Output
from visavis.nets.losses.batch import BatchLoss


class PairLoss(nn.Module):
    """``loss(similarity, same)``: (p,) float and (p,) bool in, a scalar out; 0 without pairs.

    Args:
        output: what the similarities are, a head's ``output``.
        balanced: genuine and impostor pairs weigh the same in sum, however many there are of
            each; for every pair of a batch, where impostors outnumber by far.

    Raises:
        ValueError: a loss that cannot use such an output.
    """

    takes: ClassVar[tuple[Output, ...]]

    def __init__(self, output: Output, balanced: bool = False) -> None:
        super().__init__()
        if output not in self.takes:
            raise ValueError(
                f"{type(self).__name__} needs a head that gives a {' or a '.join(self.takes)}, "
                f"not a {output}"
            )
        self.output, self.balanced = output, balanced

    def forward(self, similarity: Tensor, same: Tensor) -> Tensor:
        """The mean over pairs."""
        losses = self.per_pair(similarity.float(), same)
        if not len(losses):
            return losses.sum()
        if not self.balanced:
            return losses.mean()
        sides = [side for side in (losses[same], losses[~same]) if len(side)]
        return torch.stack([side.mean() for side in sides]).mean()

    def per_pair(self, similarity: Tensor, same: Tensor) -> Tensor:
        """The loss of each pair, (p,)."""
        raise NotImplementedError


class BinaryCrossEntropy(PairLoss):
    """Minus the log of the probability that the head gave to the truth.

    Inputs: logits of ``weighted-l1`` or ``mlp``, and same. Needs: pairs of both kinds.
    Relations: calibrated probabilities by itself; ``contrastive`` shapes distances instead.
    Example: ``BinaryCrossEntropy("logit")(head(a, b), same)``. Source: Koch et al., 2015.
    """

    takes = ("logit",)

    def per_pair(self, similarity: Tensor, same: Tensor) -> Tensor:
        """The loss of each pair, (p,)."""
        return functional.binary_cross_entropy_with_logits(
            similarity, same.to(similarity.dtype), reduction="none"
        )


class Contrastive(PairLoss):
    """Pulls genuine pairs together and pushes impostors out to a margin: d² or max(0, m - d)².

    The halves of Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping, 2006,
    are left out, as is usual. The distance d is minus the similarity of ``euclidean``, 1 - cosine,
    or 1 - p for the probability p of a head that gives logits.

    Inputs: similarities of any head, and same. Needs: pairs of both kinds. Relations: ``triplet``
    compares distances with each other, where this one fixes their scale.
    Example: ``Contrastive("distance", margin=1.0)(head(a, b), same)``.

    Args:
        output, balanced: see :class:`PairLoss`.
        margin: distance at which an impostor pair costs nothing; 1 for 1 - p.
    """

    takes = ("distance", "cosine", "logit")

    def __init__(self, output: Output, balanced: bool = False, margin: float = 1.0) -> None:
        super().__init__(output, balanced)
        self.margin = margin

    def per_pair(self, similarity: Tensor, same: Tensor) -> Tensor:
        """The loss of each pair, (p,)."""
        if self.output == "distance":
            distance = -similarity
        elif self.output == "cosine":
            distance = 1 - similarity
        else:
            distance = (-similarity).sigmoid()  # 1 - p without the loss of digits near p = 1
        return torch.where(same, distance, (self.margin - distance).clamp(min=0)).square()


def all_pairs(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every pair of a batch, each once.

    Args:
        labels: (n,) whose photo each is.

    Returns:
        First and second indices, (n (n - 1) / 2,) int64, and same, bool.
    """
    count = len(labels)
    first, second = torch.triu_indices(count, count, 1, device=labels.device)
    return first, second, labels[first] == labels[second]


class InBatch(BatchLoss):
    """A pair loss over every pair of a batch of people: each photo is encoded once for all.

    Inputs: embeddings and labels. Needs: several photos of several people in a batch.
    Example: ``InBatch(head, Contrastive(head.output, balanced=True))(embeddings, labels)``.

    Args:
        head: compares two embeddings.
        loss: on its similarities.
    """

    def __init__(self, head: Head, loss: PairLoss) -> None:
        super().__init__()
        self.head, self.loss = head, loss

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        first, second, same = all_pairs(labels)
        similarity = self.head(embeddings[first], embeddings[second])
        loss: Tensor = self.loss(similarity, same)
        return loss
