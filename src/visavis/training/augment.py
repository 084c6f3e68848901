"""Random changes of a batch of crops, on the device that trains."""

from __future__ import annotations

import kornia.augmentation as augmentations
from torch import Tensor, nn

from visavis.training.recipe import AugmentPart


class Augment(nn.Module):
    """A recipe's augmentation, one draw for each image; nothing out of training.

    Images (n, c, h, w) float in 0..1 in and out.
    """

    def __init__(self, part: AugmentPart) -> None:
        super().__init__()
        self.steps = nn.Sequential(*_steps(part))

    def forward(self, images: Tensor) -> Tensor:
        """Change a batch."""
        if not self.training or not len(self.steps):
            return images
        changed: Tensor = self.steps(images)
        return changed.clamp(0, 1)


def _steps(part: AugmentPart) -> list[nn.Module]:
    steps: list[nn.Module] = []
    if part.flip:
        steps.append(augmentations.RandomHorizontalFlip(p=0.5))
    if part.koch:
        steps += _koch()
    if part.shift or part.scale or part.rotate:
        steps.append(
            augmentations.RandomAffine(
                degrees=part.rotate,
                translate=(part.shift, part.shift),
                scale=(1 - part.scale, 1 + part.scale),
                padding_mode="border",
                p=1.0,
            )
        )
    if part.colour:
        s = part.colour
        steps.append(augmentations.ColorJitter(s, s, s, 0.0, p=0.8))
    if part.blur:
        steps.append(augmentations.RandomGaussianBlur((5, 5), (0.1, 2.0), p=part.blur))
    if part.erase:
        steps.append(augmentations.RandomErasing(scale=(0.02, 0.2), p=part.erase))
    return steps


def _koch() -> list[nn.Module]:
    """Koch et al. (2015), section 3.2: each of four affine components with probability one half.

    Rotation within 10 degrees, shear within 0.3 (17.2 degrees) on both axes, scale within 0.8 to
    1.2, translation within 2 of 105 pixels.
    """
    common = {"p": 0.5, "padding_mode": "border"}
    return [
        augmentations.RandomAffine(degrees=10.0, **common),
        augmentations.RandomAffine(degrees=0.0, shear=(-17.2, 17.2, -17.2, 17.2), **common),
        augmentations.RandomAffine(degrees=0.0, scale=(0.8, 1.2, 0.8, 1.2), **common),
        augmentations.RandomAffine(degrees=0.0, translate=(2 / 105, 2 / 105), **common),
    ]
