"""Graphs: folding changes no output, and a digest tells what a graph computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from visavis.runtime.graph import content_digest, fold_constants, name_batch, take_uint8_nhwc


def quantised() -> onnx.ModelProto:
    """A convolution and a dense layer, as the OpenCV model zoo quantises them block by block.

    Weights are int8 in blocks of 4 along an axis, dequantised and reshaped by nodes; the
    dequantised weights are declared as inputs, though nodes compute them.
    """
    rng = np.random.default_rng(4)

    def blocks(name: str, shape: tuple[int, int]) -> list[onnx.TensorProto]:
        scales = (shape[0], shape[1] // 4)
        return [
            numpy_helper.from_array(rng.integers(-99, 99, shape, dtype=np.int8), f"{name}_q"),
            numpy_helper.from_array(rng.random(scales, np.float32) / 50, f"{name}_scale"),
            numpy_helper.from_array(rng.integers(-9, 9, scales, dtype=np.int8), f"{name}_zero"),
        ]

    def dequantise(name: str) -> onnx.NodeProto:
        parts = [f"{name}_q", f"{name}_scale", f"{name}_zero"]
        return helper.make_node("DequantizeLinear", parts, [name], axis=1, block_size=4)

    shape = numpy_helper.from_array(np.array([2, 3, 2, 2]), "shape")
    nodes = [
        dequantise("kernel"),
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("Reshape", ["kernel", "shape"], ["weights"]),
        helper.make_node("Conv", ["data", "weights"], ["features"]),
        helper.make_node("Dropout", ["features"], ["kept"]),
        helper.make_node("Reshape", ["kept", "flat"], ["row"]),
        dequantise("dense"),
        helper.make_node("MatMul", ["row", "dense"], ["embedding"]),
    ]
    flat = numpy_helper.from_array(np.array([0, -1]), "flat")
    initializers = [*blocks("kernel", (2, 12)), *blocks("dense", (8, 4)), flat]
    inputs = [
        helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 3, 3]),
        helper.make_tensor_value_info("kernel", TensorProto.FLOAT, [2, 12]),
        helper.make_tensor_value_info("dense", TensorProto.FLOAT, [8, 4]),
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(nodes, "quantised", inputs, [output], initializers)
    opset = helper.make_opsetid("", 21)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10)


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> np.ndarray:
    return ReferenceEvaluator(model).run(None, inputs)[0]


def test_folding_changes_no_output():
    original = quantised()
    folded = fold_constants(original.SerializeToString(), "data")
    onnx.checker.check_model(folded)
    assert [value.name for value in folded.graph.input] == ["data"]
    assert [node.op_type for node in folded.graph.node] == ["Conv", "Reshape", "MatMul"]
    assert {tensor.name for tensor in folded.graph.initializer} == {"weights", "flat", "dense"}
    data = np.random.default_rng(5).random((1, 3, 3, 3), np.float32) * 255
    del original.graph.input[1:]
    np.testing.assert_array_equal(run(folded, data=data), run(original, data=data))


def test_folded_weights_are_the_dequantised_ones():
    original = quantised()
    parts = {t.name: numpy_helper.to_array(t).astype(float) for t in original.graph.initializer}
    folded = fold_constants(original.SerializeToString(), "data")
    dense = next(t for t in folded.graph.initializer if t.name == "dense")
    expected = np.empty((8, 4))
    for row, column in np.ndindex(8, 4):
        block = row, column // 4
        steps = parts["dense_q"][row, column] - parts["dense_zero"][block]
        expected[row, column] = steps * parts["dense_scale"][block]
    np.testing.assert_allclose(numpy_helper.to_array(dense), expected, rtol=1e-6)


def test_pixels_go_in_as_they_are():
    model = fold_constants(quantised().SerializeToString(), "data")
    crop = np.random.default_rng(6).integers(0, 255, (1, 3, 3, 3), dtype=np.uint8)
    expected = run(model, data=crop.astype(np.float32).transpose(0, 3, 1, 2))
    take_uint8_nhwc(model, 3, 3)
    name_batch(model.graph.output)
    np.testing.assert_array_equal(run(model, crops=crop), expected)
    tensor = model.graph.input[0].type.tensor_type
    assert tensor.elem_type == TensorProto.UINT8
    assert [dim.dim_param or dim.dim_value for dim in tensor.shape.dim] == ["batch", 3, 3, 3]
    assert model.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def change_order(model: onnx.ModelProto) -> None:
    tensors = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)


def change_words(model: onnx.ModelProto) -> None:
    model.producer_name, model.producer_version, model.doc_string = "somebody", "9", "words"
    model.graph.doc_string = model.graph.name = "other words"
    for node in model.graph.node:
        node.doc_string = "a node"
        node.name = f"named {node.op_type}"


def change_storage(model: onnx.ModelProto) -> None:
    """The same floats, in the typed field instead of raw bytes."""
    tensor = next(t for t in model.graph.initializer if t.name == "dense_scale")
    values = numpy_helper.to_array(tensor)
    tensor.ClearField("raw_data")
    tensor.float_data.extend(values.ravel().tolist())


def change_attribute_order(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        attributes = list(node.attribute)[::-1]
        del node.attribute[:]
        node.attribute.extend(attributes)


@pytest.mark.parametrize(
    "change", [change_order, change_words, change_storage, change_attribute_order]
)
def test_digest_ignores_how_a_graph_is_written_down(change: Callable[[onnx.ModelProto], None]):
    model = quantised()
    before = content_digest(model.SerializeToString())
    change(model)
    assert content_digest(model.SerializeToString()) == before


def change_bit(model: onnx.ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "dense_scale")
    raw = bytearray(tensor.raw_data)
    raw[0] ^= 1
    tensor.raw_data = bytes(raw)


def change_attribute(model: onnx.ModelProto) -> None:
    next(a for a in model.graph.node[0].attribute if a.name == "axis").i = 0


def change_operator(model: onnx.ModelProto) -> None:
    model.graph.node[-1].op_type = "Gemm"


def change_wiring(model: onnx.ModelProto) -> None:
    model.graph.node[3].input[0] = "other"


def change_constant(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.array([2, 3, 4, 1]), "shape")
    model.graph.node[1].attribute[0].t.CopyFrom(tensor)


def change_type(model: onnx.ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "kernel_q")
    tensor.data_type = TensorProto.UINT8


@pytest.mark.parametrize(
    "change",
    [
        change_bit,
        change_attribute,
        change_operator,
        change_wiring,
        change_constant,
        change_type,
    ],
)
def test_digest_tells_what_is_computed(change: Callable[[onnx.ModelProto], None]):
    model = quantised()
    before = content_digest(model.SerializeToString())
    change(model)
    assert content_digest(model.SerializeToString()) != before
