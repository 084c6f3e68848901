"""The encoder: crops to embeddings, freezing, precision."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from visavis.nets.backbones import build_backbone
from visavis.nets.encoder import Encoder
from visavis.nets.input import Input, to_images

SPEC = Input(32, 32, "rgb", "arcface", mean=(0.5,), std=(0.5,))


@pytest.fixture
def crops() -> Tensor:
    torch.manual_seed(0)
    return torch.randint(0, 256, (6, 32, 32, 3), dtype=torch.uint8)


def encoder(embedding: int | None = 16, **options) -> Encoder:
    torch.manual_seed(0)
    backbone = build_backbone("iresnet", SPEC, width=8, depths=(1, 1, 1, 1), units=24, dropout=0.5)
    return Encoder(backbone, embedding, **options)


def test_embeddings_are_float32_of_length_one(crops) -> None:
    embeddings = encoder()(crops)
    assert embeddings.shape == (6, 16) and embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(6))
    assert encoder(None).size == 24
    lengths = encoder(None, normalise=False)(crops).norm(dim=1)
    assert (lengths - 1).abs().min() > 0.1


def test_the_projection_has_a_bias_only_without_batch_norm() -> None:
    assert [type(m).__name__ for m in encoder().projection] == ["Linear", "BatchNorm1d"]
    assert encoder().projection[0].bias is None
    assert encoder(batchnorm=False).projection[0].bias is not None


def test_images_in_0_to_1_embed_as_their_crops(crops) -> None:
    network = encoder().eval()
    torch.testing.assert_close(network.encode_images(to_images(crops)), network(crops))


def test_a_flipped_encoder_knows_no_left_and_right_out_of_training(crops) -> None:
    network = encoder(flip=True).eval()
    torch.testing.assert_close(network(crops), network(crops.flip(2)), atol=1e-5, rtol=1e-4)
    plain = encoder().eval()
    assert (plain(crops) - plain(crops.flip(2))).abs().max() > 1e-3


def train_once(network: Encoder, crops: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    before = copy.deepcopy(network.state_dict())
    network.train()
    optimiser = torch.optim.SGD((p for p in network.parameters() if p.requires_grad), lr=0.1)
    network(crops)[:, 0].sum().backward()
    optimiser.step()
    return before, network.state_dict()


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_a_frozen_backbone_stays_while_the_projection_learns(crops) -> None:
    network = encoder()
    network.freeze("all")
    names = changed(*train_once(network, crops))
    assert names and all(name.startswith("projection.") for name in names)
    assert not any(m.training for m in network.backbone.modules())
    # Nothing in it is random or depends on the batch: what it computes can be cached.
    torch.testing.assert_close(
        network.backbone(torch.ones(2, 3, 32, 32))[0], network.backbone(torch.ones(1, 3, 32, 32))[0]
    )


def test_partly_frozen(crops) -> None:
    network = encoder()
    network.freeze(2)  # the stem and the first layer
    names = changed(*train_once(network, crops))
    assert not any(
        n.startswith(("backbone.conv1", "backbone.bn1", "backbone.layer1")) for n in names
    )
    assert {"backbone.layer2.0.bn1.running_mean", "backbone.layer2.0.conv1.weight"} <= names
    network.freeze("none")
    names = changed(*train_once(network, crops))
    assert {"backbone.conv1.weight", "backbone.bn1.running_mean"} <= names
    assert not network.backbone.features.weight.requires_grad  # fixed by design, not by freezing


def test_freezing_more_than_there_is_says_how_much_there_is() -> None:
    for wrong in (7, -1, "half"):
        with pytest.raises(ValueError, match="from 0 to 6"):
            encoder().freeze(wrong)


@pytest.mark.parametrize("name", ["koch", "small", "blocks", "iresnet", "facenet"])
def test_bf16_trains_and_stays_near_float32(name) -> None:
    torch.manual_seed(0)
    side = {"koch": 105, "facenet": 80}.get(name, 48)
    spec = Input(side, side, "grey", "arcface", mean=(0.5,), std=(0.5,))
    if name == "facenet":
        spec = Input(side, side, "grey", "arcface", mean=(0.5,) * 3, std=(0.5,) * 3)
    network = Encoder(build_backbone(name, spec), 8)
    crops = torch.randint(0, 256, (4, side, side, 1), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = network(crops)
    assert embeddings.dtype == torch.float32
    (embeddings * torch.arange(8)).sum().backward()
    grads = [p.grad for p in network.parameters() if p.requires_grad]
    assert all(grad is not None and grad.isfinite().all() for grad in grads)
    network.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        half = network(crops)
    with torch.no_grad():
        assert nn.functional.cosine_similarity(half, network(crops)).min() > 0.98
