"""The axes of a sweep: which keys of a recipe take which values, and in which order."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from visavis.errors import DataError
from visavis.training.recipe import Recipe, merged
from visavis.training.space_files import locate_space, read_space_file


@dataclass(frozen=True)
class Axis:
    """A dotted key of a recipe, such as ``loss.0.options.margin``, and its values in order.

    A value that is a table changes several keys at once.
    """

    key: str
    values: tuple[Any, ...]

    @property
    def labels(self) -> list[str]:
        """The values as they stand in tables and pictures."""
        return [label(value) for value in self.values]


@dataclass(frozen=True)
class Axes:
    """A sweep.

    Attributes:
        axes: in the order in which they are swept.
        start: what the recipe is changed to first.
        origin: named in errors.
    """

    axes: tuple[Axis, ...]
    start: dict[str, Any] = field(default_factory=dict)
    origin: str = "--axis"

    def begin(self, recipe: Recipe) -> Recipe:
        """The recipe that the sweep starts from.

        Raises:
            DataError: a key that no recipe has.
        """
        changed = merged(recipe.model_dump(mode="json"), self.start)
        return Recipe.from_dict(changed, f"{self.origin}: start")

    def check(self, recipe: Recipe) -> None:
        """See that every value of every axis is one that its key of a recipe takes.

        Raises:
            DataError: it names the key; or an axis whose values cannot be compared: the loss
                where the lowest is the best, or the figure to compare by.
        """
        begun = self.begin(recipe)
        for axis in self.axes:
            for value in axis.values:
                found = changed(begun, axis.key, value, self.origin)
                if found.schedule.monitor != begun.schedule.monitor:
                    raise DataError(f"{axis.key} is what values are compared by; it is no axis")
                if found.loss != begun.loss and begun.schedule.monitor == "loss":
                    raise DataError(
                        f"{axis.key} changes the loss, and the values of two losses cannot be "
                        "compared; set schedule.monitor to accuracy or auc"
                    )


def read_axes(name: str) -> Axes:
    """The axes and start values in a TOML file, or of one of visavis's own spaces.

    Raises:
        DataError: missing, not TOML, without axes, or with an axis without values.
    """
    path = locate_space(name)
    values = read_space_file(path)
    for key in sorted(set(values) - {"start", "axes"}):
        raise DataError(
            f"{path}: {key} is neither start nor axes, the two tables of a sweep; a space of "
            "ranges is for visavis tune"
        )
    axes, start = values.get("axes", {}), values.get("start", {})
    if not isinstance(axes, dict) or not axes or not isinstance(start, dict):
        raise DataError(f"{path}: a sweep has a table of axes, and may have one called start")
    return replace(axes_of(axes, str(path)), start=start)


def axes_of(values: Mapping[str, Sequence[Any]], origin: str = "the sweep") -> Axes:
    """Axes by dotted key, in their order.

    Raises:
        DataError: an axis without values, or with one of them twice.
    """
    return Axes(tuple(_axis(key, each, origin) for key, each in values.items()), origin=origin)


def parse_axes(texts: Sequence[str]) -> Axes:
    """Axes as they are typed: ``net.options.layers=2,3,4`` or ``optimiser.kind=adam,sgd``.

    Raises:
        DataError: anything else, or two axes of one key.
    """
    axes = []
    for text in texts:
        key, equals, listed = text.partition("=")
        if not equals or not key.strip():
            raise DataError(f"{text!r} is no axis; write key=value,value,…")
        axes.append(_axis(key.strip(), _values(listed), "--axis"))
    keys = [axis.key for axis in axes]
    if len(set(keys)) < len(keys):
        raise DataError("two axes have the same key; name each key once")
    return Axes(tuple(axes))


def changed(recipe: Recipe, key: str, value: Any, origin: str = "the sweep") -> Recipe:
    """A recipe with another value of a key; a table is merged into what is there.

    Raises:
        DataError: a key or a value that no recipe has.
    """
    values = recipe.model_dump(mode="json")
    return Recipe.from_dict(_replaced(values, key.split("."), value, f"{origin}: {key}"), origin)


def label(value: Any) -> str:
    """A value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {label(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(label, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _replaced(tree: Any, path: list[str], value: Any, where: str) -> Any:
    if not path:
        return merged(tree, value) if isinstance(value, dict) and isinstance(tree, dict) else value
    name, *rest = path
    if isinstance(tree, list):
        if not name.isdecimal() or int(name) >= len(tree):
            raise DataError(f"{where}: {name} is no number from 0 to {len(tree) - 1}")
        inner = _replaced(tree[int(name)], rest, value, where)
        return [inner if number == int(name) else item for number, item in enumerate(tree)]
    if tree is None:  # a table that the recipe leaves out
        tree = {}
    if not isinstance(tree, dict):
        raise DataError(f"{where}: {name} is no key of a recipe")
    inner = _replaced(tree.get(name), rest, value, where)
    # By way of merged, so that another backbone or kind has its own options.
    return merged(tree, {name: inner}) if not rest else {**tree, name: inner}


def _axis(key: str, values: Any, origin: str) -> Axis:
    if not isinstance(values, list | tuple) or not values:
        raise DataError(f"{origin}: the axis {key} is empty; give it a list of values")
    texts = [json.dumps(value) for value in values]
    if len(set(texts)) < len(texts):
        raise DataError(f"{origin}: the axis {key} has a value twice")
    return Axis(key, tuple(values))


def _values(text: str) -> list[Any]:
    """Values as TOML has them; bare words are strings."""
    return [_value(part) for part in _split(text) if part]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _split(text: str) -> list[str]:
    """At commas that no bracket or brace encloses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
