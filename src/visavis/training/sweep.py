"""``visavis sweep``: one axis after another, or the full grid, chosen by the validation figure."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.errors import DataError
from visavis.files import write_output
from visavis.report.toml import as_toml
from visavis.report.tune_sweep import Swept, SweptAxis, SweptValue, up_to_best, write_sweep
from visavis.training.fit import fit
from visavis.training.material import prepare
from visavis.training.processes import ALONE, DivergedError, Resources
from visavis.training.recipe import Recipe
from visavis.training.sweep_axes import Axes, Axis, changed
from visavis.training.tune_estimate import blueprint, memory_of, short_of_memory

RECORDS, PAGE, BEST = "sweep.json", "sweep.html", "best.toml"


@dataclass(frozen=True)
class Measured:
    """One configuration.

    Attributes:
        figures: on the validation pairs at the best epoch; empty where it was not trained.
        best_epoch, epochs, seconds: of training.
        reason: why it was not trained to its end, or how it was cut short.
        warnings: what looked wrong.
    """

    figures: dict[str, float]
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""
    warnings: list[str] = field(default_factory=list)


def sweep(
    recipe: Recipe,
    axes: Axes,
    source: Source,
    folder: Path,
    *,
    grid: bool = False,
    resources: Resources = ALONE,
    progress: Progress | None = None,
    command: str = "",
) -> Swept:
    """Train a recipe at each value of each axis; tables, pictures and the best recipe.

    The same call goes on where it was stopped: what is finished is kept by its resolved recipe.

    Args:
        recipe: to begin with, changed by the start values of ``axes``.
        axes: each is fixed at its best validation figure before the next is swept.
        source: what is trained on; its test is not looked at.
        folder: of the sweep. It gets ``sweep.json``, ``sweep.html``, ``best.toml``, and the crops
            that all configurations share.
        grid: every value of every axis with every other instead.
        resources: what each configuration may use.
        progress: called with a stage, steps done and steps in all.
        command: that sweeps again, for the report.

    Raises:
        DataError: an unknown key, a folder that holds the sweep of other data, or an axis of which
            no value could be trained.
    """
    axes.check(recipe)
    begun = axes.begin(recipe)
    begun = begun.model_copy(update={"name": f"{recipe.name}-swept"})
    if not begun.loss:
        raise DataError(f"recipe {recipe.name} has no loss, so there is nothing to sweep")
    lab = Lab(source, folder, resources, progress, begun.schedule.monitor)
    told, best = (lab.grid if grid else lab.descend)(begun, axes)
    pairs = len(prepare(source, begun.data, begun.seed).validation)
    swept = Swept(
        begun.name, lab.monitor, told, best.model_dump(mode="json"), pairs, grid, lab.warnings
    )
    write_output(folder / BEST, as_toml(swept.recipe).encode())
    write_sweep(folder / PAGE, swept, command)
    return swept


class Lab:
    """Measures configurations, each once.

    Args:
        source, folder, resources, progress: see ``sweep``.
        monitor: the validation figure that is compared.

    Raises:
        DataError: the folder cannot be made, or holds the sweep of other data.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        resources: Resources,
        progress: Progress | None,
        monitor: str,
    ) -> None:
        self._source, self._folder = source, folder
        self._resources, self._progress = resources, progress
        self.monitor = monitor
        names = [(photo.parent.name, photo.name) for photo in source.faces.photos]
        self._data = _digest(repr((source.name, source.protocol, names)))
        self._known = self._read()

    @property
    def warnings(self) -> list[str]:
        """What looked wrong in some configuration, each once."""
        return list(dict.fromkeys(text for done in self._known.values() for text in done.warnings))

    def descend(self, recipe: Recipe, axes: Axes) -> tuple[list[SweptAxis], Recipe]:
        """One axis after another."""
        told, fixed = [], []
        for number, axis in enumerate(axes.axes, 1):
            recipes = [changed(recipe, axis.key, value, axes.origin) for value in axis.values]
            values = []
            for words, each in zip(axis.labels, recipes, strict=True):
                done = self.measure(each)
                values.append(self._told(words, done))
                self._tell(f"axis {number} of {len(axes.axes)}, {axis.key} {words}", done)
            told.append(SweptAxis(axis.key, values, self._best(values, axis.key)))
            recipe = recipes[told[-1].best]
            fixed.append(recipe)
        return told, fixed[len(up_to_best(told, self.monitor)) - 1]

    def grid(self, recipe: Recipe, axes: Axes) -> tuple[list[SweptAxis], Recipe]:
        """Every value with every other; each axis shows the best of each of its values."""
        combined = list(_product(recipe, axes))
        cells = []
        for number, (words, chosen) in enumerate(combined, 1):
            done = self.measure(chosen)
            cells.append(self._told(", ".join(words), done))
            self._tell(f"{number} of {len(combined)}, {cells[-1].label}", done)
        best = self._best(cells, "the grid")
        told = [
            self._side(
                axis,
                [(words[place], cell) for (words, _), cell in zip(combined, cells, strict=True)],
            )
            for place, axis in enumerate(axes.axes)
        ]
        whole = SweptAxis(" x ".join(axis.key for axis in axes.axes), cells, best, drawn=False)
        return [*told, whole], combined[best][1]

    def measure(self, recipe: Recipe) -> Measured:
        """A configuration's figures: those that are kept, or new ones."""
        key = _digest(recipe.model_dump_json(exclude={"name", "description", "published"}))
        if key not in self._known:
            self._known[key] = self._train(recipe, self._folder / "configurations" / key)
            records = {name: asdict(done) for name, done in self._known.items()}
            content = {"data": self._data, "configurations": records}
            write_output(self._folder / RECORDS, json.dumps(content, indent=1).encode())
        return self._known[key]

    def _train(self, recipe: Recipe, place: Path) -> Measured:
        if reason := _hopeless(recipe):
            return Measured({}, reason=reason)
        try:
            fitted = fit(
                recipe,
                self._source,
                place,
                resume=True,
                resources=self._resources,
                progress=self._progress,
                crops=self._folder,
            )
        except DivergedError as error:
            return Measured({}, reason=str(error).split("; ")[0])
        shutil.rmtree(place / "checkpoints", ignore_errors=True)
        assert fitted.best_epoch is not None  # noqa: S101 - a recipe that learns
        row = fitted.history[fitted.best_epoch - 1]
        figures = {
            name.removeprefix("val_"): value
            for name, value in row.items()
            if name.startswith("val_") and value == value  # noqa: PLR0124 - NaN is no figure
        }
        reason = "cut short by the budget" if fitted.stopped == "budget" else ""
        epochs = len(fitted.history)
        return Measured(figures, fitted.best_epoch, epochs, fitted.seconds, reason, fitted.warnings)

    def _read(self) -> dict[str, Measured]:
        path = self._folder / RECORDS
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                return {}
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}; name another --output") from None
        if content["data"] != self._data:
            raise DataError(f"{self._folder} holds a sweep on other data; name another --output")
        return {name: Measured(**done) for name, done in content["configurations"].items()}

    def _told(self, words: str, done: Measured) -> SweptValue:
        return SweptValue(
            words,
            done.figures.get(self.monitor),
            done.figures,
            done.best_epoch,
            done.epochs,
            done.seconds,
            done.reason,
        )

    def _best(self, values: list[SweptValue], key: str) -> int:
        """The place of the best value, the first of equals."""
        sign = -1 if self.monitor == "loss" else 1
        known = {n: sign * v.value for n, v in enumerate(values) if v.value is not None}
        if not known:
            raise DataError(f"no value of {key} could be trained; the first: {values[0].reason}")
        return max(known, key=lambda number: (known[number], -number))

    def _side(self, axis: Axis, cells: list[tuple[str, SweptValue]]) -> SweptAxis:
        sides = []
        for words in axis.labels:
            column = [cell for label, cell in cells if label == words]
            trained = [cell for cell in column if cell.value is not None]
            top = column[0] if not trained else trained[self._best(trained, axis.key)]
            sides.append(replace(top, label=words))
        return SweptAxis(axis.key, sides, self._best(sides, axis.key))

    def _tell(self, words: str, done: Measured) -> None:
        if self._progress:
            value = done.figures.get(self.monitor)
            outcome = done.reason if value is None else f"{self.monitor} {value:.4f}"
            self._progress(f"sweep: {words}: {outcome}", 1, 1)


def _hopeless(recipe: Recipe) -> str:
    """Why a configuration cannot be trained; empty where it can."""
    try:
        parts = blueprint(recipe)
    except DataError as error:
        return str(error).removeprefix(f"recipe {recipe.name}: ").split("; ")[0]
    needed = memory_of(recipe, parts)
    return short_of_memory(needed) if needed else ""


def _product(recipe: Recipe, axes: Axes) -> Iterator[tuple[list[str], Recipe]]:
    for values in itertools.product(*(range(len(axis.values)) for axis in axes.axes)):
        chosen, words = recipe, []
        for axis, place in zip(axes.axes, values, strict=True):
            chosen = changed(chosen, axis.key, axis.values[place], axes.origin)
            words.append(axis.labels[place])
        yield words, chosen


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
