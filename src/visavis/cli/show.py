"""How answers look on a terminal: stdout for results, stderr for all else."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, the steps done and their total.

After the name may come ``: `` and how the stage went so far, which is shown as a line of its own.
"""


def print_json(value: object) -> None:
    """One object on stdout; NaN and infinity become null."""
    print(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def say(text: str = "") -> None:
    """A line of the result."""
    print(text)


def note(text: str) -> None:
    """A line beside the result."""
    print(text, file=sys.stderr)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """A table on stdout: drawn on a terminal, tabs in a pipe."""
    if not sys.stdout.isatty():
        for row in (header, *rows):
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*header, title=title or None, title_justify="left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on a terminal, one line for each stage elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    bars = Bars(*_columns(), console=Console(stderr=True), transient=True)
    tasks: dict[str, Any] = {}

    def advance(stage: str, done: int, total: int) -> None:
        bars.start()  # not before: other processes of a run have nothing to show
        name, _, news = stage.partition(": ")
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=total)
        bars.update(tasks[name], completed=done, total=total)
        if news:
            bars.console.print(stage, highlight=False, markup=False)

    try:
        yield advance
    finally:
        bars.stop()


def _columns() -> list[ProgressColumn]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s", justify="right")

    return [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]


def _lines() -> Progress:
    begun: set[str] = set()

    def advance(stage: str, done: int, total: int) -> None:  # noqa: ARG001
        if stage not in begun:
            begun.add(stage)
            note(stage if ": " in stage else f"{stage} ({total:,})")

    return advance


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
