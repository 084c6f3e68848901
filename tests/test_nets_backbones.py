"""Backbones: shapes, counts, initialisation, options, and what they say when they cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from visavis.nets.backbones import BACKBONES, build_backbone
from visavis.nets.backbones.layers import Window, map_size
from visavis.nets.backbones.resnet import Bottleneck, ResNet
from visavis.nets.input import Input, Scale, to_images

SMALL = {
    "koch": ((105, 105), {"units": 16}),
    "small": ((33, 33), {"units": 16}),
    "blocks": ((40, 40), {"units": 16}),
    "alexnet": ((64, 64), {}),
    "resnet50": ((64, 64), {}),
    "resnet152": ((64, 64), {}),
    "facenet": ((80, 80), {}),
    "iresnet": ((112, 112), {"width": 8}),
    "gradients": ((40, 40), {}),
}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_every_backbone_gives_vectors_of_its_size_from_colour_and_from_grey(name, colour) -> None:
    (width, height), options = SMALL[name]
    spec = replace(BACKBONES[name].default_input, width=width, height=height, colour=colour)
    backbone = build_backbone(name, spec, **options).eval()
    crops = torch.randint(0, 256, (2, height, width, spec.channels), dtype=torch.uint8)
    with torch.no_grad():
        vectors = backbone(Scale(spec)(to_images(crops)))
    assert vectors.shape == (2, backbone.size)
    assert vectors.isfinite().all()
    assert not torch.equal(vectors[0], vectors[1])


@pytest.mark.parametrize(
    ("name", "count"),
    [("alexnet", 61_100_840), ("resnet50", 25_557_032), ("resnet152", 60_192_808)],
)
def test_parameters_with_1000_classes_are_the_published_ones(name, count) -> None:
    with torch.device("meta"):
        assert parameters(build_backbone(name, classes=1000)) == count


def test_stages_hold_every_parameter_once() -> None:
    for name, (_, options) in SMALL.items():
        with torch.device("meta"):
            backbone = build_backbone(name, **options)
        staged = [id(p) for stage in backbone.stages() for p in stage.parameters()]
        assert sorted(staged) == sorted(id(p) for p in backbone.parameters()), name


def test_koch_shapes_are_the_published_ones() -> None:
    koch = build_backbone("koch", units=32)
    maps, shapes = torch.zeros(1, 1, 105, 105), []
    for block in koch.convolutions:
        maps = block(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(64, 48, 48), (128, 21, 21), (128, 9, 9), (256, 6, 6)]
    assert koch.dense.in_features == 9216
    assert koch.default_input == Input(105, 105, "grey", "arcface")


def test_koch_is_initialised_as_published() -> None:
    torch.manual_seed(0)
    koch = build_backbone("koch", units=2048)
    layers = [block.convolution for block in koch.convolutions]
    for layer, spread in [*((layer, 0.01) for layer in layers), (koch.dense, 0.2)]:
        weight, bias = layer.weight.detach(), layer.bias.detach()
        assert abs(float(weight.mean())) < 4 * spread / weight.numel() ** 0.5
        assert float(weight.std()) == pytest.approx(spread, rel=0.05)
        assert abs(float(bias.mean()) - 0.5) < 4 * 0.01 / bias.numel() ** 0.5
        assert float(bias.std()) == pytest.approx(0.01, rel=0.3)


def test_koch_options_leave_parameter_names_and_add_what_they_say() -> None:
    plain = build_backbone("koch", units=8)
    both = build_backbone("koch", units=8, dropout=0.3, batchnorm=True)
    assert set(plain.state_dict()) < set(both.state_dict())
    assert [m.p for m in both.modules() if isinstance(m, nn.Dropout)] == [0.3] * 4
    assert len([m for m in both.modules() if isinstance(m, nn.BatchNorm2d)]) == 4


def test_small_halves_at_each_layer() -> None:
    spec = Input(96, 96, "grey", "loose")
    # 96 -> 47 -> 23; as published, 250 -> 124 -> 61.
    assert build_backbone("small", spec, units=8).dense.in_features == 64 * 23 * 23
    assert build_backbone("small", units=1).dense.in_features == 64 * 61 * 61
    deep = build_backbone("small", spec, layers=5, filters=32, kernel=3, dropout=0.7, units=8)
    assert [m.p for m in deep.modules() if isinstance(m, nn.Dropout)] == [0.7] * 5
    assert len(deep.stages()) == 6


def test_blocks_are_free() -> None:
    blocks = [
        {"filters": 32, "kernel": 10, "stride": 2, "activation": "tanh", "pool": "avg"},
        {"filters": 96, "kernel": 1, "pool_size": 1},
    ]
    network = build_backbone("blocks", blocks=blocks, units=10, batchnorm=True)
    first, second = network.blocks
    assert [type(part).__name__ for part in first] == ["Conv2d", "BatchNorm2d", "Tanh", "AvgPool2d"]
    assert [type(part).__name__ for part in second] == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert network.dense.in_features == 96 * 54 * 54  # (224 - 10) // 2 + 1 = 108, pooled by 2
    assert network(torch.zeros(2, 3, 224, 224)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "size", "options", "message"),
    [
        ("blocks", 16, {"blocks": [{"pool_size": 8}, {"kernel": 3}]}, "block 2's convolution"),
        ("blocks", 16, {"blocks": [{}, {"pool_size": 8}]}, "block 2's pool: a window of 8x8"),
        ("koch", 40, {}, "pool 3: a window of 2x2 does not fit the 1x1 map"),
        ("small", 7, {"layers": 5}, "convolution 3"),
        ("alexnet", 40, {}, "pool 3"),
        ("facenet", 60, {}, "mixed_7a"),
        ("blocks", 64, {"blocks": []}, "at least one block"),
        ("blocks", 64, {"blocks": [{"filter": 3}]}, "no 'filter'; it has: filters"),
        ("blocks", 64, {"blocks": [{"stride": 0}]}, "stride is at least 1"),
        ("blocks", 64, {"blocks": [{"pool": "mean"}]}, "max or avg"),
        ("blocks", 64, {"activation": "gelu"}, "relu, tanh"),
        ("alexnet", 64, {"pool": "mean"}, "avg, max or flatten"),
        ("resnet50", 64, {"pool": "max", "classes": 3}, "follows pool avg"),
        ("facenet", 80, {"pool": "max", "classes": 3}, "follows pool embedding"),
        ("iresnet", 112, {"depths": (1, 2)}, "four depths"),
        ("iresnet", 112, {"activation": "tanh"}, "prelu or relu"),
        ("koch", 105, {"layers": 3}, "no option 'layers'; its options are: units"),
        ("vgg", 64, {}, "no backbone 'vgg'; there are: alexnet"),
    ],
)
def test_what_cannot_be_built_says_why(name, size, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        build_backbone(name, Input(size, size, "rgb", "arcface"), **options)


@pytest.mark.parametrize("name", ["alexnet", "resnet50", "facenet"])
def test_pooling_changes_the_size_of_the_features(name) -> None:
    spec = replace(BACKBONES[name].default_input, width=112, height=112)
    with torch.device("meta"):
        sizes = {p: build_backbone(name, spec, pool=p).size for p in ("avg", "max", "flatten")}
        flat = build_backbone(name, spec, pool="flatten")
        assert flat.eval()(torch.empty(1, 3, 112, 112)).shape == (1, sizes["flatten"])
    assert sizes["avg"] == sizes["max"] == {"alexnet": 256, "resnet50": 2048, "facenet": 1792}[name]
    assert sizes["flatten"] > sizes["avg"] and sizes["flatten"] % sizes["avg"] == 0


def test_iresnet_18_is_arcfaces() -> None:
    with torch.device("meta"):
        network = build_backbone("iresnet")
    assert parameters(network) == 24_025_600  # insightface's iresnet18
    names = set(network.state_dict())
    assert {"layer1.0.downsample.1.running_var", "layer4.1.prelu.weight", "fc.bias"} <= names
    assert not network.features.weight.requires_grad
    plain = build_backbone("iresnet", width=8, activation="relu")
    assert not any(isinstance(module, nn.PReLU) for module in plain.modules())
    assert plain.eval()(torch.zeros(1, 3, 112, 112)).shape == (1, 512)


def test_map_size_agrees_with_torch() -> None:
    windows = [Window("a", 7, 2, 3), Window("b", 3, 2), Window("c", 4, 3, 1)]
    layers = nn.Sequential(*(nn.MaxPool2d(w.kernel, w.stride, w.padding) for w in windows))
    for height, width in [(57, 64), (112, 96), (31, 45)]:
        maps = layers(torch.zeros(1, 1, height, width))
        assert tuple(maps.shape[2:]) == map_size(Input(width, height, "grey", "arcface"), windows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"colour": "bgr"},
        {"mean": (0.5, 0.5)},
        {"mean": (0.5,) * 3},
    ],
)
def test_an_input_that_cannot_be_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"empty|rgb or grey|both"):
        replace(Input(10, 10, "rgb", "arcface"), **wrong)


def test_scaling_is_the_declared_one() -> None:
    crops = torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)
    facenet = Scale(BACKBONES["facenet"].default_input)(to_images(crops)).flatten()
    assert facenet.tolist() == pytest.approx([(x - 127.5) / 128 for x in (0, 127, 255)], abs=1e-6)
    imagenet = Scale(BACKBONES["alexnet"].default_input)(to_images(crops)).flatten()
    assert imagenet[2].item() == pytest.approx((1 - 0.406) / 0.225, rel=1e-6)
    grey = Scale(BACKBONES["koch"].default_input)(to_images(crops[..., 1:2]))
    assert grey.item() == pytest.approx(127 / 255)


def test_a_deeper_resnet_begins_where_a_shallower_one_ended() -> None:
    class Shallow(ResNet):
        depths = (1, 2, 1, 1)

    class Deep(ResNet):
        depths = (2, 3, 12, 1)

    spec = Input(32, 32, "rgb", "loose")
    torch.manual_seed(0)
    shallow, deep = Shallow(spec), Deep(spec)
    images = torch.rand(4, 3, 32, 32)
    for block in shallow.modules():
        if isinstance(block, Bottleneck):
            torch.nn.init.uniform_(block.bn3.weight)  # as if it had learned
    shallow.train()(images)  # so that its batch norms have seen something
    deep.load_state_dict(deep.grown(shallow.state_dict()))
    with torch.no_grad():
        assert torch.equal(deep.eval()(images), shallow.eval()(images))
    deep.train()(images).sum().backward()
    assert all(block.bn3.weight.grad.abs().sum() > 0 for block in deep.layer3)  # and it learns


def test_an_untrained_resnet_adds_nothing_to_its_shortcuts() -> None:
    block = Bottleneck(16, 4, 1)
    maps = torch.rand(2, 16, 8, 8)
    assert torch.equal(block(maps), maps)


def test_a_resnet_does_not_grow_from_another_network() -> None:
    with torch.device("meta"):
        facenet, resnet = build_backbone("facenet"), build_backbone("resnet152")
    grown = resnet.grown(facenet.state_dict())
    assert grown.keys() != resnet.state_dict().keys()


def test_an_untrained_alexnet_passes_its_signal_on() -> None:
    torch.manual_seed(0)
    backbone = build_backbone("alexnet", Input(160, 160, "rgb", "loose")).eval()
    images = torch.randn(4, 3, 160, 160)
    with torch.no_grad():
        first = backbone.features[0](images).std()
        last = backbone.features[:11](images).std()
    assert 0.5 < last / first < 5  # by torch's own initialisation, 0.08
