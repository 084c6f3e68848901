"""What a configuration would take, before it is trained: memory and time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from visavis.training.memory import kept_memory
from visavis.training.optimiser import build_optimiser
from visavis.training.parts import Parts, build_loss, build_parts
from visavis.training.recipe import Recipe

FEW = 2
"""Photos to try a network with: what a batch norm needs, at least."""

STATES = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 1}
"""Numbers that an optimiser keeps for each weight."""


USABLE = 0.9
"""Of the free memory; the rest is for what no estimate sees."""


def blueprint(recipe: Recipe) -> Parts:
    """The network of a recipe without its numbers, which takes neither memory nor time.

    Raises:
        DataError: it cannot be built, as where a window is larger than the map that reaches it.
        ModelError: a base model that cannot be loaded.
    """
    plain = _unread(recipe)
    with torch.device("meta"):
        parts = build_parts(plain)
        if recipe.loss:
            build_loss(plain, parts.head, 2, parts.size)
    return parts


def _unread(recipe: Recipe) -> Recipe:
    """A recipe whose network begins without the weights of another."""
    return recipe.model_copy(update={"net": recipe.net.model_copy(update={"pretrained": ""})})


def memory_of(recipe: Recipe, parts: Parts) -> float | None:
    """Bytes that training a blueprint takes; ``None`` where each photo is embedded once.

    That is of the weights, their gradients and the optimiser's numbers, and of what the layers put
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
    with torch.no_grad():
        encoder.train()(torch.empty((FEW, *parts.spec.shape), dtype=torch.uint8, device="meta"))
    for handle in handles:
        handle.remove()
    kept = sum(weight.numel() for weight in encoder.parameters())
    trained = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
    width = 4 if recipe.precision == "fp32" else 2
    layers = 2 * width * numbers / FEW * photos_of_a_step(recipe)
    return layers + 4 * (kept + trained * (1 + STATES[recipe.optimiser.kind]))


def photos_of_a_step(recipe: Recipe) -> int:
    """Photos that one batch encodes, at most."""
    batch = recipe.batch
    return batch.people * batch.photos if recipe.data.pairs == "batch" else 2 * batch.pairs


def time_of_step(recipe: Recipe, at_most: float) -> float:
    """Seconds of one training step, by trying it on noise: no count of operations foresees them.

    Args:
        recipe: of which there is memory enough, and whose encoder is trained.
        at_most: seconds; where a part of a step takes longer, its time is told.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts = build_parts(_unread(recipe))
    assert parts.encoder is not None  # noqa: S101 - it is trained
    encoder = parts.encoder.train().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    weights = [weight for weight in encoder.parameters() if weight.requires_grad]
    optimiser = build_optimiser(recipe.optimiser, weights)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(recipe.precision)

    def seconds(photos: int) -> float:
        crops = torch.randint(256, (photos, *parts.spec.shape), dtype=torch.uint8, device=device)
        begin = time.perf_counter()
        with torch.autocast(device.type, kind, enabled=kind is not None):
            total = encoder(crops).float().sum()
        total.backward()
        optimiser.step()
        optimiser.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    whole = photos_of_a_step(recipe)
    with kept_memory():
        for photos in (FEW, max(FEW, whole // 8), whole):
            seconds(photos)  # the first of its size makes room and compiles
            taken = seconds(photos)
            if taken > at_most:
                break
    return taken


def free_memory() -> float | None:
    """Bytes that training may take: of the GPU, or of this machine or container.

    ``None`` where the system does not say.
    """
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    found = [bytes_ for bytes_ in (_machine(), _container()) if bytes_ is not None]
    return min(found, default=None)


def short_of_memory(needed: float, workers: int = 1) -> str:
    """Why training that needs so many bytes does not fit the free memory, shared by workers.

    Empty where it does.
    """
    free = free_memory()
    if free is None or needed <= USABLE * free / workers:
        return ""
    share = f" for each of {workers} workers" if workers > 1 else ""
    return (
        f"training takes about {needed / 1e9:.1f} GB, and {free / workers / 1e9:.1f} GB are "
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
