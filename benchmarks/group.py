"""How well faces without names are sorted into people, on LFW's View 1.

The people of devTrain choose the threshold: of those swept, the one with the best B-cubed F1.
Figures are of the people of devTest, at that threshold and at those of the model's own card.

    python benchmarks/group.py --lfw data/lfw
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw_embeddings import embed_once
from visavis.data.source import open_source
from visavis.evaluation.clusters import best_threshold, cluster_figures
from visavis.matching.group import Tree, grow
from visavis.models.model import Model

SWEPT = np.arange(0.20, 0.601, 0.01)
FMRS = (1e-3, 1e-4, 1e-5)
ROWS = {
    "B-cubed precision": "bcubed_precision",
    "B-cubed recall": "bcubed_recall",
    "B-cubed F1": "bcubed_f1",
    "pairwise precision": "pairwise_precision",
    "pairwise recall": "pairwise_recall",
    "pairwise F1": "pairwise_f1",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", required=True, help="the unpacked LFW folder, with its lists")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--cache", type=Path, help="where embeddings are kept; the user's cache")
    arguments = parser.parse_args()

    model = Model.load(arguments.model)
    faces = open_source(f"lfw:{arguments.lfw}", view=1).faces
    embeddings = embed_once(model, faces, arguments.cache)
    fitting, reported = faces.split == "devTrain", faces.split == "devTest"

    tree, people = grow(model, embeddings[fitting], SWEPT[0]), faces.people[fitting]
    best, f1 = best_threshold(people, {float(t): tree.groups(t) for t in SWEPT})
    print(
        f"{model.name}: the threshold {best:.2f} has the best B-cubed F1, {f1:.4f}, on "
        f"{fitting.sum():,} photos of {len(np.unique(people)):,} devTrain people.\n"
    )
    thresholds = {"best on devTrain": best}
    if model.card.scores is not None:
        thresholds |= {f"FMR {fmr:g}": model.threshold(fmr).value for fmr in FMRS}
    floor = min(thresholds.values())
    print_table(grow(model, embeddings[reported], floor), faces.people[reported], thresholds)


def print_table(tree: Tree, people: NDArray[np.int64], thresholds: dict[str, float]) -> None:
    """As Markdown, one column for each threshold."""
    groups = {name: tree.groups(threshold) for name, threshold in thresholds.items()}
    figures = {name: cluster_figures(people, found) for name, found in groups.items()}
    print(f"{len(people):,} photos of {len(np.unique(people)):,} devTest people; 95 % intervals.\n")
    print_row("", groups)
    print_row("---", ["---"] * len(groups))
    print_row("threshold", [f"{threshold:.4f}" for threshold in thresholds.values()])
    print_row("groups", [f"{len(np.unique(found)):,}" for found in groups.values()])
    for name, field in ROWS.items():
        print_row(name, [str(getattr(figure, field)) for figure in figures.values()])


def print_row(name: str, cells: Iterable[str]) -> None:
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
