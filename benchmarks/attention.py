"""What networks look at: how much of a similarity hangs on what lies outside the face.

For right and wrong test pairs of training runs, the mean share of the change that lies outside the
face's oval when a crop is covered patch by patch (``visavis explain``), beside the share of the
crop that lies there. A network that looks everywhere alike has the latter; more means hair,
clothes and background.

    python benchmarks/attention.py runs/lfw-best runs/lfw-koch --data lfw:lfw-deepfunneled
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import PairSet
from visavis.data.source import open_source
from visavis.errors import VisavisError
from visavis.matching.explain import explain
from visavis.models.model import Model
from visavis.training.material import prepare
from visavis.training.recipe import Recipe

KINDS = {
    "one person, found": (True, True),
    "one person, missed": (True, False),
    "two people, told apart": (False, True),
    "two people, taken for one": (False, False),
}


def outside(model: Model, pairs: PairSet, rows: NDArray[np.int64]) -> tuple[list[float], float]:
    """The shares outside the oval of both faces of some pairs, and the mean area outside."""
    shares, areas = [], []
    for row in rows:
        a, b = pairs.first[row], pairs.second[row]
        try:
            found = explain(
                pairs.faces.photos[a],
                pairs.faces.photos[b],
                model=model,
                threshold=0.0,
                faces="central",
            )
        except VisavisError:
            continue
        shares.append(float(np.mean(found.outside_shares)))
        areas.append(found.outside_area)
    return shares, float(np.mean(areas))


def interval(values: list[float], rng: np.random.Generator) -> tuple[float, float]:
    """A bootstrap's 95 % interval of the mean."""
    drawn = rng.choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of training runs")
    parser.add_argument("--data", required=True, help="what they were trained on: lfw:FOLDER")
    parser.add_argument("--pairs", type=int, default=12, help="pairs of each kind")
    arguments = parser.parse_args()

    source, rng = open_source(arguments.data), np.random.default_rng(0)
    print("| Run | Pairs | n | Change outside the face | 95 % interval | Crop outside the face |")
    print("| --- | --- | ---: | ---: | :---: | ---: |")
    for folder in arguments.runs:
        recipe = Recipe.from_dict(json.loads((folder / "recipe.json").read_text()))
        pairs = prepare(source, recipe.data, recipe.seed).test
        right = np.array(list(json.loads((folder / "run.json").read_text())["pairs"]["right"]))
        model = Model.load(folder / "model")
        for kind, (same, decided) in KINDS.items():
            rows = np.flatnonzero((pairs.same == same) & ((right == "1") == decided))
            chosen = rng.permutation(rows)[: arguments.pairs]
            if not len(chosen):
                continue
            shares, area = outside(model, pairs, chosen)
            low, high = interval(shares, rng)
            print(
                f"| {folder.name} | {kind} | {len(shares)} | {np.mean(shares):.3f} "
                f"| {low:.3f} to {high:.3f} | {area:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
