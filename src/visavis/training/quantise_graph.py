"""An encoder's graph in fewer bytes: int8 weights and activations, or weights of half precision.

The input, the preprocessing and the embeddings stay as they are: uint8 NHWC crops in, float32 out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HEAVY = ("Conv", "Gemm", "MatMul")
"""Where weights and multiplications are; all else costs little and stays float32."""
FIRST = 2
"""At most so many of the operators next to the photo stay float32, and no more than a tenth of all:
an error made there goes through all others. With SFace that lowers the largest one fivefold."""
SHARE = 0.95
"""Of the crops: the bounds of an activation hold all that these give. The few with the widest are
cut off, for a step that one crop in a hundred needs is coarse for all others."""
AT_A_TIME = 4
"""Crops that are run together: all that is between the operators is in memory for so many."""
SMALLEST = 1024
"""Elements of a weight that is worth halving."""

Bounds = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def to_int8(encoder: bytes, crops: NDArray[np.uint8]) -> bytes:
    """A copy whose heavy operators multiply int8, quantised statically (Jacob et al., 2018).

    Weights are int8 with a scale for each output channel; the inputs of the heavy operators are
    uint8 between the bounds that ``crops`` reach. Their outputs are not quantised: rounding twice
    between two operators wins nothing, and OpenVINO, which runs what lies between two of them
    inside the first, would run it by itself, slower than float32.

    Args:
        encoder: an encoder's ONNX file.
        crops: (n, height, width, channels) uint8, to find the bounds with.
    """
    from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType, TensorsData

    with tempfile.TemporaryDirectory() as scratch:
        model = _fused(encoder, Path(scratch))
    heavy = _name_heavy(model)
    quantiser = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, _bounds(model, crops)),
        nodes_to_quantize=[],
        nodes_to_exclude=heavy[: min(FIRST, len(heavy) // 10)],
        op_types_to_quantize=list(HEAVY),
        extra_options={"OpTypesToExcludeOutputQuantization": list(HEAVY)},
    )
    quantiser.quantize_model()
    content: bytes = quantiser.model.model.SerializeToString()
    return content


def to_fp16(encoder: bytes) -> bytes:
    """A copy whose larger weights are kept in half precision, and computed with in float32.

    A graph that computes in half precision too was no faster by either runtime on a CPU, and large
    activations would overflow it. A weight is converted once, when the graph is opened.
    """
    model = onnx.load_from_string(encoder)
    limit = np.finfo(np.float16).max
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < SMALLEST:
            continue
        half = numpy_helper.from_array(
            np.clip(array, -limit, limit).astype(np.float16), f"{tensor.name}_fp16"
        )
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    content: bytes = model.SerializeToString()
    return content


def _fused(encoder: bytes, scratch: Path) -> onnx.ModelProto:
    """The same graph with the batch norms in the weights of the convolutions before them."""
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 3  # errors only
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(scratch / "fused.onnx")
    InferenceSession(encoder, options, providers=["CPUExecutionProvider"])
    return onnx.load(scratch / "fused.onnx")


def _name_heavy(model: onnx.ModelProto) -> list[str]:
    """The names of the heavy operators in their order; those without one are given one."""
    heavy = [node for node in model.graph.node if node.op_type in HEAVY]
    for node in heavy:
        node.name = node.name or f"{node.output[0]}_{node.op_type}"
    return [node.name for node in heavy]


def _bounds(model: onnx.ModelProto, crops: NDArray[np.uint8]) -> Bounds:
    """What the inputs of the heavy operators reach, lowest and highest, by name."""
    from onnxruntime import InferenceSession

    weights = {tensor.name for tensor in model.graph.initializer}
    heavy = (node for node in model.graph.node if node.op_type in HEAVY)
    names = sorted({name for node in heavy for name in node.input[:2]} - weights)
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    reached = []
    for start in range(0, len(crops), AT_A_TIME):
        batch = crops[start : start + AT_A_TIME]
        found = session.run(names, {session.get_inputs()[0].name: batch})
        rows = [array.reshape(len(batch), -1) for array in found]
        reached.append([[row.min(axis=1), row.max(axis=1)] for row in rows])
    low, high = np.moveaxis(np.concatenate(reached, axis=2), 1, 0)  # (names, crops) each
    low, high = np.quantile(low, 1 - SHARE, axis=1), np.quantile(high, SHARE, axis=1)
    return {name: (np.float32(low[i]), np.float32(high[i])) for i, name in enumerate(names)}  # type: ignore[misc]
