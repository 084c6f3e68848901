"""What a configuration would take, before anything of it is made: memory and time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from visavis.training.parts import Parts, build_loss, build_parts
from visavis.training.recipe import Recipe

IMAGES = 2
"""What a batch norm needs, at least."""

STATES = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 1}
"""Numbers that an optimiser keeps for each weight."""


USABLE = 0.9
"""Of the free memory; the rest is for what no estimate sees."""


@dataclass(frozen=True)
class Cost:
    """Of training a network.

    Attributes:
        memory: bytes.
        work: floating-point operations of one photo of a step, forward and back.
    """

    memory: float
    work: float


def blueprint(recipe: Recipe) -> Parts:
    """The network of a recipe without its numbers, which takes neither memory nor time.

    Raises:
        DataError: it cannot be built, as where a window is larger than the map that reaches it.
        ModelError: a base model that cannot be loaded.
    """
    net = recipe.net.model_copy(update={"pretrained": ""})
    plain = recipe.model_copy(update={"net": net})
    with torch.device("meta"):
        parts = build_parts(plain)
        if recipe.loss:
            build_loss(plain, parts.head, 2, parts.size)
    return parts


def cost(recipe: Recipe, parts: Parts) -> Cost | None:
    """What training a blueprint takes; ``None`` where each photo is embedded once.

    Memory is that of the weights, their gradients and the optimiser's, and of what the layers put
    out for the photos of one batch, with its gradients.
    """
    encoder = parts.encoder
    if encoder is None or parts.cached:
        return None
    numbers = 0

    def count(_: nn.Module, __: Any, output: Any) -> None:
        nonlocal numbers
        numbers += output.numel() if isinstance(output, Tensor) else 0

    leaves = [module for module in encoder.modules() if not list(module.children())]
    handles = [module.register_forward_hook(count) for module in leaves]
    crops = torch.empty((IMAGES, *parts.spec.shape), dtype=torch.uint8, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder.train()(crops)
    for handle in handles:
        handle.remove()
    kept = sum(weight.numel() for weight in encoder.parameters())
    trained = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
    width = 4 if recipe.precision == "fp32" else 2
    layers = 2 * width * numbers / IMAGES * photos_of_a_step(recipe)
    weights = 4 * (kept + trained * (1 + STATES[recipe.optimiser.kind]))
    return Cost(layers + weights, 3 * counter.get_total_flops() / IMAGES)


def photos_of_a_step(recipe: Recipe) -> int:
    """Photos that one batch encodes, at most."""
    batch = recipe.batch
    return batch.people * batch.photos if recipe.data.pairs == "batch" else 2 * batch.pairs


@cache
def speed(precision: str) -> float:
    """Floating-point operations a second that this machine does in a convolution, forward and back.

    Measured once, in a third of a second.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    layer = nn.Conv2d(32, 64, 3).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.rand((16, 32, 56, 56), device=device, requires_grad=True)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    work = 3 * 2 * 16 * 54 * 54 * 9 * 32 * 64

    def step() -> None:
        with torch.autocast(device.type, kind, enabled=kind is not None):
            total = layer(images).float().sum()
        total.backward()
        float(total.detach())  # waits for the device

    step()
    begin, steps = time.perf_counter(), 0
    while time.perf_counter() - begin < 0.3:
        step()
        steps += 1
    return work * steps / (time.perf_counter() - begin)


def free_memory() -> float | None:
    """Bytes that training may take: of the GPU, or of this machine or container.

    ``None`` where the system does not say.
    """
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    found = [bytes_ for bytes_ in (_machine(), _container()) if bytes_ is not None]
    return min(found, default=None)


def short_of_memory(taken: Cost, workers: int = 1) -> str:
    """Why training does not fit the free memory, shared by workers; empty where it does."""
    free = free_memory()
    if free is None or taken.memory <= USABLE * free / workers:
        return ""
    share = f" for each of {workers} workers" if workers > 1 else ""
    return (
        f"training takes about {taken.memory / 1e9:.1f} GB, and {free / workers / 1e9:.1f} GB are "
        f"free{share}"
    )


def _machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    available = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(available[0]) * 1024 if available else None


def _container() -> float | None:
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return float(most) - float(used) if most != "max" else None
