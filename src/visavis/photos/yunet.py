"""YuNet's graph rewritten to do the same sums in fewer and larger steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_HEADS = ("cls", "obj", "bbox", "kps")


def merge_heads(model: onnx.ModelProto, strides: Sequence[int]) -> None:
    """Run the four heads of each stride as one: their first convolutions read the same features.

    Twelve outputs of (1, cells, c) become one for each stride, (1, rows, columns, 16): class and
    objectness before their sigmoids, box, landmarks. Values are the same to the last bit.

    Args:
        model: changed in place; its weights are folded.
        strides: of the outputs, which are named after them, as in ``bbox_8``.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    nodes, outputs = list(graph.node), []
    for stride in strides:
        deep = [_convolution(makers, f"{head}_{stride}") for head in _HEADS]
        flat = [makers[node.input[0]] for node in deep]
        features, hidden, merged = flat[0].input[0], f"hidden_{stride}", f"merged_{stride}"
        channels = sum(int(_weight(graph, node.input[1]).shape[0]) for node in deep)
        for group, source, target, extra in (
            (flat, features, hidden, {"kernel_shape": [1, 1]}),
            (deep, hidden, merged, {"kernel_shape": [3, 3], "pads": [1] * 4, "group": channels}),
        ):
            for place, part in ((1, "weight"), (2, "bias")):
                joined = np.concatenate([_weight(graph, node.input[place]) for node in group])
                graph.initializer.append(numpy_helper.from_array(joined, f"{target}_{part}"))
            inputs = [source, f"{target}_weight", f"{target}_bias"]
            nodes.append(helper.make_node("Conv", inputs, [target], **extra))
        output = f"cells_{stride}"
        nodes.append(helper.make_node("Transpose", [merged], [output], perm=[0, 2, 3, 1]))
        shape = ["batch", f"rows_{stride}", f"columns_{stride}", channels]
        outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, shape))
    _keep(graph, nodes, outputs)


def take_rgb_nhwc(model: onnx.ModelProto) -> None:
    """Float32 NHWC RGB of any size in, instead of NCHW BGR: runtimes skip that transposition."""
    graph = model.graph
    inner = graph.input[0].name
    first = next(node for node in graph.node if inner in node.input)
    reversed_weight = _weight(graph, first.input[1])[:, ::-1]
    kept = [tensor for tensor in graph.initializer if tensor.name != first.input[1]]
    kept.append(numpy_helper.from_array(np.ascontiguousarray(reversed_weight), first.input[1]))
    turn = helper.make_node("Transpose", ["photos"], [inner], perm=[0, 3, 1, 2])
    nodes = [turn, *graph.node]
    del graph.node[:], graph.initializer[:], graph.input[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    shape = ["batch", "height", "width", 3]
    graph.input.append(helper.make_tensor_value_info("photos", TensorProto.FLOAT, shape))


def _convolution(makers: dict[str, onnx.NodeProto], output: str) -> onnx.NodeProto:
    """The last convolution before an output."""
    node = makers[output]
    while node.op_type != "Conv":
        node = makers[node.input[0]]
    return node


def _weight(graph: onnx.GraphProto, name: str) -> NDArray[np.float32]:
    weight = next(tensor for tensor in graph.initializer if tensor.name == name)
    return np.asarray(numpy_helper.to_array(weight), dtype=np.float32)


def _keep(
    graph: onnx.GraphProto, nodes: list[onnx.NodeProto], outputs: list[onnx.ValueInfoProto]
) -> None:
    """Only the nodes and weights that these outputs need."""
    needed = {value.name for value in outputs}
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.insert(0, node)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
    graph.output.extend(outputs)
