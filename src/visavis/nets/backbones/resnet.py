"""ResNet-50 and ResNet-152, with torchvision's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Pool, Pooling, Window, map_size
from visavis.nets.input import IMAGENET_MEAN, IMAGENET_STD, Input

WINDOWS: Final = (
    Window("convolution 1", 7, 2, 3),
    Window("pool", 3, 2, 1),
    *(Window(f"layer {number}", 3, 2, 1) for number in (2, 3, 4)),
)
EXPANSION: Final = 4
LATER_BLOCK: Final = re.compile(r"layer\d\.[1-9]\d*\.")


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the stride is the 3x3 one's.

    It begins by adding nothing to its shortcut: its last batch norm is scaled by 0, with which deep
    networks begin to learn sooner (Goyal et al., Accurate, Large Minibatch SGD, 2017, section 5.1).
    """

    def __init__(self, planes: int, width: int, stride: int) -> None:
        super().__init__()
        wide = width * EXPANSION
        self.conv1 = nn.Conv2d(planes, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        nn.init.zeros_(self.bn3.weight)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential()
        if stride > 1 or planes != wide:
            self.downsample = nn.Sequential(
                nn.Conv2d(planes, wide, 1, stride=stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, planes, h, w) to (n, 4 width, h / stride, w / stride)."""
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        out: Tensor = self.relu(self.bn3(self.conv3(inner)) + self.downsample(maps))
        return out


class ResNet(Backbone):
    """A bottleneck ResNet; parameters named as in torchvision's.

    Source: He et al., Deep Residual Learning for Image Recognition, 2015, with the stride in the
    3x3 convolutions ("v1.5").

    Args:
        spec: crops; 224x224 colour, scaled as for ImageNet, unless told.
        pool: what becomes of the last 2,048 maps.
        classes: with the published classifier, this many logits come out instead of features.

    Raises:
        ValueError: ``classes`` with another pool than avg.
    """

    default_input: ClassVar[Input] = Input(
        224, 224, "rgb", "loose", mean=IMAGENET_MEAN, std=IMAGENET_STD
    )
    classifiers: ClassVar[tuple[str, ...]] = ("fc.",)
    depths: ClassVar[tuple[int, int, int, int]]

    def __init__(
        self,
        spec: Input | None = None,
        *,
        pool: Pooling = "avg",
        classes: int | None = None,
    ) -> None:
        super().__init__(spec)
        if classes is not None and pool != "avg":
            raise ValueError(f"the classifier of a ResNet follows pool avg, not {pool}")
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = self._layer(64, 64, self.depths[0], stride=1)
        self.layer2 = self._layer(256, 128, self.depths[1])
        self.layer3 = self._layer(512, 256, self.depths[2])
        self.layer4 = self._layer(1024, 512, self.depths[3])
        self.pool = Pool(pool, 2048, *map_size(self.spec, WINDOWS))
        self.fc = nn.Sequential() if classes is None else nn.Linear(2048, classes)
        self.size = classes or self.pool.size
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _layer(planes: int, width: int, depth: int, stride: int = 2) -> nn.Sequential:
        rest = (Bottleneck(width * EXPANSION, width, 1) for _ in range(depth - 1))
        return nn.Sequential(Bottleneck(planes, width, stride), *rest)

    def stages(self) -> list[nn.Module]:
        """The stem and the four layers, and the classifier if there is one."""
        stem = nn.Sequential(self.conv1, self.bn1)
        layers = [self.layer1, self.layer2, self.layer3, self.layer4]
        return [stem, *layers, *([self.fc] if isinstance(self.fc, nn.Linear) else [])]

    def grown(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """A shallower ResNet's weights, with the blocks that it lacks: they change nothing yet.

        A new block passes its maps on, as all of them come out of a ReLU. So the deeper network
        begins where the shallower one ended (Chen et al., Net2Net, 2016).
        """
        lacking = {
            name: tensor
            for name, tensor in self.state_dict().items()
            if name not in state and LATER_BLOCK.match(name)
        }
        return {**state, **lacking}

    def forward(self, images: Tensor) -> Tensor:
        """Features (n, size), or logits."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        vectors: Tensor = self.fc(self.pool(maps))
        return vectors


class ResNet50(ResNet):
    """ResNet-50: 25,557,032 parameters with 1,000 classes."""

    depths = (3, 4, 6, 3)


class ResNet152(ResNet):
    """ResNet-152: 60,192,808 parameters with 1,000 classes."""

    depths = (3, 8, 36, 3)
