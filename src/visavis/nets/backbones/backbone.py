"""What every backbone has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from visavis.nets.input import Input


class Backbone(nn.Module):
    """Scaled images (n, planes, height, width) float in, vectors (n, size) out.

    Attributes:
        default_input: the crops it was made for.
        classifiers: beginnings of the names of layers after the features; public weights carry
            them, and they are dropped where the backbone was built without.
        spec: the crops that this one takes.
        size: length of the vectors.
    """

    default_input: ClassVar[Input]
    classifiers: ClassVar[tuple[str, ...]] = ()
    spec: Input
    size: int

    def __init__(self, spec: Input | None) -> None:
        super().__init__()
        self.spec = spec or self.default_input

    def stages(self) -> list[nn.Module]:
        """Its parts from the image up; freezing n stages freezes the first n."""
        raise NotImplementedError

    def grown(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The weights of a smaller network of its kind as a start for this one.

        Args:
            state: names to tensors.

        Returns:
            ``state`` itself, unless a backbone knows better.
        """
        return state
