"""Networks equal the model sources of torchvision and facenet-pytorch.

The wheels lie, unpacked and without their dependencies, in ``.venv/reference`` (``make test`` puts
them there) or in the folder that VISAVIS_REFERENCE names. Only single files of them are loaded,
beside stand-ins for what those import: torchvision's compiled operators are never touched.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from visavis.nets.backbones import build_backbone
from visavis.nets.pretrained import load_state

FOLDER = Path(
    os.environ.get("VISAVIS_REFERENCE") or Path(__file__).parents[1] / ".venv" / "reference"
)


class NoWeights:
    """Of torchvision's tables of weights: none is asked for."""

    @staticmethod
    def verify(weights: None) -> None:
        assert weights is None


class StandIn(ModuleType):
    """Whatever is imported from it: a class, a decorator or a table, each of no effect."""

    WeightsEnum = NoWeights
    _IMAGENET_CATEGORIES = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: lambda function: function


def load(monkeypatch: pytest.MonkeyPatch, file: str, stand_ins: list[str]) -> ModuleType:
    path = FOLDER / file
    if not path.is_file():
        pytest.skip(f"no {file} in {FOLDER}: `make test` puts it there")
    name = file.removesuffix(".py").replace("/", ".")
    parts = name.split(".")
    parents = [".".join(parts[:end]) for end in range(1, len(parts))]
    for stand_in in [*parents, *stand_ins]:
        module = StandIn(stand_in)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, stand_in, module)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def torchvision(monkeypatch: pytest.MonkeyPatch, file: str) -> ModuleType:
    imported = ["transforms", "transforms._presets", "utils", "models._api", "models._meta"]
    names = [f"torchvision.{name}" for name in [*imported, "models._utils"]]
    return load(monkeypatch, f"torchvision/models/{file}.py", names)


def unsettle(network: nn.Module) -> nn.Module:
    """Random statistics: with fresh ones, batch norms in the wrong place would go unseen."""
    torch.manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(layer.weight, 0.6, 0.9)
            nn.init.normal_(layer.bias, 0, 0.1)
    return network.eval()


def assert_equal(ours: nn.Module, theirs: nn.Module, side: int) -> None:
    torch.manual_seed(2)
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        mine, reference = ours.eval()(images), theirs(images)
    assert reference.std() > 0
    torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-5 * float(reference.std()))


@pytest.mark.parametrize(
    ("file", "name", "head"),
    [
        ("alexnet", "alexnet", "classifier"),
        ("resnet", "resnet50", "fc"),
        ("resnet", "resnet152", "fc"),
    ],
)
def test_equals_torchvision(monkeypatch, file, name, head) -> None:
    theirs = unsettle(getattr(torchvision(monkeypatch, file), name)())
    ours = build_backbone(name, classes=1000)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    load_state(ours, theirs.state_dict())
    assert_equal(ours, theirs, 96)
    features = build_backbone(name)
    load_state(features, theirs.state_dict())
    if name == "alexnet":
        theirs.avgpool = nn.AdaptiveAvgPool2d(1)
    setattr(theirs, head, nn.Identity())
    assert_equal(features, theirs, 96)


def test_equals_facenet_pytorch(monkeypatch) -> None:
    stand_ins = ["requests", "requests.adapters", "facenet_pytorch.models.utils"]
    file = "facenet_pytorch/models/inception_resnet_v1.py"
    source = load(monkeypatch, file, [*stand_ins, "facenet_pytorch.models.utils.download"])
    theirs = unsettle(source.InceptionResnetV1(classify=True, num_classes=7))
    ours = build_backbone("facenet", classes=7)
    assert set(ours.state_dict()) == set(theirs.state_dict())
    load_state(ours, theirs.state_dict())
    assert_equal(ours, theirs, 160)
    theirs.classify = False
    embedding = build_backbone("facenet")
    load_state(embedding, theirs.state_dict())
    with torch.no_grad():
        images = torch.randn(2, 3, 160, 160)
        mine = nn.functional.normalize(embedding.eval()(images))
        torch.testing.assert_close(mine, theirs(images), rtol=1e-4, atol=1e-6)
