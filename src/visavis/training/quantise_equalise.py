"""Channels of one scale: what lets a whole activation be quantised by a single step.

Batch norm, once it is in a convolution's weights, leaves channels of very different size. A single
step for all of them is coarse for the small ones. Between two convolutions with nothing but a
rectifier between them, a channel may be divided by any positive number in the first and multiplied
by it in the second (Nagel et al., "Data-free quantization through weight equalization and bias
correction", 2019): the graph computes the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

RECTIFIERS = ("Relu", "PRelu", "LeakyRelu")
"""f(s x) = s f(x) for s > 0."""
LOWEST = 1e-3
"""Of the largest channel: one that is smaller, or never speaks, is taken to be so large."""


@dataclass(frozen=True)
class Bounds:
    """What an activation's channels reach.

    Attributes:
        low, high: (channels,) float32; a single entry for an activation without channels.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def whole(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of all channels together."""
        return np.asarray(self.low.min()), np.asarray(self.high.max())


def equalise(model: onnx.ModelProto, bounds: dict[str, Bounds]) -> dict[str, Bounds]:
    """Rescale the channels between convolutions, in place.

    Args:
        model: a graph of float32 weights.
        bounds: of the convolutions' inputs, by name.

    Returns:
        The bounds thereafter.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(value.name for value in graph.output)
    found = dict(bounds)
    for second in graph.node:
        if second.op_type != "Conv":
            continue
        first = _before(second, makers, uses)
        own = {name for node in (first, second) if node for name in node.input[1:]}
        if first is None or not all(name in weights and uses[name] == 1 for name in own):
            continue
        name = second.input[0]
        scale = _scale(found[name], weights[second.input[1]])
        if scale is None:
            continue
        for tensor in first.input[1:]:
            _multiply(weights[tensor], 1 / scale, axis=0)
        depthwise = weights[second.input[1]].dims[1] == 1
        _multiply(weights[second.input[1]], scale, axis=0 if depthwise else 1)
        found[name] = Bounds(found[name].low / scale, found[name].high / scale)
    return found


def _before(
    second: onnx.NodeProto, makers: dict[str, onnx.NodeProto], uses: Counter[str]
) -> onnx.NodeProto | None:
    """The convolution that a convolution takes its input from, through rectifiers alone."""
    name = second.input[0]
    while uses[name] == 1 and name in makers:
        maker = makers[name]
        if maker.op_type == "Conv":
            return maker
        if maker.op_type not in RECTIFIERS:
            return None
        name = maker.input[0]
    return None


def _scale(bounds: Bounds, weight: onnx.TensorProto) -> NDArray[np.float32] | None:
    """(channels,) what to divide the channels by; ``None`` where the convolution is in groups.

    A depthwise convolution has a scale of its own for each channel, so its channels can all be
    made equal. Another's weights are of one scale for all channels that it sums, so the difference
    is shared between activation and weights (as Xiao et al., "SmoothQuant", 2023, do).
    """
    reached = np.maximum(np.abs(bounds.low), np.abs(bounds.high))
    reached = np.maximum(reached, LOWEST * reached.max())
    array = np.abs(numpy_helper.to_array(weight))
    if array.shape[0] == len(reached) and array.shape[1] == 1:
        scale = reached
    elif array.shape[1] == len(reached):
        rows = array / np.maximum(array.max(axis=(1, 2, 3), keepdims=True), np.finfo("f4").tiny)
        used = rows.max(axis=(0, 2, 3))
        scale = np.sqrt(reached / np.maximum(used, LOWEST))
    else:
        return None
    if not scale.min() > 0:
        return None
    return np.asarray(scale / np.exp(np.log(scale).mean()), dtype=np.float32)


def _multiply(tensor: onnx.TensorProto, scale: NDArray[np.float32], axis: int) -> None:
    array = numpy_helper.to_array(tensor)
    shape = [1] * array.ndim
    shape[axis] = -1
    tensor.CopyFrom(numpy_helper.from_array(array * scale.reshape(shape), tensor.name))
