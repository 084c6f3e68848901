"""Training runs side by side: who is best, by how much, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from visavis.evaluation.figures import Estimate
from visavis.evaluation.paired import PAIRED, Resampled, resample
from visavis.report.floors import below_floors
from visavis.report.run_file import SavedRun, load_run
from visavis.report.wording import count

Standing = Literal["best", "level", "behind", "untold", ""]

COLUMNS = (*PAIRED, "loss")
NOT_RUN = Estimate(None, note="not run")
_LOWER_IS_BETTER = {"eer"}


@dataclass(frozen=True)
class Cell:
    """A run's figure among the others.

    Attributes:
        estimate: of the run.
        standing: ``best`` of its group, ``level`` where the difference to the best is within the
            noise, ``behind`` where it is not, ``untold`` where there are too few people to say;
            empty where there is nothing to compare.
        difference: to the best run; ``None`` for the best.
        published: by the system that the recipe follows; ``None`` where it states none.
    """

    estimate: Estimate
    standing: Standing = ""
    difference: Estimate | None = None
    published: float | None = None


@dataclass(frozen=True)
class Row:
    """A run in the table.

    Attributes:
        label: unique in the comparison.
        run: as it was saved.
        cells: by figure.
        uncounted: why its figures do not count; empty where they do.
    """

    label: str
    run: SavedRun
    cells: dict[str, Cell]
    uncounted: str = ""


@dataclass(frozen=True)
class Group:
    """Runs tested on the same pairs.

    Attributes:
        protocol: of the test, in words; pairs: what was counted.
        rows: in the order in which the runs were named.
    """

    protocol: str
    pairs: str
    rows: list[Row]

    @cached_property
    def columns(self) -> list[str]:
        """The figures that any run has."""
        return [
            name
            for name in COLUMNS
            if any(_has(row.cells[name]) for row in self.rows) or name in PAIRED
        ]


@dataclass(frozen=True)
class Comparison:
    """Runs by what they were tested on; figures of two groups are not comparable."""

    groups: list[Group]

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "groups": [
                {
                    "protocol": group.protocol,
                    "pairs": group.pairs,
                    "runs": [_row_dict(row) for row in group.rows],
                }
                for group in self.groups
            ]
        }


def compare_runs(folders: Sequence[Path], recipes: Collection[str] = ()) -> Comparison:
    """Put runs side by side.

    Args:
        folders: of runs; one named twice is taken once.
        recipes: names of recipes whose runs count from the floors of ``visavis.report.floors`` on.

    Raises:
        DataError: a folder holds no finished run.
    """
    kept = list({folder.resolve(): folder for folder in folders}.values())
    runs = [load_run(folder) for folder in kept]
    names = [run.name for run in runs]
    labels = [
        name if names.count(name) == 1 else f"{name} ({folder})"
        for name, folder in zip(names, kept, strict=True)
    ]
    tests: dict[str, list[tuple[str, SavedRun]]] = {}
    for label, run in zip(labels, runs, strict=True):
        tests.setdefault(run.pairs.digest, []).append((label, run))
    return Comparison([_group(labelled, recipes) for labelled in tests.values()])


def _group(labelled: list[tuple[str, SavedRun]], recipes: Collection[str]) -> Group:
    first = labelled[0][1]
    # The people are numbered alike in all of them: the pairs are the same, in the same order.
    people = first.pairs.people
    resampled = (
        [resample(people, run.pairs.scores, run.pairs.accepted) for _, run in labelled]
        if len(labelled) > 1 and people.count
        else []
    )
    runs = [run for _, run in labelled]
    uncounted = [below_floors(run) if run.name in recipes else "" for run in runs]
    columns = {name: _column(name, runs, uncounted, resampled) for name in COLUMNS}
    genuine = first.pairs.same.count("1")
    words = f"{genuine:,} genuine and {len(first.pairs.same) - genuine:,} impostor pairs"
    return Group(
        first.protocol,
        f"{words} of {count(people.count, 'person', 'people')}: {first.pairs.name}",
        [
            Row(label, run, {name: cells[i] for name, cells in columns.items()}, uncounted[i])
            for i, (label, run) in enumerate(labelled)
        ],
    )


def _column(
    name: str, runs: Sequence[SavedRun], uncounted: Sequence[str], resampled: Sequence[Resampled]
) -> list[Cell]:
    estimates = [
        NOT_RUN if reason else run.estimate(name)
        for run, reason in zip(runs, uncounted, strict=True)
    ]
    published = [run.published.get(name) for run in runs]
    known = [i for i, estimate in enumerate(estimates) if estimate.value is not None]
    if name not in PAIRED or len(known) < 2 or not resampled:
        return [Cell(each, published=by) for each, by in zip(estimates, published, strict=True)]
    sign = -1 if name in _LOWER_IS_BETTER else 1
    best = max(known, key=lambda i: (sign * resampled[i].values[name], -i))
    cells = []
    for i, estimate in enumerate(estimates):
        difference = None if i == best else resampled[i].minus(resampled[best], name)
        cells.append(Cell(estimate, _standing(difference), difference, published[i]))
    return cells


def _standing(difference: Estimate | None) -> Standing:
    if difference is None:
        return "best"
    if difference.value is None:
        return ""
    if difference.low is None or difference.high is None:
        return "untold"
    return "level" if difference.low <= 0 <= difference.high else "behind"


def _has(cell: Cell) -> bool:
    return cell.estimate.value is not None or cell.published is not None


def _row_dict(row: Row) -> dict[str, Any]:
    run = row.run
    kept = run.model_dump(exclude={"pairs", "figures", "history", "schema_version"})
    return {
        "label": row.label,
        **kept,
        "best": run.best,
        "uncounted": row.uncounted,
        "figures": {name: asdict(cell) for name, cell in row.cells.items()},
    }
