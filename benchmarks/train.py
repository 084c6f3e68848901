"""visavis's training loop beside the bare steps of its network and the loop that projects have.

Prints, as a Markdown table, the time of an epoch over the same listed LFW pairs, of the same
networks from the same whole photos in float32: of visavis (``visavis.training.fit`` as it is), of
bare forward, loss, backward and optimiser step on crops in memory, and of a plain two-tower loop
(benchmarks/train_plain.py) that opens JPEG files with Pillow. Apart: memory that is given back as
soon as it is freed, augmentation, bfloat16, pairs of a batch, validation, checkpoints, and what
filling the crop store costs.

The loops take turns epoch by epoch, so that whatever else the machine does hits all alike; the
first epoch of each is dropped, and each figure is the median over the others. The plain loop uses
no worker processes or two, whichever was quicker in two epochs tried before.

    python benchmarks/train.py --lfw data/lfw
    python benchmarks/train.py --lfw data/lfw --networks koch small --epochs 7 --json out.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from train_sides import Epoch, Side, Task
from train_table import Results, table
from visavis.data.crop_store import open_store
from visavis.data.faceset import PairSet, Source
from visavis.data.source import open_source
from visavis.training.inputs import make_batches
from visavis.training.material import Material, prepare
from visavis.training.parts import build_parts
from visavis.training.recipe import Recipe

COMPARED = ("visavis", "bare", "plain")
APART = ("given back", "augmented", "bf16", "in-batch")
NETWORKS: dict[str, dict[str, Any]] = {
    "koch": {"side": 105, "colour": "grey"},
    "small": {"side": 250, "colour": "grey", "sides": COMPARED},
    "small 96": {"side": 96, "colour": "grey"},
    "iresnet": {"side": 112, "colour": "rgb", "options": {"stem_stride": 2}},
}
"""Whole photos of that side. Each loop of ``small`` at 250x250, which has 244 million parameters,
takes 4 GB; what is measured apart is left to ``small 96``."""
AUGMENTED = {"flip": True, "shift": 0.08, "scale": 0.1, "rotate": 10.0, "colour": 0.2}
"""As the recipe att-triplet has it."""
VALIDATED = 32
"""Pairs; validation is not what is measured."""


def some_pairs(source: Source, count: int) -> Source:
    """The source with that many of the pairs to fit on, drawn at random, and their photos alone.

    At random, so that a photo comes up as seldom twice in a batch as in the whole list.
    """
    pairs = source.fitting
    assert pairs is not None
    if not 0 < count <= len(pairs):
        raise SystemExit(f"--pairs takes 1 to {len(pairs) - VALIDATED}, as many as are there")
    drawn = pairs.select(np.random.default_rng(0).permutation(len(pairs))[:count], pairs.name)
    both = np.concatenate([drawn.first, drawn.second])
    used, position = np.unique(both, return_inverse=True)
    first, second = np.split(position, 2)
    faces = pairs.faces.select(used)
    return replace(source, fitting=PairSet(pairs.name, faces, first, second, drawn.same))


def recipe(network: str, asked: argparse.Namespace, changes: dict[str, Any]) -> Recipe:
    """Listed pairs, whole photos, |a - b|, a linear layer, cross-entropy, Adam, float32."""
    case = NETWORKS[network]
    side = case["side"]
    return Recipe.from_dict(
        {
            "name": network,
            "precision": "fp32",
            "data": {"pairs": "listed", "counts": (asked.pairs, VALIDATED, 1)},
            "crop": {"width": side, "height": side, "colour": case["colour"], "template": "whole"},
            "net": {
                "backbone": network.split(maxsplit=1)[0],
                "options": case.get("options", {}),
                "normalise": False,
            },
            "head": {"kind": "weighted-l1"},
            "loss": [{"kind": "bce"}],
            "optimiser": {"rate": 1e-4},
            "schedule": {"epochs": asked.epochs + 1},  # the first warms up
            "batch": {"pairs": asked.batch},
        }
        | changes
    )


def tasks(source: Source, network: str, folder: Path, asked: argparse.Namespace) -> dict[str, Task]:
    """What each side trains."""
    # As many photos a batch as listed pairs have, and as many steps.
    in_batch = {
        "data": {"pairs": "batch", "counts": (asked.pairs, VALIDATED, 1)},
        "batch": {"people": asked.batch, "photos": 2},
        "schedule": {"epochs": asked.epochs + 1, "steps": -(-asked.pairs // asked.batch)},
        "loss": [{"kind": "bce", "options": {"balanced": True}}],
    }
    changes: dict[str, dict[str, Any]] = {
        "augmented": {"augment": AUGMENTED},
        "bf16": {"precision": "bf16"},
        "in-batch": in_batch,
    }
    return {
        name: Task(recipe(network, asked, changes.get(name, {})), source, folder / name)
        for name in NETWORKS[network].get("sides", COMPARED + APART)
    }


def quicker_plain(task: Task) -> tuple[int, Side]:
    """The plain loop with no workers or with two."""
    ways = {workers: Side("plain", task, workers=workers) for workers in (0, 2)}
    taken = dict.fromkeys(ways, float("inf"))
    for workers in [*ways] * 2:  # in turn, as whatever else the machine does comes and goes
        taken[workers] = min(taken[workers], ways[workers].epoch()["train"])
    best = min(taken, key=lambda workers: taken[workers])
    for workers, side in ways.items():
        if workers != best:
            side.stop()
    return best, ways[best]


def measure(source: Source, network: str, folder: Path, asked: argparse.Namespace) -> Results:
    """One network: each loop's median epoch, and what there is to know besides."""
    todo = tasks(source, network, folder, asked)
    material = prepare(source, todo["visavis"].recipe.data, 0)
    found = {"pairs": len(material.train), "fill": fill(material, todo["visavis"], folder)}
    found["workers"], plain = quicker_plain(todo["plain"])
    sides = {name: plain if name == "plain" else side(name, task) for name, task in todo.items()}
    epochs: dict[str, list[Epoch]] = {name: [] for name in sides}
    for _ in range(asked.epochs):
        for name, loop in sides.items():
            epochs[name].append(loop.epoch())
    for loop in sides.values():
        loop.stop()
    found["seconds"] = {name: medians(each) for name, each in epochs.items()}
    if "in-batch" in todo:
        found["in-batch pairs"] = pairs_seen(material, todo["in-batch"].recipe, asked.epochs)
    return found


def side(name: str, task: Task) -> Side:
    if name == "bare":
        return Side("bare", task)
    return Side("visavis", task, kept=name != "given back")


def fill(material: Material, task: Task, folder: Path) -> dict[str, float]:
    """Seconds and photos of making the crops, from photos that the machine has read before."""
    faces = material.train.faces
    for photo in faces.photos:
        photo.read_bytes()
    began = time.perf_counter()
    open_store(faces, build_parts(task.recipe).spec, folder)
    return {"seconds": time.perf_counter() - began, "photos": len(faces)}


def medians(epochs: list[Epoch]) -> Epoch:
    return {part: statistics.median(epoch[part] for epoch in epochs) for part in epochs[0]}


def pairs_seen(material: Material, trained: Recipe, epochs: int) -> float:
    """Pairs of an epoch whose batches count every pair in them."""
    batches = make_batches(trained, material.train, np.ones(len(material.train.faces), bool))
    photos = [len(batch.rows) for number in range(epochs) for batch in batches.epoch(number + 1)]
    return sum(n * (n - 1) / 2 for n in photos) / epochs


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lfw", required=True, type=Path, help="the unpacked LFW folder")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--pairs", type=int, default=128, help="of an epoch")
    parser.add_argument("--batch", type=int, default=32, help="pairs of a step")
    parser.add_argument("--epochs", type=int, default=3, help="of each loop to take times on")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()

    source = some_pairs(open_source(f"lfw:{asked.lfw}", view=1), asked.pairs + VALIDATED)
    results: dict[str, Results] = {}
    for network in asked.networks:
        with tempfile.TemporaryDirectory() as folder:
            results[network] = measure(source, network, Path(folder), asked)
    print("\n".join(table(results)))
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
