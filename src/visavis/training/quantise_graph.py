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

from visavis.training.quantise_equalise import Bounds, equalise

HEAVY = ("Conv", "Gemm", "MatMul")
"""Where weights and multiplications are; all else costs little and stays float32."""
SHARE = 0.95
"""Of the crops: the range of an activation holds all that these give. The few with the widest are
cut off, for a step of the scale that one crop in a thousand needs is coarse for all others."""
AT_A_TIME = 4
"""Crops that are measured together: all activations of so many are in memory at once."""
SMALLEST = 1024
"""Elements of a weight that is worth halving."""


def to_int8(encoder: bytes, crops: NDArray[np.uint8]) -> bytes:
    """A copy whose heavy operators multiply int8, quantised statically (Jacob et al., 2018).

    Weights are int8 with a scale for each output channel; the inputs of the heavy operators are
    uint8 between the bounds that ``crops`` reach. Their outputs are not quantised: nothing is won
    by rounding twice between two operators, and OpenVINO runs what lies between inside the first.

    Args:
        encoder: an encoder's ONNX file.
        crops: (n, height, width, channels) uint8, to find the bounds with.
    """
    from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType, TensorsData

    with tempfile.TemporaryDirectory() as scratch:
        model = _fused(encoder, Path(scratch))
    bounds = equalise(model, _bounds(model, crops))
    ranges = {name: each.whole for name, each in bounds.items()}
    quantiser = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=list(HEAVY),
        extra_options={"OpTypesToExcludeOutputQuantization": list(HEAVY)},
    )
    quantiser.quantize_model()
    content: bytes = quantiser.model.model.SerializeToString()
    return content


def to_fp16(encoder: bytes) -> bytes:
    """A copy whose larger weights are kept in half precision, and computed with in float32.

    CPUs multiply no half precision: a graph that asks for it is run with a conversion before and
    after each node, slower than its parent. Converted once, a weight costs nothing more.
    """
    model = onnx.load_from_string(encoder)
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < SMALLEST:
            continue
        halved = f"{tensor.name}_fp16"
        limit = np.finfo(np.float16).max
        half = np.clip(array, -limit, limit).astype(np.float16)
        casts.append(helper.make_node("Cast", [halved], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(half, halved))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    content: bytes = model.SerializeToString()
    return content


def _fused(encoder: bytes, scratch: Path) -> onnx.ModelProto:
    """The same graph with what follows a convolution in its weights, as runtimes would fuse it."""
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(scratch / "fused.onnx")
    InferenceSession(encoder, options, providers=["CPUExecutionProvider"])
    return onnx.load(scratch / "fused.onnx")


def _bounds(model: onnx.ModelProto, crops: NDArray[np.uint8]) -> dict[str, Bounds]:
    """What the inputs of the heavy operators reach, by name."""
    from onnxruntime import InferenceSession

    weights = {tensor.name for tensor in model.graph.initializer}
    heavy = (node for node in model.graph.node if node.op_type in HEAVY)
    names = sorted({name for node in heavy for name in node.input[:2]} - weights)
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    lows: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    highs: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for start in range(0, len(crops), AT_A_TIME):
        batch = crops[start : start + AT_A_TIME]
        found = session.run(names, {session.get_inputs()[0].name: batch})
        for name, array in zip(names, found, strict=True):
            channels = array.shape[1] if array.ndim == 4 else 1
            rows = array.reshape(len(batch), channels, -1)
            lows[name].append(rows.min(axis=2))
            highs[name].append(rows.max(axis=2))
    return {
        name: Bounds(
            np.quantile(np.concatenate(lows[name]), 1 - SHARE, axis=0).astype(np.float32),
            np.quantile(np.concatenate(highs[name]), SHARE, axis=0).astype(np.float32),
        )
        for name in names
    }
