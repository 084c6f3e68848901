"""ArcFace's residual network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Pool, Pooling, Window, map_size
from visavis.nets.input import Input

Activation = Literal["prelu", "relu"]


def _rectifier(kind: Activation, planes: int) -> nn.Module:
    if kind not in ("prelu", "relu"):
        raise ValueError(f"activation of an IResNet is prelu or relu, not {kind!r}")
    return nn.PReLU(planes) if kind == "prelu" else nn.ReLU(inplace=True)


class Block(nn.Module):
    """Batch norm, 3x3, batch norm, PReLU, 3x3 with the stride, batch norm; and a shortcut."""

    def __init__(self, planes: int, width: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv1 = nn.Conv2d(planes, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.prelu = _rectifier(activation, width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.downsample = nn.Sequential()
        if stride > 1 or planes != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(planes, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, planes, h, w) to (n, width, h / stride, w / stride)."""
        inner = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        out: Tensor = self.bn3(self.conv2(inner)) + self.downsample(maps)
        return out


class IResNet(Backbone):
    """The improved residual network that ArcFace trains, IResNet-18 unless told.

    Chosen over MobileFaceNet because it is *trained* here: dense 3x3 convolutions run on the
    matrix units of CPUs and GPUs, while a depthwise one at 128 filters takes as long to train in
    bf16 as the 1x1 convolution beside it, with a fourteenth of its arithmetic. Parameters are
    named as ArcFace's. Source: Deng et al., ArcFace, 2019; Duta et al., Improved Residual
    Networks, 2020.

    Args:
        spec: crops; 112x112 colour scaled to -1..1 unless told.
        depths: blocks of each of the four layers; IResNet-50 has (3, 4, 14, 3).
        width: filters of the first layer, doubled in each next one.
        stem_stride: 2 halves the maps at once: about 3.5 times as fast, for less detail.
        units: length of the vectors.
        pool: ``flatten`` keeps where things are, as ArcFace does; ``avg`` saves parameters.
        activation: ``prelu``, as ArcFace, or ``relu``, which saves a sixth of the time on CPUs.
        dropout: before the last linear layer.

    Raises:
        ValueError: not four depths, an unknown pool or activation, or crops too small.
    """

    default_input: ClassVar[Input] = Input(112, 112, "rgb", "arcface", mean=(0.5,), std=(0.5,))

    def __init__(
        self,
        spec: Input | None = None,
        *,
        depths: Sequence[int] = (2, 2, 2, 2),
        width: int = 64,
        stem_stride: int = 1,
        units: int = 512,
        pool: Pooling = "flatten",
        activation: Activation = "prelu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(spec)
        if len(depths) != 4:
            raise ValueError(f"an IResNet has four depths, not {len(depths)}")
        self.conv1 = nn.Conv2d(
            self.spec.planes, width, 3, stride=stem_stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = _rectifier(activation, width)
        self.layer1 = self._layer(width, width, depths[0], activation)
        self.layer2 = self._layer(width, 2 * width, depths[1], activation)
        self.layer3 = self._layer(2 * width, 4 * width, depths[2], activation)
        self.layer4 = self._layer(4 * width, 8 * width, depths[3], activation)
        self.bn2 = nn.BatchNorm2d(8 * width)
        layers = [Window(f"layer {number}", 3, 2, 1) for number in range(1, 5)]
        left = map_size(self.spec, [Window("stem", 3, stem_stride, 1), *layers])
        self.pool = Pool(pool, 8 * width, *left)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.pool.size, units)
        self.features = nn.BatchNorm1d(units)
        # Every direction of the embedding counts alike: the last scale stays 1, as ArcFace has it.
        self.features.weight.requires_grad_(False)
        self.size = units
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _layer(planes: int, width: int, depth: int, activation: Activation) -> nn.Sequential:
        rest = (Block(width, width, 1, activation) for _ in range(depth - 1))
        return nn.Sequential(Block(planes, width, 2, activation), *rest)

    def stages(self) -> list[nn.Module]:
        """The stem, the four layers, and what makes the vector."""
        stem = nn.Sequential(self.conv1, self.bn1, self.prelu)
        last = nn.ModuleList([self.bn2, self.dropout, self.fc, self.features])
        return [stem, self.layer1, self.layer2, self.layer3, self.layer4, last]

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, units), not normalised."""
        maps = self.prelu(self.bn1(self.conv1(images)))
        maps = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(maps)))))
        vectors: Tensor = self.features(self.fc(self.dropout(self.pool(maps))))
        return vectors
