"""AlexNet, with torchvision's names."""

from __future__ import annotations

import itertools
from typing import ClassVar, Final, cast

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import Pool, Pooling, Window, map_size
from visavis.nets.input import IMAGENET_MEAN, IMAGENET_STD, Input

WINDOWS: Final = (
    Window("convolution 1", 11, 4, 2),
    Window("pool 1", 3, 2),
    Window("convolution 2", 5, 1, 2),
    Window("pool 2", 3, 2),
    Window("pool 3", 3, 2),  # the convolutions before it keep the size
)


class AlexNet(Backbone):
    """Five convolutions; parameters named as in torchvision's ``alexnet``.

    The layout is that of Krizhevsky, One weird trick for parallelizing convolutional neural
    networks, 2014.

    Args:
        spec: crops; 224x224 colour, scaled as for ImageNet, unless told.
        pool: what becomes of the last 256 maps.
        classes: with the three dense layers of the published classifier, this many logits come out
            instead of features (1,000 classes: 61,100,840 parameters).
        dropout: of the classifier.

    Raises:
        ValueError: crops too small; the message names the layer.
    """

    default_input: ClassVar[Input] = Input(
        224, 224, "rgb", "loose", mean=IMAGENET_MEAN, std=IMAGENET_STD
    )
    classifiers: ClassVar[tuple[str, ...]] = ("classifier.",)

    def __init__(
        self,
        spec: Input | None = None,
        *,
        pool: Pooling = "avg",
        classes: int | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(spec)
        self.pool: nn.Module
        height, width = map_size(self.spec, WINDOWS)
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        )
        if classes is None:
            pooled = Pool(pool, 256, height, width)
            self.pool, self.size = pooled, pooled.size
            self.classifier = nn.Sequential()
        else:
            self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(6), nn.Flatten())
            self.size = classes
            self.classifier = nn.Sequential(
                *(nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True)),
                *(nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True)),
                nn.Linear(4096, classes),
            )

        for layer in self.features:  # torch's default halves the signal at every layer
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(cast("Tensor", layer.bias))

    def stages(self) -> list[nn.Module]:
        """The five convolutions, each with what follows it, and the classifier if there is one."""
        cuts = (0, 3, 6, 8, 10, 13)
        groups = [self.features[start:end] for start, end in itertools.pairwise(cuts)]
        return [*groups, *([self.classifier] if len(self.classifier) else [])]

    def forward(self, images: Tensor) -> Tensor:
        """Features (n, size), or logits."""
        vectors: Tensor = self.classifier(self.pool(self.features(images)))
        return vectors
