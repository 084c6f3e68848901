"""Model folders that tests draw by themselves: networks of a few weights, done in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from visavis.models.card import Card
from visavis.models.folder import ENCODER, HEAD, current_detector, fingerprint, write_folder
from visavis.photos.input_spec import InputSpec

SPEC = InputSpec(width=6, height=8, colour="rgb", template="arcface")
WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4) / 10 - 0.5
Distance = Literal["cosine", "euclidean", "head"]


def draw_encoder() -> bytes:
    """An encoder that embeds a crop's mean colour: ``crop.mean((0, 1)) @ WEIGHTS``."""
    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["colour"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["embedding"]),
    ]
    crops = helper.make_tensor_value_info("crops", TensorProto.UINT8, ["batch", 8, 6, 3])
    return _model(nodes, [crops], ["batch", 4], numpy_helper.from_array(WEIGHTS, "weights"))


def draw_head() -> bytes:
    """A pair head: minus the summed absolute difference of two embeddings."""
    nodes = [
        helper.make_node("Sub", ["first", "second"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["distance"]),
        helper.make_node("MatMul", ["distance", "minus"], ["similarity"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4])
        for name in ("first", "second")
    ]
    minus = numpy_helper.from_array(-np.ones((4, 1), np.float32), "minus")
    return _model(nodes, inputs, ["batch", 1], minus)


def write_model(folder: Path, distance: Distance = "cosine") -> Card:
    """Write a model folder around them."""
    files = {ENCODER: draw_encoder(), **({HEAD: draw_head()} if distance == "head" else {})}
    card = Card(
        name="drawn",
        input=SPEC,
        embedding_size=4,
        distance=distance,
        fingerprint="",
        detector=current_detector(),
        licence="Apache-2.0",
    )
    mark = fingerprint(card, files[ENCODER], files.get(HEAD, b""))
    return write_folder(folder, card.model_copy(update={"fingerprint": mark}), files)


def _model(nodes: list, inputs: list, shape: list, *weights: TensorProto) -> bytes:
    name = nodes[-1].output[0]
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "drawn", inputs, [output], list(weights))
    opset = helper.make_opsetid("", 13)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
