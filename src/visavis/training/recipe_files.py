"""Where recipes lie: our own by name, others as TOML files, each by itself or extending another."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from visavis.errors import DataError
from visavis.training.recipe import Recipe, merged


def find_recipe(name: str) -> Recipe:
    """A recipe by the path of its TOML file, or one of visavis's own by name.

    With ``extends = "lfw-koch"`` or ``extends = "mine.toml"``, a file beside it, it holds only what
    it changes: tables are merged key by key, anything else is replaced. Its name, description and
    published figures are its own, and so are the options of another backbone or kind.

    Raises:
        DataError: no such recipe, not TOML, extending itself, or with an unknown key or a wrong
            value; it names the key.
    """
    path = locate_recipe(name)
    return Recipe.from_dict(_read_whole(path), str(path))


def locate_recipe(name: str) -> Path:
    """The file of a recipe: a path that ends in ``.toml``, or one of visavis's own by name.

    Raises:
        DataError: no such name.
    """
    path = Path(name)
    if path.suffix == ".toml":
        return path
    own = own_recipes()
    if name not in own:
        raise DataError(f"there is no recipe {name}; give a .toml file or one of {', '.join(own)}")
    return own[name]


def own_recipes() -> dict[str, Path]:
    """The recipes that come with visavis, by name."""
    folder = Path(__file__).parents[1] / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _read_whole(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe file, merged into those of the recipe that it extends."""
    if path in extending:
        raise DataError(f"{extending[0]} extends itself")
    values = _read_toml(path)
    base = values.pop("extends", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise DataError(f"{path}: extends is the name of a recipe or a .toml file, not {base!r}")
    beside = path.parent / base if base.endswith(".toml") else locate_recipe(base)
    inherited = _read_whole(beside, (*extending, path))
    for key in ("name", "description", "published"):
        inherited.pop(key, None)
    return merged(inherited, values)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"there is no recipe {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not TOML: {error}") from None
