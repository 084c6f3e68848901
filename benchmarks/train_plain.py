"""The training loop that student projects on Siamese networks have, written out in plain PyTorch.

Two towers with shared weights: each step encodes the first photos of its pairs, then the second
ones. Photos are JPEG files that a ``DataLoader`` opens with Pillow, every epoch anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from visavis.data.faceset import PairSet
from visavis.nets.encoder import Encoder
from visavis.photos.input_spec import InputSpec


class PairFiles(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pairs of photos, opened, made grey where the network wants it, scaled, made into tensors."""

    def __init__(self, pairs: PairSet, spec: InputSpec) -> None:
        photos = pairs.faces.photos
        self.files = [
            (photos[i], photos[j]) for i, j in zip(pairs.first, pairs.second, strict=True)
        ]
        self.same = torch.from_numpy(pairs.same).float()
        self.mode = "L" if spec.colour == "grey" else "RGB"
        self.size = spec.width, spec.height

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        first, second = self.files[index]
        return self.open(first), self.open(second), self.same[index]

    def open(self, path: Path) -> Tensor:
        """(channels, height, width) in 0..1."""
        with Image.open(path) as photo:
            scaled = photo.convert(self.mode).resize(self.size, Image.Resampling.BILINEAR)
        pixels = np.array(scaled).reshape(self.size[1], self.size[0], -1)
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div(255)


class TwoTowers(nn.Module):
    """Both photos through one network, and a linear layer on the difference."""

    def __init__(self, tower: Encoder) -> None:
        super().__init__()
        self.tower = tower
        self.compare = nn.Linear(tower.size, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The logit of each pair."""
        difference = self.tower.encode_images(first) - self.tower.encode_images(second)
        return self.compare(difference.abs()).squeeze(1)


def train(
    tower: Encoder, pairs: PairSet, spec: InputSpec, *, batch: int, rate: float, workers: int
) -> Iterator[float]:
    """Epoch after epoch without end; the seconds that each took.

    Args:
        tower: the network.
        pairs: to train on.
        spec: of the crops: whole photos.
        batch: pairs of a step.
        rate: of Adam.
        workers: processes that open photos; 0 opens them in this one.
    """
    loader = DataLoader(
        PairFiles(pairs, spec),
        batch_size=batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    network = TwoTowers(tower).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    criterion = nn.BCEWithLogitsLoss()
    while True:
        began = time.perf_counter()
        for first, second, same in loader:
            optimiser.zero_grad()
            loss = criterion(network(first, second), same)
            loss.backward()
            optimiser.step()
            loss.item()  # what every such loop prints
        yield time.perf_counter() - began
