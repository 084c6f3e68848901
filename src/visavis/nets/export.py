"""Torch modules to ONNX graphs, with the preprocessing inside and a batch of any size."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from visavis.nets.encoder import Encoder
from visavis.nets.heads import Head

OPSET: Final = 17
"""Read by every runtime in use; nothing newer is needed."""


def export_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder to ``path``: ``crops`` uint8 NHWC in, ``embeddings`` float32 (n, d) out."""
    spec = encoder.spec
    # Two, because a batch of one is taken for a constant in some shapes.
    crops = torch.zeros(2, spec.height, spec.width, spec.channels, dtype=torch.uint8)
    _export(encoder, path, (crops,), ["crops"], "embeddings")


def export_head(head: Head, size: int, path: Path) -> None:
    """Write a head to ``path``: ``first``, ``second`` float32 (n, size) in, ``similarity`` out."""
    embeddings = torch.ones(2, size)
    _export(head, path, (embeddings, embeddings.clone()), ["first", "second"], "similarity")


def _export(
    module: nn.Module, path: Path, example: tuple[Tensor, ...], inputs: list[str], out: str
) -> None:
    # A copy, so that a network in training on a GPU stays as it is.
    module = copy.deepcopy(module).cpu().eval()
    with warnings.catch_warnings():
        # The exporter that traces needs no further package and gives a plain graph.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module,
            example,
            path,
            input_names=inputs,
            output_names=[out],
            dynamic_axes={name: {0: "batch"} for name in [*inputs, out]},
            opset_version=OPSET,
            dynamo=False,
        )
