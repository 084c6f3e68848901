"""A space to search: any key of a recipe with a range, a choice, or a number of tables."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from visavis.errors import DataError
from visavis.training.recipe import Recipe, merged

TRIED = 20
"""Configurations drawn to see whether a space is one of this recipe."""


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included.

    Attributes:
        low, high: both whole, or both floats.
        step: between two numbers; ``None`` for any float, or every whole number.
        log: drawn evenly on a logarithmic scale.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether its numbers are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """One of ``values``, of any kind that TOML has."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str | bool | int | float, ...]:
        """A scalar that stands for each value: itself, or its text where it is a list or table."""
        return tuple(json.dumps(v) if isinstance(v, list | dict) else v for v in self.values)


@dataclass(frozen=True)
class Several:
    """A list of ``count`` tables, in each of which everything is drawn anew."""

    count: Range | Choice
    each: dict[str, Any]


Dimension = Range | Choice
Draw = Callable[[str, Dimension], Any]
"""Called with a dotted key such as ``net.options.blocks.0.filters`` and what it may be."""


@dataclass(frozen=True)
class Space:
    """What is searched.

    Attributes:
        tree: as a recipe is nested, with a dimension in place of a value, or a plain value that
            all configurations share.
        origin: named in errors.
    """

    tree: dict[str, Any]
    origin: str = "the space"

    def draw(self, draw: Draw) -> dict[str, Any]:
        """One configuration: what it changes in a recipe."""
        values = _draw(self.tree, "", draw)
        assert isinstance(values, dict)  # noqa: S101 - as the tree is
        return values

    def recipe(self, base: Recipe, draw: Draw) -> Recipe:
        """The recipe of one configuration.

        Raises:
            DataError: a key that no recipe has, or values that contradict each other.
        """
        changed = merged(base.model_dump(mode="json"), self.draw(draw))
        return Recipe.from_dict(changed, self.origin)

    def keys(self) -> list[str]:
        """The dotted keys that are drawn; ``*`` stands for the number of a table."""
        return [key for key, _ in _dimensions(self.tree, "")]

    @property
    def varies(self) -> bool:
        """Whether some keys are drawn in some configurations only."""
        return any(".*." in key for key in self.keys())

    def monitor(self, base: Recipe) -> str:
        """The validation figure that all configurations are compared by."""
        told: str = self.tree.get("schedule", {}).get("monitor", base.schedule.monitor)
        return told

    def samples(self, seed: int = 0) -> Iterator[Draw]:
        """The lowest configuration, the highest, and ``TRIED`` drawn ones."""
        yield lambda _, dimension: _end(dimension, 0)
        yield lambda _, dimension: _end(dimension, -1)
        rng = random.Random(seed)  # noqa: S311 - nothing secret
        for _ in range(TRIED):
            yield partial(_at_random, rng)

    def check(self, base: Recipe) -> None:
        """See that it is a space of this recipe.

        Raises:
            DataError: an unknown key, a value of another type, nothing to draw, or, where the
                lowest loss is the best, a loss that is not the same in all configurations; or
                another figure to compare by in some of them.
        """
        found = self.keys()
        if not found:
            raise DataError(f"{self.origin} has no range and no choice, so there is nothing to try")
        recipes, mistakes = [], []
        for draw in self.samples():
            try:
                recipes.append(self.recipe(base, draw))
            except DataError as error:
                mistakes.append(error)
        if not recipes or any("is no key of a recipe" in str(error) for error in mistakes):
            raise mistakes[0]
        if not all(recipe.loss for recipe in recipes):
            raise DataError(f"{self.origin}: a recipe without a loss learns nothing to compare")
        if len({recipe.schedule.monitor for recipe in recipes}) > 1:
            raise DataError(
                f"{self.origin} draws schedule.monitor, which configurations are compared by; set "
                "it to one value"
            )
        losses = {json.dumps([part.model_dump() for part in recipe.loss]) for recipe in recipes}
        if len(losses) > 1 and self.monitor(base) == "loss":
            raise DataError(
                f"{self.origin} changes the loss, and the values of two losses cannot be compared; "
                "set schedule.monitor to accuracy or auc"
            )


def _draw(tree: Any, key: str, draw: Draw) -> Any:
    match tree:
        case Range() | Choice():
            return draw(key, tree)
        case Several():
            count = draw(f"{key}.count", tree.count)
            return [_draw(tree.each, f"{key}.{number}", draw) for number in range(count)]
        case dict():
            return {
                name: _draw(value, f"{key}.{name}" if key else name, draw)
                for name, value in tree.items()
            }
        case list():
            return [_draw(value, f"{key}.{number}", draw) for number, value in enumerate(tree)]
    return tree


def _dimensions(tree: Any, key: str) -> Iterator[tuple[str, Dimension]]:
    match tree:
        case Range() | Choice():
            yield key, tree
        case Several():
            yield f"{key}.count", tree.count
            yield from _dimensions(tree.each, f"{key}.*")
        case dict() | list():
            items = tree.items() if isinstance(tree, dict) else enumerate(tree)
            for name, value in items:
                yield from _dimensions(value, f"{key}.{name}" if key else str(name))


def _end(dimension: Dimension, end: int) -> Any:
    if isinstance(dimension, Choice):
        return dimension.values[end]
    return dimension.high if end else dimension.low


def _at_random(rng: random.Random, key: str, dimension: Dimension) -> Any:  # noqa: ARG001
    if isinstance(dimension, Choice):
        return rng.choice(dimension.values)
    low, high, step = dimension.low, dimension.high, dimension.step
    if dimension.log:
        drawn = low * (high / low) ** rng.random()
        return round(drawn) if dimension.whole else drawn
    if step is not None or dimension.whole:
        step = step or 1
        return low + step * rng.randint(0, round((high - low) / step))
    return rng.uniform(low, high)
