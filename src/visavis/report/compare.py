"""Training runs side by side: who is best, by how much, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from visavis.evaluation.figures import Estimate
from visavis.evaluation.paired import PAIRED, Resampled, resample
from visavis.report.run_file import SavedRun, load_run
from visavis.report.wording import count, duration, interval, number, signed, value

Standing = Literal["best", "level", "behind", "untold", ""]

MARKS: dict[Standing, str] = {"best": "best", "level": "≈ best", "untold": "?"}
LEGEND = (
    "Signed: the paired difference to the best run, on the same pairs, with its 95 % interval by "
    "resampling people. ≈ best: that interval holds 0, so the difference may be noise. ?: too few "
    "people to tell."
)
NOT_COMPARABLE = (
    "Runs under different headings were tested on different pairs: their figures are not "
    "comparable with each other."
)
COLUMNS = (*PAIRED, "loss")
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
    """A run in the table: its label, unique in the comparison, and its cells by figure."""

    label: str
    run: SavedRun
    cells: dict[str, Cell]

    @property
    def facts(self) -> tuple[str, str, str]:
        """Parameters, time to converge and speed, in words."""
        run = self.run
        converged = run.seconds_to_best
        speed = run.seconds_per_photo
        return (
            "n/a" if run.parameters is None else f"{run.parameters:,}",
            "n/a" if converged is None else duration(converged),
            "n/a" if not speed else f"{1 / speed:.3g} photos/s",
        )

    @property
    def remarks(self) -> list[str]:
        """What else there is to know of the run."""
        run = self.run
        words = [] if run.stopped != "budget" else ["stopped by budget"]
        others = {name: figure for name, figure in run.published.items() if name not in COLUMNS}
        return words + [
            f"published {name.replace('_', ' ')} {number(figure)}"
            for name, figure in others.items()
        ]


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


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Put runs side by side.

    Args:
        folders: of runs; one named twice is taken once.

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
    return Comparison([_group(labelled) for labelled in tests.values()])


def _group(labelled: list[tuple[str, SavedRun]]) -> Group:
    first = labelled[0][1]
    # The people are numbered alike in all of them: the pairs are the same, in the same order.
    people = first.pairs.people
    resampled = (
        [resample(people, run.pairs.scores, run.pairs.accepted) for _, run in labelled]
        if len(labelled) > 1 and people.count
        else []
    )
    runs = [run for _, run in labelled]
    columns = {name: _column(name, runs, resampled) for name in COLUMNS}
    genuine = first.pairs.same.count("1")
    words = f"{genuine:,} genuine and {len(first.pairs.same) - genuine:,} impostor pairs"
    return Group(
        first.protocol,
        f"{words} of {count(people.count, 'person', 'people')}: {first.pairs.name}",
        [
            Row(label, run, {name: cells[i] for name, cells in columns.items()})
            for i, (label, run) in enumerate(labelled)
        ],
    )


def _column(name: str, runs: Sequence[SavedRun], resampled: Sequence[Resampled]) -> list[Cell]:
    estimates = [run.estimate(name) for run in runs]
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
    return {"label": row.label, **kept, "figures": {n: asdict(c) for n, c in row.cells.items()}}


def cell_words(cell: Cell) -> Iterator[str]:
    """What a cell says, line by line: the figure, its interval, its standing, the published one."""
    yield value(cell.estimate)
    if span := interval(cell.estimate):
        yield span
    if standing := _standing_words(cell):
        yield standing
    if cell.published is not None:
        yield f"published {number(cell.published)}"


def _standing_words(cell: Cell) -> str:
    words = [MARKS.get(cell.standing, "")]
    if (difference := cell.difference) is not None and difference.value is not None:
        words.append(signed(difference.value))
        if difference.low is not None and difference.high is not None:
            words.append(f"({signed(difference.low)} to {signed(difference.high)})")
    return " ".join(filter(None, words))
