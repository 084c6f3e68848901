"""Convolution blocks with everything free: a space to search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.layers import (
    Activation,
    Window,
    activation_layer,
    convolution_block,
    map_size,
)
from visavis.nets.input import Input


@dataclass(frozen=True)
class Block:
    """One convolution and its pool.

    Attributes:
        filters, kernel, stride: of the convolution, without padding.
        activation: ``relu``, ``tanh``, ``sigmoid`` or ``none``.
        pool, pool_size: ``max`` or ``avg`` over windows of this side, side by side; 1 is no pool.
    """

    filters: int = 32
    kernel: int = 3
    stride: int = 1
    activation: Activation = "relu"
    pool: Literal["max", "avg"] = "max"
    pool_size: int = 2

    def __post_init__(self) -> None:
        for name in ("filters", "kernel", "stride", "pool_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"a block's {name} is at least 1, not {getattr(self, name)}")
        if self.pool not in ("max", "avg"):
            raise ValueError(f"a block's pool is max or avg, not {self.pool!r}")

    @classmethod
    def of(cls, options: Block | Mapping[str, Any]) -> Block:
        """A block from a recipe's table.

        Raises:
            ValueError: an unknown key.
        """
        if isinstance(options, Block):
            return options
        known = [field.name for field in fields(cls)]
        for key in options:
            if key not in known:
                raise ValueError(f"a block has no {key!r}; it has: {', '.join(known)}")
        return cls(**options)

    def windows(self, number: int) -> tuple[Window, Window]:
        """Its two windows, named for messages."""
        return (
            Window(f"block {number}'s convolution", self.kernel, self.stride),
            Window(f"block {number}'s pool", self.pool_size, self.pool_size),
        )

    def module(self, planes: int, batchnorm: bool) -> nn.Sequential:
        """Its layers."""
        pools = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}
        return convolution_block(
            nn.Conv2d(planes, self.filters, self.kernel, self.stride),
            self.activation,
            batchnorm=batchnorm,
            pool=pools[self.pool](self.pool_size) if self.pool_size > 1 else None,
        )


class Blocks(Backbone):
    """Any convolution blocks, then one dense layer.

    Args:
        spec: crops; 224x224 colour in 0..1 unless told.
        blocks: one table per block, see :class:`Block`.
        units: of the dense layer.
        activation: of the dense layer.
        batchnorm: after each convolution, before its activation, and before the dense layer.

    Raises:
        ValueError: no blocks, an unknown key, or a map that collapses; it names the layer.
    """

    default_input: ClassVar[Input] = Input(224, 224, "rgb", "loose")

    def __init__(
        self,
        spec: Input | None = None,
        *,
        blocks: Sequence[Block | Mapping[str, Any]] = (Block(), Block(64), Block(128)),
        units: int = 128,
        activation: Activation = "none",
        batchnorm: bool = False,
    ) -> None:
        super().__init__(spec)
        if not blocks:
            raise ValueError("a network of blocks has at least one block")
        chosen = [Block.of(block) for block in blocks]
        windows = [
            window for number, block in enumerate(chosen, 1) for window in block.windows(number)
        ]
        height, width = map_size(self.spec, windows)
        planes = [self.spec.planes, *(block.filters for block in chosen)]
        self.blocks = nn.Sequential(
            *(block.module(into, batchnorm) for block, into in zip(chosen, planes, strict=False))
        )
        numbers = planes[-1] * height * width
        self.norm = nn.BatchNorm1d(numbers) if batchnorm else nn.Identity()
        self.dense = nn.Linear(numbers, units)
        self.activation = activation_layer(activation)
        self.size = units

    def stages(self) -> list[nn.Module]:
        """The blocks, and the dense layer with its batch norm."""
        return [*self.blocks, nn.ModuleList([self.norm, self.dense])]

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (n, units)."""
        flat = self.norm(self.blocks(images).flatten(1))
        vectors: Tensor = self.activation(self.dense(flat))
        return vectors
