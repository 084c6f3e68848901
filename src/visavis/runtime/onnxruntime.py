"""Graphs run by ONNX Runtime: the fallback where OpenVINO has no build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnxruntime import (
    GraphOptimizationLevel,
    InferenceSession,
    SessionOptions,
    disable_telemetry_events,
)

from visavis.errors import ModelError
from visavis.runtime.mapped import mapped_copy

disable_telemetry_events()


class OnnxRuntimeNetwork:
    """A graph in a session of ONNX Runtime's CPU provider, in float32.

    Args:
        path: the ONNX file.
        threads: the CPU threads of one call.
        optimised: rewrite the graph and lay its weights out anew for speed, at twice the time to
            start and a third more memory.
    """

    runtime = "onnxruntime"

    def __init__(self, path: Path, threads: int, *, optimised: bool = True) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: warnings of graph rewriting mean nothing here
        if not optimised:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
            options.add_session_config_entry("session.disable_prepacking", "1")
            options.enable_cpu_mem_arena = False
        try:
            file = path if optimised else _mapped(path)
            self._session = InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's own exceptions share no other base
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"{path} is not a graph ONNX Runtime can run: {reason}") from None
        self._names = [value.name for value in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """See ``Network``."""
        outputs: list[NDArray[Any]] = self._session.run(
            None, dict(zip(self._names, inputs, strict=True))
        )
        return outputs


def _mapped(path: Path) -> Path:
    """The copy that opens at once, or the file itself where there is no place for a copy."""
    try:
        return mapped_copy(path)
    except (ModelError, OSError):
        return path
