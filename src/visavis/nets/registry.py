"""Build a part of a network by the name and the options that a recipe gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Part = TypeVar("Part")


def build(
    kind: str,
    registry: Mapping[str, Callable[..., Part]],
    name: str,
    options: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
) -> Part:
    """Call the builder called ``name``.

    Args:
        kind: what the registry holds, for messages: "backbone", "head", "loss".
        registry: names to builders.
        name: one of its names.
        options: what the recipe says; every key must be an option of the builder.
        given: what the caller knows (sizes, counts); passed where the builder asks for it, and no
            option of a recipe.

    Raises:
        ValueError: an unknown name or option, named with the known ones.
    """
    if name not in registry:
        raise ValueError(f"there is no {kind} {name!r}; there are: {', '.join(sorted(registry))}")
    given = given or {}
    parameters = [
        parameter.name
        for parameter in inspect.signature(registry[name]).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    known = [parameter for parameter in parameters if parameter not in given]
    for option in options:
        if option not in known:
            choice = f"its options are: {', '.join(known)}" if known else "it has none"
            raise ValueError(f"{kind} {name!r} has no option {option!r}; {choice}")
    asked = {key: value for key, value in given.items() if key in parameters}
    return registry[name](**asked, **options)
