"""Inception-ResNet-v1, with facenet-pytorch's names."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import torch
from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Pool, Pooling, Window, map_size
from visavis.nets.input import Input

WINDOWS: Final = (
    Window("conv2d_1a", 3, 2),
    Window("conv2d_2a", 3),
    Window("maxpool_3a", 3, 2),
    Window("conv2d_4a", 3),
    Window("conv2d_4b", 3, 2),
    Window("mixed_6a", 3, 2),
    Window("mixed_7a", 3, 2),
)
Kernel = int | tuple[int, int]
Step = tuple[int, Kernel, int, bool]
"""Filters, kernel, stride and whether padding keeps the size."""


class Convolution(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, planes: int, filters: int, kernel: Kernel, stride: int = 1, same: bool = False
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same else (0, 0)
        self.conv = nn.Conv2d(planes, filters, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=0.001)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps to maps."""
        out: Tensor = self.bn(self.conv(maps))
        return out.relu()


def _branch(planes: int, *steps: Step) -> nn.Sequential:
    into = [planes, *(step[0] for step in steps)]
    return nn.Sequential(*(Convolution(p, *step) for p, step in zip(into, steps, strict=False)))


class Residual(nn.Module):
    """Branches side by side, joined by a 1x1 convolution, scaled and added to what came in.

    Args:
        planes: in and out.
        scale: of what is added.
        branches: the steps of each; one step stands without a sequence, as the names want.
        relu: at the end.
    """

    def __init__(
        self, planes: int, scale: float, *branches: tuple[Step, ...], relu: bool = True
    ) -> None:
        super().__init__()
        self.scale, self.relu, self.branches = scale, relu, len(branches)
        for number, steps in enumerate(branches):
            branch = _branch(planes, *steps)
            setattr(self, f"branch{number}", branch[0] if len(steps) == 1 else branch)
        self.conv2d = nn.Conv2d(sum(steps[-1][0] for steps in branches), planes, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps to maps of the same shape."""
        sides = [getattr(self, f"branch{number}")(maps) for number in range(self.branches)]
        out: Tensor = self.conv2d(torch.cat(sides, 1)) * self.scale + maps
        return out.relu() if self.relu else out


class Reduction(nn.Module):
    """Branches that halve the maps, and a pool of what came in, stacked."""

    def __init__(self, planes: int, *branches: tuple[Step, ...]) -> None:
        super().__init__()
        self.branches = len(branches)
        for number, steps in enumerate(branches):
            branch = _branch(planes, *steps)
            setattr(self, f"branch{number}", branch[0] if len(steps) == 1 else branch)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps to more maps of half the size."""
        sides = [getattr(self, f"branch{number}")(maps) for number in range(self.branches)]
        return torch.cat([*sides, self.pool(maps)], 1)


def _block35() -> Residual:
    narrow = (32, 1, 1, False)
    same = (32, 3, 1, True)
    return Residual(256, 0.17, (narrow,), (narrow, same), (narrow, same, same))


def _block17() -> Residual:
    narrow = (128, 1, 1, False)
    return Residual(896, 0.10, (narrow,), (narrow, (128, (1, 7), 1, True), (128, (7, 1), 1, True)))


def _block8(scale: float = 0.20, *, relu: bool = True) -> Residual:
    narrow = (192, 1, 1, False)
    tall_and_wide = (narrow, (192, (1, 3), 1, True), (192, (3, 1), 1, True))
    return Residual(1792, scale, (narrow,), tall_and_wide, relu=relu)


class FaceNet(Backbone):
    """Inception-ResNet-v1; parameters named as in facenet-pytorch's ``InceptionResnetV1``.

    Source: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections
    on Learning, 2016; Schroff et al., FaceNet, 2015.

    Args:
        spec: crops; 160x160 colour scaled to (x - 127.5) / 128 unless told.
        pool: ``embedding`` gives the network's own 512 numbers; avg, max and flatten stop before
            its last linear layer, at 1,792 maps.
        classes: this many logits come out of the embedding.
        dropout: before the last linear layer.

    Raises:
        ValueError: crops too small, or ``classes`` without the embedding.
    """

    default_input: ClassVar[Input] = Input(
        160, 160, "rgb", "loose", mean=(0.5,) * 3, std=(128 / 255,) * 3
    )
    classifiers: ClassVar[tuple[str, ...]] = ("last_linear.", "last_bn.", "logits.")

    def __init__(
        self,
        spec: Input | None = None,
        *,
        pool: Literal["embedding"] | Pooling = "embedding",
        classes: int | None = None,
        dropout: float = 0.6,
    ) -> None:
        super().__init__(spec)
        if classes is not None and pool != "embedding":
            raise ValueError(f"the classifier of facenet follows pool embedding, not {pool}")
        height, width = map_size(self.spec, WINDOWS)
        self.conv2d_1a = Convolution(3, 32, 3, 2)
        self.conv2d_2a = Convolution(32, 32, 3)
        self.conv2d_2b = Convolution(32, 64, 3, same=True)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = Convolution(64, 80, 1)
        self.conv2d_4a = Convolution(80, 192, 3)
        self.conv2d_4b = Convolution(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = Reduction(
            256,
            ((384, 3, 2, False),),
            ((192, 1, 1, False), (192, 3, 1, True), (256, 3, 2, False)),
        )
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        narrow = (256, 1, 1, False)
        self.mixed_7a = Reduction(
            896,
            (narrow, (384, 3, 2, False)),
            (narrow, (256, 3, 2, False)),
            (narrow, (256, 3, 1, True), (256, 3, 2, False)),
        )
        self.repeat_3 = nn.Sequential(*(_block8() for _ in range(5)))
        self.block8 = _block8(1.0, relu=False)
        self.pool = Pool("avg" if pool == "embedding" else pool, 1792, height, width)
        self.size = self.pool.size
        self.embeds = pool == "embedding"
        if self.embeds:
            self.dropout = nn.Dropout(dropout)
            self.last_linear = nn.Linear(1792, 512, bias=False)
            self.last_bn = nn.BatchNorm1d(512, eps=0.001)
            self.logits = nn.Sequential() if classes is None else nn.Linear(512, classes)
            self.size = classes or 512

    def stages(self) -> list[nn.Module]:
        """The stem, then each group of blocks with the reduction after it, then the embedding."""
        stem = nn.Sequential(
            *(self.conv2d_1a, self.conv2d_2a, self.conv2d_2b),
            *(self.conv2d_3b, self.conv2d_4a, self.conv2d_4b),
        )
        groups = [
            nn.Sequential(self.repeat_1, self.mixed_6a),
            nn.Sequential(self.repeat_2, self.mixed_7a),
            nn.Sequential(self.repeat_3, self.block8),
        ]
        if not self.embeds:
            return [stem, *groups]
        return [stem, *groups, nn.ModuleList([self.dropout, self.last_linear, self.last_bn])]

    def forward(self, images: Tensor) -> Tensor:
        """Features (n, size), or logits; the embedding is not normalised."""
        maps = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(images)))
        maps = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(self.maxpool_3a(maps))))
        maps = self.mixed_6a(self.repeat_1(maps))
        maps = self.mixed_7a(self.repeat_2(maps))
        vectors: Tensor = self.pool(self.block8(self.repeat_3(maps)))
        if self.embeds:
            vectors = self.logits(self.last_bn(self.last_linear(self.dropout(vectors))))
        return vectors
