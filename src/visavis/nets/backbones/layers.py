"""Layers that several backbones are made of, and the sizes of the maps between them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from torch import Tensor, nn

from visavis.nets.backbones.dropout import Dropout
from visavis.nets.input import Input

Pooling = Literal["avg", "max", "flatten"]
Activation = Literal["relu", "tanh", "sigmoid", "none"]

ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}


class Window(NamedTuple):
    """A square window of a convolution or a pool that moves over a map."""

    name: str
    kernel: int
    stride: int = 1
    padding: int = 0


def map_size(spec: Input, windows: Iterable[Window]) -> tuple[int, int]:
    """Height and width of what is left of a crop after windows, one after another.

    Raises:
        ValueError: a window is larger than the map that reaches it; it names the window.
    """
    height, width = spec.height, spec.width
    for window in windows:
        padded = min(height, width) + 2 * window.padding
        if window.kernel > padded:
            raise ValueError(
                f"{window.name}: a window of {window.kernel}x{window.kernel} does not fit the "
                f"{width}x{height} map that reaches it from crops of {spec.width}x{spec.height}; "
                "take larger crops, smaller windows or strides, or fewer layers"
            )
        height, width = (
            (side + 2 * window.padding - window.kernel) // window.stride + 1
            for side in (height, width)
        )
    return height, width


class Pool(nn.Module):
    """Maps (n, c, h, w) to vectors: the average or the maximum of each map, or all of them.

    Attributes:
        size: length of the vectors.

    Raises:
        ValueError: an unknown kind.
    """

    def __init__(self, kind: Pooling, channels: int, height: int, width: int) -> None:
        super().__init__()
        if kind not in ("avg", "max", "flatten"):
            raise ValueError(f"pool is avg, max or flatten, not {kind!r}")
        self.kind = kind
        self.size = channels * height * width if kind == "flatten" else channels

    def forward(self, maps: Tensor) -> Tensor:
        """Pool maps."""
        if self.kind == "avg":
            return maps.mean((2, 3))
        return maps.amax((2, 3)) if self.kind == "max" else maps.flatten(1)


def activation_layer(name: Activation) -> nn.Module:
    """The activation called ``name``.

    Raises:
        ValueError: an unknown name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, not {name!r}")
    return ACTIVATIONS[name]()


def convolution_block(
    convolution: nn.Conv2d,
    activate: Activation = "relu",
    *,
    batchnorm: bool = False,
    dropout: float = 0.0,
    pool: nn.Module | None = None,
) -> nn.Sequential:
    """Convolution, then in this order what there is of batch norm, activation, pool, dropout.

    Parts are named, so that parameters keep their names whatever the options.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict(convolution=convolution)
    if batchnorm:
        parts["norm"] = nn.BatchNorm2d(convolution.out_channels)
    parts["activation"] = activation_layer(activate)
    if pool is not None:
        parts["pool"] = pool
    if dropout:
        parts["dropout"] = Dropout(dropout)
    return nn.Sequential(parts)
