"""One interface to the runtimes: a compiled graph is a function from an array to arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from visavis.errors import ModelError

RuntimeName = Literal["auto", "openvino", "onnxruntime", "uncompiled"]


class Network(Protocol):
    """A compiled graph. Safe to call from several threads at once."""

    runtime: str

    def __call__(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """Run it: one array for each input in, one for each output out (each a fresh copy)."""
        ...


def open_network(
    path: Path,
    runtime: RuntimeName = "auto",
    threads: int | None = None,
    *,
    exact: bool = False,
) -> Network:
    """Compile an ONNX file.

    Args:
        path: the file.
        runtime: ``auto`` takes OpenVINO where it can be imported, else ONNX Runtime;
            ``uncompiled`` is ONNX Runtime without optimising the graph first: it starts soonest
            and runs slowest, for a handful of faces.
        threads: CPU threads for all concurrent calls together; all cores by default.
        exact: compute in float32 even where the CPU multiplies bfloat16 natively.

    Raises:
        ModelError: the file is no graph that the runtime can run, or the runtime is not installed.
    """
    threads = threads or os.cpu_count() or 1
    try:
        if runtime in {"onnxruntime", "uncompiled"} or (runtime == "auto" and not _has_openvino()):
            from visavis.runtime.onnxruntime import OnnxRuntimeNetwork

            return OnnxRuntimeNetwork(path, threads, optimised=runtime != "uncompiled")
        from visavis.runtime.openvino import OpenVinoNetwork

        return OpenVinoNetwork(path, threads, exact=exact)
    except ImportError as error:
        raise ModelError(f"{error.name} is not installed; pip install {error.name}") from None


def _has_openvino() -> bool:
    try:
        import visavis.runtime.openvino  # noqa: F401
    except ImportError:
        return False
    return True
