"""Spaces as TOML files: where they lie, and what their tables mean."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from visavis.errors import DataError
from visavis.training.space import Choice, Range, Several, Space

RANGE, CHOICE, SEVERAL = {"low", "high", "step", "log"}, {"choice"}, {"count", "each"}


def read_space(name: str) -> Space:
    """A space by the path of its TOML file, or one of visavis's own by name.

    Raises:
        DataError: missing, not TOML, an empty range, a key that no range or choice has, or the axes
            of a sweep.
    """
    path = locate_space(name)
    values = read_space_file(path)
    if "axes" in values:
        raise DataError(f"{path} holds the axes of a sweep, not a space; give it to visavis sweep")
    return Space(_parse(values, "", str(path)), str(path))


def read_space_file(path: Path) -> dict[str, Any]:
    """The plain values of a space's file.

    Raises:
        DataError: missing, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read the space {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not TOML: {error}") from None


def locate_space(name: str) -> Path:
    """The file of a space: a path that ends in ``.toml``, or one of visavis's own by name.

    Raises:
        DataError: no such name.
    """
    if Path(name).suffix == ".toml":
        return Path(name)
    own = own_spaces()
    if name not in own:
        raise DataError(f"there is no space {name}; give a .toml file or one of {', '.join(own)}")
    return own[name]


def own_spaces() -> dict[str, Path]:
    """The spaces that come with visavis, by name: for ``tune`` and for ``sweep``."""
    folder = Path(__file__).parents[1] / "recipes" / "spaces"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _parse(values: Any, key: str, origin: str) -> Any:
    if not isinstance(values, dict):
        return _parse_list(values, key, origin) if isinstance(values, list) else values
    where = f"{origin}: {key}"
    names = set(values)
    if names & (RANGE | CHOICE):
        return _range(values, where) if "choice" not in names else _choice(values, where)
    if names == SEVERAL:
        count = _parse(values["count"], f"{key}.count", origin)
        each = _parse(values["each"], f"{key}.*", origin)
        if isinstance(count, int) and not isinstance(count, bool):
            count = Choice((count,))
        if not isinstance(each, dict) or not _counts(count):
            raise DataError(f"{where}: count is a number of tables from 1 on, and each is a table")
        return Several(count, each)
    return {
        name: _parse(value, f"{key}.{name}" if key else name, origin)
        for name, value in values.items()
    }


def _parse_list(values: list[Any], key: str, origin: str) -> list[Any]:
    return [_parse(value, f"{key}.{number}", origin) for number, value in enumerate(values)]


def _counts(count: Any) -> bool:
    values = count.values if isinstance(count, Choice) else (count.low,)
    return all(isinstance(value, int) and value >= 1 for value in values)


def _range(values: dict[str, Any], where: str) -> Range:
    _only(values, RANGE, where)
    if not {"low", "high"} <= set(values):
        raise DataError(f"{where}: a range has low and high")
    low, high, step = values["low"], values["high"], values.get("step")
    log = values.get("log", False)
    numbers = [number for number in (low, high, step) if number is not None]
    if not all(_is_number(each) for each in numbers):
        raise DataError(f"{where}: low, high and step are finite numbers")
    if not isinstance(log, bool):
        raise DataError(f"{where}: log is true or false")
    if not low < high:
        raise DataError(f"{where}: the range from {low} to {high} is empty")
    if log and (low <= 0 or step is not None):
        raise DataError(f"{where}: a logarithmic range starts above 0 and has no step")
    if step is not None and not 0 < step <= high - low:
        raise DataError(f"{where}: a step of {step} does not fit the range from {low} to {high}")
    if not all(isinstance(number, int) for number in numbers):
        low, high = float(low), float(high)
    if step is not None:  # the last number that the steps meet
        high = low + step * int((high - low) / step + 1e-9)
    return Range(low, high, step, log)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _choice(values: dict[str, Any], where: str) -> Choice:
    _only(values, CHOICE, where)
    offered = values["choice"]
    if not isinstance(offered, list) or not offered:
        raise DataError(f"{where}: choice is a list of values, and this one is empty or none")
    return Choice(tuple(offered))


def _only(values: dict[str, Any], known: set[str], where: str) -> None:
    for name in sorted(set(values) - known):
        raise DataError(f"{where}: {name} is no key of a range or a choice")
