"""Backbones by name; to add one is to add a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from visavis.nets.backbones.alexnet import AlexNet
from visavis.nets.backbones.backbone import Backbone
from visavis.nets.backbones.blocks import Blocks
from visavis.nets.backbones.facenet import FaceNet
from visavis.nets.backbones.gradients import Gradients
from visavis.nets.backbones.iresnet import IResNet
from visavis.nets.backbones.koch import Koch
from visavis.nets.backbones.resnet import ResNet50, ResNet152
from visavis.nets.backbones.small import Small
from visavis.nets.input import Input
from visavis.nets.registry import build

BACKBONES: Final[Mapping[str, type[Backbone]]] = {
    "koch": Koch,
    "small": Small,
    "blocks": Blocks,
    "alexnet": AlexNet,
    "resnet50": ResNet50,
    "resnet152": ResNet152,
    "facenet": FaceNet,
    "iresnet": IResNet,
    "gradients": Gradients,
}


def build_backbone(name: str, spec: Input | None = None, **options: Any) -> Backbone:
    """A backbone with fresh weights.

    Args:
        name: one of :data:`BACKBONES`.
        spec: its crops; its ``default_input`` if ``None``.
        options: keyword arguments of its class.

    Raises:
        ValueError: an unknown name or option, or a shape that collapses.
    """
    return build("backbone", BACKBONES, name, options, {"spec": spec})
