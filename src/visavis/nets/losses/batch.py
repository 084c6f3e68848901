"""Losses on batches of people: embeddings and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from pytorch_metric_learning import distances, losses, miners
from torch import Tensor, nn

Mining = Literal["all", "semi-hard", "hard"]


class BatchLoss(nn.Module):
    """``loss(embeddings, labels)``: (n, d) float and (n,) int64 in, a float32 scalar out.

    Zero, with a gradient of zero, where a batch holds nothing to compare.
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        raise NotImplementedError


class MetricLearning(BatchLoss):
    """A loss of pytorch-metric-learning, with its miner if it has one.

    Args:
        loss: ``loss(embeddings, labels, mined)``.
        miner: ``miner(embeddings, labels)``.
    """

    def __init__(self, loss: nn.Module, miner: Callable[..., Any] | None = None) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        # Distances are differences of nearly equal numbers: never in half precision.
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            mined = self.miner(embeddings, labels) if self.miner else None
            loss: Tensor = self.loss(embeddings, labels, mined)
        return loss


class Triplet(MetricLearning):
    """A photo must be nearer to its person's others than to anyone's, by a margin.

    The mean of max(0, d(a, p) - d(a, n) + margin) over the triplets where it is not zero, with
    Euclidean distances of the embeddings as they are.

    Inputs: embeddings, labels. Needs: several photos of several people in a batch. Relations:
    ``contrastive`` fixes distances, this one only their order. Collapses to its margin when
    training goes wrong, see :func:`visavis.nets.collapse.collapse`; ``hard`` most easily.
    Example: ``Triplet(margin=0.2, mining="semi-hard")(embeddings, labels)``.
    Sources: Schroff et al., FaceNet, 2015; Hermans et al., In Defense of the Triplet Loss, 2017.

    Args:
        margin: in units of the embedding; at most 2 makes sense for normalised ones.
        mining: ``all`` triplets; ``semi-hard``, whose negative is farther than the positive but
            within the margin; ``hard``, the farthest positive and nearest negative of each photo.

    Raises:
        ValueError: an unknown mining.
    """

    def __init__(self, margin: float = 0.2, mining: Mining = "semi-hard") -> None:
        distance = distances.LpDistance(normalize_embeddings=False)
        miner: Callable[..., Any] | None = None
        if mining == "semi-hard":
            miner = miners.TripletMarginMiner(margin, "semihard", distance=distance)
        elif mining == "hard":
            miner = miners.BatchHardMiner(distance=distance)
        elif mining != "all":
            raise ValueError(f"mining is all, semi-hard or hard, not {mining!r}")
        super().__init__(losses.TripletMarginLoss(margin, distance=distance), miner)
        self.margin = margin


class MultiSimilarity(MetricLearning):
    """Weighs each pair by how hard it is beside the other pairs of its photo, by cosine.

    Inputs: embeddings (their length does not count), labels. Needs: several photos of several
    people. Relations: like ``infonce`` with its own mining.
    Example: ``MultiSimilarity()(embeddings, labels)``. Source: Wang et al., Multi-Similarity Loss,
    2019.

    Args:
        alpha, beta: sharpness on genuine and impostor pairs.
        base: cosine at which both balance.
        epsilon: how near to the hardest pair of the other kind a pair must come to count.
    """

    def __init__(
        self, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5, epsilon: float = 0.1
    ) -> None:
        loss = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)
        super().__init__(loss, miners.MultiSimilarityMiner(epsilon=epsilon))


class InfoNCE(MetricLearning):
    """For each genuine pair: the cross-entropy of picking it among it and all impostors.

    Inputs: embeddings (their length does not count), labels. Needs: several photos of several
    people. Relations: ``supcon`` has the other genuine pairs in the denominator too.
    Example: ``InfoNCE(temperature=0.07)(embeddings, labels)``. Source: van den Oord et al.,
    Contrastive Predictive Coding, 2018.

    Args:
        temperature: smaller looks harder at the hardest impostors.
    """

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__(losses.NTXentLoss(temperature=temperature))


class SupCon(MetricLearning):
    """For each photo: the mean cross-entropy of picking each of its person's among all others.

    Inputs: embeddings (their length does not count), labels. Needs: several photos of several
    people; people with one photo serve as impostors. Relations: see ``infonce``; joins well with
    ``cosface``, which knows every person at once.
    Example: ``SupCon(temperature=0.1)(embeddings, labels)``. Source: Khosla et al., Supervised
    Contrastive Learning, 2020.

    Args:
        temperature: smaller looks harder at the hardest impostors.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(losses.SupConLoss(temperature=temperature))


class WeightedSum(BatchLoss):
    """Several losses at once.

    Example: ``WeightedSum([(1.0, SupCon()), (0.1, CosFace(people, size))])``.

    Args:
        parts: weight and loss of each.

    Raises:
        ValueError: no parts.
    """

    def __init__(self, parts: Sequence[tuple[float, BatchLoss]]) -> None:
        super().__init__()
        if not parts:
            raise ValueError("a sum of losses has at least one")
        self.weights = [weight for weight, _ in parts]
        self.parts = nn.ModuleList(loss for _, loss in parts)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        values = [
            weight * loss(embeddings, labels)
            for weight, loss in zip(self.weights, self.parts, strict=True)
        ]
        return torch.stack(values).sum()
