"""Graphs run by OpenVINO: one compilation for each input shape, kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import ModelError
from visavis.runtime.cache import cache_folder, try_to_cache, used

# `import openvino` reports itself to Google Analytics, from a forked process and unasked. Without
# its telemetry package it does not; visavis never speaks to anybody.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

from openvino import CompiledModel, Core, InferRequest, Tensor, get_version  # noqa: E402

_CORE = Core()
# OpenVINO fills its table of numpy types when a tensor's data is first asked for. Two threads that
# do so at once deadlock, one inside the table's guard and one inside the interpreter's lock.
_ = Tensor(np.zeros(1, dtype=np.uint8)).data


class OpenVinoNetwork:
    """A graph compiled for static shapes, which run up to 1.4x faster than dynamic ones.

    Args:
        path: the ONNX file.
        threads: the CPU threads that concurrent calls share; each call runs on one of them.
        exact: float32 throughout; else bfloat16 where the CPU multiplies it natively.
    """

    runtime = "openvino"

    def __init__(self, path: Path, threads: int, *, exact: bool = False) -> None:
        self._path = path
        self._settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            **({"INFERENCE_PRECISION_HINT": "f32"} if exact else {}),
        }
        self._compiled: dict[tuple[tuple[int, ...], ...], _Pool] = {}
        self._lock = threading.Lock()

    def __call__(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """See ``Network``."""
        return self._pool(tuple(array.shape for array in inputs)).run(inputs)

    def _pool(self, shapes: tuple[tuple[int, ...], ...]) -> _Pool:
        pool = self._compiled.get(shapes)
        if pool is None:
            with self._lock:
                pool = self._compiled.get(shapes) or _Pool(self._compile(shapes))
                self._compiled[shapes] = pool
        return pool

    def _compile(self, shapes: tuple[tuple[int, ...], ...]) -> CompiledModel:
        name = f"openvino/{self._key(shapes)}.blob"
        blob = cache_folder() / name
        if blob.is_file():
            try:
                content = blob.read_bytes()
                used(blob)
                return _CORE.import_model(content, "CPU", self._settings)
            except (RuntimeError, OSError):  # of another build, damaged or gone: compiled anew
                with contextlib.suppress(OSError):
                    blob.unlink()
        try:
            model = _CORE.read_model(self._path)
            model.reshape(dict(zip(model.inputs, map(list, shapes), strict=True)))
            compiled = _CORE.compile_model(model, "CPU", self._settings)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"{self._path} is not a graph OpenVINO can run: {reason}") from None
        exported = io.BytesIO()
        compiled.export_model(exported)
        try_to_cache(name, exported.getvalue())
        return compiled

    def _key(self, shapes: tuple[tuple[int, ...], ...]) -> str:
        status = self._path.stat()
        cpu = _CORE.get_property("CPU", "FULL_DEVICE_NAME")
        parts = (self._path.resolve(), status.st_size, status.st_mtime_ns, shapes)
        identity = repr((*parts, sorted(self._settings.items()), get_version(), cpu))
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


class _Pool:
    """A compiled model and its idle requests, so that threads never wait for one another."""

    def __init__(self, compiled: CompiledModel) -> None:
        self._compiled = compiled
        self._idle: list[_Request] = []

    def run(self, inputs: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = _Request(self._compiled)
        outputs = request.run(inputs)
        self._idle.append(request)
        return outputs


class _Request:
    """One inference request and views of its inputs' memory."""

    def __init__(self, compiled: CompiledModel) -> None:
        self._request: InferRequest = compiled.create_infer_request()
        self._inputs = [tensor.data for tensor in self._request.input_tensors]

    def run(self, inputs: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]:
        for own, given in zip(self._inputs, inputs, strict=True):
            np.copyto(own, given)
        self._request.infer(share_outputs=True)  # on this thread, unlike start_async
        return [np.array(tensor.data) for tensor in self._request.output_tensors]
