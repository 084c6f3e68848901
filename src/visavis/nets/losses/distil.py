"""The loss of a student network that learns a teacher's embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Distil(nn.Module):
    """The mean of one minus the cosine between a student's and a teacher's embedding of a photo.

    Inputs: (n, d) float embeddings of both, of any length, photo by photo; a float32 scalar in 0..2
    out. Needs: no names, and no other photos in the batch. Relations: the losses on batches of
    people order photos by who they show; this one puts each photo where the teacher has it.
    Example: ``Distil()(student(crops), taught)``. Source: the embedding term of Duong et al.,
    ShrinkTeaNet, 2019, after Hinton et al., Distilling the Knowledge in a Neural Network, 2015.
    """

    def forward(self, embeddings: Tensor, taught: Tensor) -> Tensor:
        """The loss of a batch."""
        # Never in half precision: near the end 1 - cosine is the difference of equal numbers.
        with torch.autocast(embeddings.device.type, enabled=False):
            loss: Tensor = 1 - functional.cosine_similarity(embeddings.float(), taught).mean()
        return loss
