"""ONNX copies give what torch gives; ResNet-152 is ResNet-50 with more of the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from test_nets_backbones import SMALL
from visavis.nets.backbones import BACKBONES, build_backbone
from visavis.nets.encoder import Encoder
from visavis.nets.export import export_encoder, export_head
from visavis.nets.heads import HEADS, build_head


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "resnet152"])
def test_encoders_agree_in_onnxruntime_at_any_batch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    (width, height), options = SMALL[name]
    spec = replace(BACKBONES[name].default_input, width=width, height=height)
    encoder = Encoder(build_backbone(name, spec, **options), 8, flip=name == "iresnet")
    encoder.train()
    path = tmp_path / "encoder.onnx"
    export_encoder(encoder, path)
    assert encoder.training  # exporting in the middle of training leaves it there
    session = onnxruntime.InferenceSession(path)
    (crops_in,) = session.get_inputs()
    assert (crops_in.name, crops_in.type) == ("crops", "tensor(uint8)")
    assert crops_in.shape == ["batch", height, width, spec.channels]
    encoder.eval()
    for count in (1, 3):
        crops = torch.randint(0, 256, (count, height, width, spec.channels), dtype=torch.uint8)
        (embeddings,) = session.run(["embeddings"], {"crops": crops.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(embeddings, encoder(crops).numpy(), atol=1e-4)


def test_a_mirror_image_shares_the_weights_of_its_crop(tmp_path: Path) -> None:
    """A graph that uses a weight twice is compiled wrongly now and then, once it is int8."""
    (width, height), options = SMALL["iresnet"]
    spec = replace(BACKBONES["iresnet"].default_input, width=width, height=height)
    used = {}
    for flip in (False, True):
        encoder = Encoder(build_backbone("iresnet", spec, **options), 8, flip=flip)
        export_encoder(encoder, tmp_path / "encoder.onnx")
        nodes = onnx.load(tmp_path / "encoder.onnx").graph.node
        used[flip] = Counter(n.op_type for n in nodes if n.op_type in ("Conv", "Gemm", "PRelu"))
    assert used[True] == used[False]
    assert used[True]["Conv"] > 10


@pytest.mark.parametrize("name", HEADS)
def test_heads_agree_in_onnxruntime_and_are_symmetric(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = build_head(name, 8)
    path = tmp_path / "head.onnx"
    export_head(head, 8, path)
    session = onnxruntime.InferenceSession(path)
    for count in (1, 5):
        first, second = torch.randn(2, count, 8)
        feed = {"first": first.numpy(), "second": second.numpy()}
        (similarity,) = session.run(["similarity"], feed)
        with torch.no_grad():
            np.testing.assert_allclose(similarity, head.eval()(first, second).numpy(), atol=1e-4)
        swapped = session.run(None, {"first": second.numpy(), "second": first.numpy()})[0]
        np.testing.assert_array_equal(similarity, swapped)
