"""A model folder with a network deep enough to quantise, drawn without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from generated_models import draw_head
from visavis.models.card import Card
from visavis.models.folder import (
    ENCODER,
    HEAD,
    WEIGHTS,
    current_detector,
    fingerprint,
    write_folder,
)
from visavis.photos.input_spec import InputSpec

SPEC = InputSpec(width=32, height=32, colour="rgb", template="arcface")
SIZE = 4
LAYERS = 3


def draw_convolutions(layers: int = LAYERS) -> bytes:
    """Convolutions, batch norms and rectifiers with random weights, then a dense layer."""
    rng = np.random.default_rng(0)
    weights: list[TensorProto] = []

    def constant(name: str, array: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", constant("scale", np.array(1 / 255))], ["x0"]),
    ]
    channels = 3
    for i in range(layers):
        out = 16
        kernel = rng.normal(size=(out, channels, 3, 3)) / np.sqrt(9 * channels)
        norm = [
            constant(f"gain{i}", rng.uniform(0.5, 1.5, out)),
            constant(f"shift{i}", 0.3 * rng.normal(size=out)),
            constant(f"mean{i}", 0.3 * rng.normal(size=out)),
            constant(f"variance{i}", rng.uniform(0.1, 0.3, out)),
        ]
        nodes += [
            helper.make_node(
                "Conv", [f"x{i}", constant(f"w{i}", kernel)], [f"c{i}"], strides=[2, 2],
                pads=[1, 1, 1, 1],
            ),
            helper.make_node("BatchNormalization", [f"c{i}", *norm], [f"n{i}"]),
            helper.make_node("Relu", [f"n{i}"], [f"x{i + 1}"]),
        ]  # fmt: skip
        channels = out
    side = -(-32 // 2**layers)
    dense = constant("dense", rng.normal(size=(channels * side * side, SIZE)))
    nodes += [
        helper.make_node("Flatten", [f"x{layers}"], ["flat"]),
        helper.make_node("Gemm", ["flat", dense, constant("bias", np.ones(SIZE))], ["embedding"]),
    ]
    crops = helper.make_tensor_value_info("crops", TensorProto.UINT8, ["batch", 32, 32, 3])
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", SIZE])
    graph = helper.make_graph(nodes, "drawn", [crops], [out], weights)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def write_convolutions(folder: Path, *, head: bool = False, **facts: object) -> Card:
    """Write a model folder around it, as a trained one: with weights to go on from."""
    files = {ENCODER: draw_convolutions(), WEIGHTS: b"weights"}
    files |= {HEAD: draw_head()} if head else {}
    card = Card(
        name="convolutions",
        input=SPEC,
        embedding_size=SIZE,
        distance="head" if head else "cosine",
        fingerprint="",
        detector=current_detector(),
        licence="Apache-2.0",
        **facts,
    )
    mark = fingerprint(card, files[ENCODER], files.get(HEAD, b""))
    return write_folder(folder, card.model_copy(update={"fingerprint": mark}), files)
