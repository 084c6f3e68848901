"""Losses that classify people by angle; each person's direction is a parameter of the loss."""

from __future__ import annotations

import math

from pytorch_metric_learning import losses
from torch import Tensor

from visavis.nets.losses.batch import MetricLearning


class _ArcFaceLoss(losses.ArcFaceLoss):  # type: ignore[misc]
    """ArcFace whose gradient stays finite where an embedding meets its person's direction."""

    def get_cosine(self, embeddings: Tensor) -> Tensor:
        cosine: Tensor = super().get_cosine(embeddings)
        # The arc cosine has an infinite slope at ±1: one such photo would make all weights NaN.
        return cosine.clamp(-1 + 1e-6, 1 - 1e-6)


class ArcFace(MetricLearning):
    """Softmax over people by the cosine to each one's direction, the right angle made wider.

    Inputs: embeddings (their length does not count), labels in 0 .. people - 1. Needs: the same
    people all through training; works with one photo a person in a batch. Relations: ``cosface``
    takes its margin off the cosine and is gentler at the start; neither needs pairs in a batch.
    Example: ``ArcFace(people=4038, size=512)(embeddings, labels)``. Source: Deng et al., ArcFace,
    2019.

    Args:
        people: number of directions to learn.
        size: of an embedding.
        margin: radians.
        scale: of the cosines before the softmax.
    """

    def __init__(self, people: int, size: int, margin: float = 0.5, scale: float = 64.0) -> None:
        super().__init__(_ArcFaceLoss(people, size, margin=math.degrees(margin), scale=scale))


class CosFace(MetricLearning):
    """Softmax over people by the cosine to each one's direction, the right cosine made smaller.

    Inputs: embeddings (their length does not count), labels in 0 .. people - 1. Needs: the same
    people all through training. Relations: see ``arcface``.
    Example: ``CosFace(people=4038, size=512)(embeddings, labels)``. Source: Wang et al., CosFace,
    2018.

    Args:
        people: number of directions to learn.
        size: of an embedding.
        margin: taken off the right cosine.
        scale: of the cosines before the softmax.
    """

    def __init__(self, people: int, size: int, margin: float = 0.35, scale: float = 64.0) -> None:
        super().__init__(losses.CosFaceLoss(people, size, margin=margin, scale=scale))
