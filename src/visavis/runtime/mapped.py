"""A copy of an ONNX file whose weights lie in a file beside it, so that a runtime maps them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from visavis.runtime.cache import bounded, cache_folder, cached, used

SMALLEST = 4096
"""Bytes of a weight that is worth mapping; also the page that each begins on."""


def mapped_copy(path: Path) -> Path:
    """The same graph with its weights in a file that is mapped, not read: it opens at once.

    Made once and kept in the cache; made anew where the file changes.

    Raises:
        ModelError: the cache folder cannot be written.
    """
    status = path.stat()
    identity = repr((str(path.resolve()), status.st_size, status.st_mtime_ns))
    name = f"mapped/{hashlib.sha256(identity.encode()).hexdigest()[:32]}"
    copies = cache_folder() / f"{name}.bin", cache_folder() / f"{name}.onnx"
    if not all(copy.is_file() for copy in copies):
        graph, weights = _split(path.read_bytes(), f"{Path(name).name}.bin")
        cached(f"{name}.bin", lambda: weights)  # before the graph that names it
        cached(f"{name}.onnx", lambda: graph)
        bounded(copies[0].parent)
    used(*copies)
    return copies[1]


def _split(content: bytes, location: str) -> tuple[bytes, bytes]:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    weights = bytearray()
    for tensor in model.graph.initializer:
        raw = numpy_helper.to_array(tensor).tobytes()
        if len(raw) < SMALLEST:
            continue
        weights += bytes(-len(weights) % SMALLEST)
        where = {"location": location, "offset": str(len(weights)), "length": str(len(raw))}
        kept = onnx.TensorProto(
            name=tensor.name,
            dims=tensor.dims,
            data_type=tensor.data_type,
            data_location=onnx.TensorProto.EXTERNAL,
        )
        for key, value in where.items():
            kept.external_data.add(key=key, value=value)
        tensor.CopyFrom(kept)
        weights += raw
    return model.SerializeToString(), bytes(weights)
