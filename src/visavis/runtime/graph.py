"""ONNX graphs made fit for every runtime: constants folded, uint8 NHWC crops in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FOLDED = ("DequantizeLinear", "Reshape")


def fold_constants(content: bytes, data_input: str) -> onnx.ModelProto:
    """Compute what depends on weights alone, so that the graph has one input and fp32 weights.

    Block-quantised graphs of the OpenCV model zoo declare their weights as inputs and dequantise
    them with nodes that only OpenCV 4 evaluates; folded, every runtime takes them.

    Args:
        content: the ONNX file.
        data_input: name of the input that stays one.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in _without_dropout(graph.node):
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type in FOLDED and all(name in constants for name in node.input):
            constants[node.output[0]] = _evaluate(node, constants, model.opset_import)
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    _replace(graph.node, nodes)
    _replace(
        graph.initializer,
        [
            numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in constants.items()
            if name in used
        ],
    )
    _replace(graph.input, [value for value in graph.input if value.name == data_input])
    _replace(graph.value_info, [])
    return model


def take_uint8_nhwc(model: onnx.ModelProto, height: int | None, width: int | None) -> None:
    """Put the preprocessing into the graph: uint8 NHWC of any batch in, instead of float32 NCHW.

    Args:
        model: changed in place; its one input is float32 NCHW in 0..255.
        height, width: pixels; ``None`` for any.
    """
    graph = model.graph
    inner = graph.input[0].name
    channels = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    shape = ["batch", height or "height", width or "width", channels]
    crops = helper.make_tensor_value_info("crops", TensorProto.UINT8, shape)
    _replace(graph.input, [crops])
    cast = helper.make_node("Cast", ["crops"], ["crops_float"], to=TensorProto.FLOAT)
    turn = helper.make_node("Transpose", ["crops_float"], [inner], perm=[0, 3, 1, 2])
    _replace(graph.node, [cast, turn, *graph.node])


def name_batch(values: Iterable[onnx.ValueInfoProto]) -> None:
    """Make the first dimension of each value the batch, of any size."""
    for value in values:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def content_digest(content: bytes) -> str:
    """sha256 over what an ONNX graph computes, not over how a machine wrote it down.

    Covers the nodes in their order (operator, inputs, outputs, attributes) and the name, type,
    shape and bytes of every weight, sorted by name. Producer, versions, documentation and the
    order of the weights do not count.
    """
    graph = onnx.load_from_string(content).graph
    digest = hashlib.sha256()
    for node in graph.node:
        attributes = sorted(
            (attribute.name, _plain(helper.get_attribute_value(attribute)))
            for attribute in node.attribute
        )
        row = (node.domain, node.op_type, list(node.input), list(node.output), attributes)
        digest.update(repr(row).encode())
    for tensor in sorted(graph.initializer, key=lambda tensor: tensor.name):
        array = numpy_helper.to_array(tensor)
        digest.update(repr((tensor.name, array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return float(np.float32(value)).hex()
    if isinstance(value, onnx.TensorProto):
        return repr(numpy_helper.to_array(value).tolist())
    if isinstance(value, list | tuple):
        return repr([_plain(item) for item in value])
    return repr(value)


def _without_dropout(nodes: Iterable[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Inference drops nothing; the node's form changed between opsets, and runtimes refuse it."""
    kept: list[onnx.NodeProto] = []
    renamed: dict[str, str] = {}
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        if node.op_type == "Dropout":
            renamed[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    return kept


def _evaluate(
    node: onnx.NodeProto, constants: dict[str, NDArray[Any]], opsets: Any
) -> NDArray[Any]:
    from onnx.reference import ReferenceEvaluator

    weights = [numpy_helper.from_array(constants[name], name) for name in node.input]
    output = onnx.ValueInfoProto(name=node.output[0])
    graph = helper.make_graph([node], "fold", [], [output], weights)
    result = ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets)).run(None, {})
    return np.asarray(result[0])


def _replace(field: Any, items: list[Any]) -> None:
    kept = list(items)
    del field[:]
    field.extend(kept)
