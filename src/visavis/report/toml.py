"""A recipe as TOML, to read in a report and to run again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def as_toml(values: Mapping[str, Any]) -> str:
    """Plain values as TOML text that ``tomllib`` reads back.

    Args:
        values: strings, numbers, booleans, lists, tables, and lists of tables; ``None`` and empty
            tables are left out, since TOML has no word for nothing.
    """
    return "\n".join(_lines(values, "")).strip() + "\n"


def _lines(values: Mapping[str, Any], path: str) -> Iterator[str]:
    tables = {name: value for name, value in values.items() if _is_table(value)}
    for name, value in values.items():
        if name not in tables and value is not None:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in tables.items():
        full = f"{path}{_key(name)}"
        for table in value if isinstance(value, list | tuple) else [value]:
            inner = list(_lines(table, f"{full}."))
            if isinstance(value, list | tuple):
                yield from ("", f"[[{full}]]")
            elif inner:
                yield from ("", f"[{full}]")
            yield from inner


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(item, Mapping) for item in value)
    )


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    # JSON's strings, numbers and booleans are TOML's as well, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
