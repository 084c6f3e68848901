"""``visavis recipes``: our own recipes, what is published of each, and what it came to here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.exits import SOME_SKIPPED
from visavis.cli.options import AsJson
from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.report.recipe_figures import RecipeFigures
    from visavis.training.recipe import Recipe

NOT_RUN = "not run"
_TIME = "seconds_to_converge"
_HEADER = (
    "recipe", "published accuracy", "accuracy", "published F1", "F1", "validation accuracy",
    "time to converge", "what it is",
)  # fmt: skip


@dataclass(frozen=True)
class Ours:
    """Figures of a recipe, and the run's folder where it is the user's own."""

    figures: RecipeFigures
    folder: Path | None = None


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="One of ours, or a .toml file: shown whole.")
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(help="Folder of your own runs, shown before our figures; runs by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List our recipes, with published figures beside those reached; or show one as TOML."""
    from visavis.training.recipe_files import find_recipe, own_recipes

    chosen = [find_recipe(each) for each in ([name] if name else sorted(own_recipes()))]
    ours, skipped = _figures(runs)
    if as_json:
        rows = [_row(recipe, ours.get(recipe.name), name or recipe.name) for recipe in chosen]
        show.print_json(
            {**rows[0], "recipe": chosen[0].model_dump(mode="json")} if name else {"recipes": rows}
        )
    elif name:
        _show_one(chosen[0], ours.get(chosen[0].name), name)
    else:
        cells = [list(_cells(recipe, ours.get(recipe.name))) for recipe in chosen]
        if sys.stdout.isatty():
            for row in cells:
                _show_lines(*row)
        else:
            show.table(_HEADER, cells)
        show.note("In brackets 95 % intervals. 'visavis recipes NAME' shows a recipe whole.")
    raise typer.Exit(SOME_SKIPPED if skipped else 0)


def _figures(folder: Path | None) -> tuple[dict[str, Ours], bool]:
    """Ours by the recipe's name, the user's own runs in their place; whether one was skipped."""
    from visavis.report.floors import below_floors
    from visavis.report.recipe_figures import SHIPPED, RecipeFigures, read_figures
    from visavis.report.run_file import RUN, load_run
    from visavis.training.recipe_files import own_recipes

    if folder is not None and not folder.is_dir():
        raise DataError(f"there is no folder {folder}; name one that holds runs")
    ours = {name: Ours(figures) for name, figures in read_figures(SHIPPED).items()}
    found = list((folder or Path("runs")).glob(f"*/{RUN}"))
    skipped = False
    for path in sorted(found, key=lambda path: path.stat().st_mtime):  # the newest of a name wins
        try:
            run = load_run(path.parent)
        except DataError as error:
            show.note(f"skipped: {error}")
            skipped = True
            continue
        if run.name not in own_recipes():
            continue
        if reason := below_floors(run):
            show.note(f"{path.parent} does not count: {reason}")
        else:
            ours[run.name] = Ours(RecipeFigures.of(run), path.parent)
    return ours, skipped


def _cells(recipe: Recipe, ours: Ours | None) -> Iterator[str]:
    yield recipe.name
    yield _published(recipe, "accuracy")
    own = ours is not None and ours.folder is not None
    yield f"{_reached('accuracy', ours)}{' (your run)' if own else ''}"
    yield _published(recipe, "f1")
    yield _reached("f1", ours)
    yield _reached("validation_accuracy", ours)
    yield _reached(_TIME, ours)
    yield recipe.description


def _show_lines(
    name: str, published: str, accuracy: str, published_f1: str, f1: str, validation: str,
    time: str, description: str,
) -> None:  # fmt: skip
    """A row as lines: as a table it is wider than terminals are."""
    show.say(f"{name}: {description}")
    show.say(f"  published  accuracy {published}, F1 {published_f1}")
    reached = f"accuracy {accuracy}, F1 {f1}, validation accuracy {validation}, converged in {time}"
    show.say(f"  here       {NOT_RUN if accuracy == NOT_RUN else reached}")


def _published(recipe: Recipe, name: str) -> str:
    figure = recipe.published.get(name)
    if figure is None:
        return "none"
    return _time(figure) if name == _TIME else f"{figure:.4g}"


def _reached(name: str, ours: Ours | None) -> str:
    if ours is None:
        return NOT_RUN
    figure = ours.figures.named(name)
    if figure is None or figure.value is None:
        return "n/a"
    return _time(figure.value) if name == _TIME else str(figure)


def _time(seconds: float) -> str:
    from visavis.report.wording import duration

    return duration(seconds)


def _show_one(recipe: Recipe, ours: Ours | None, name: str) -> None:
    """All of it is TOML, so that it may be the beginning of another recipe."""
    from visavis.report.toml import as_toml

    measured = ours.figures.figures if ours else {}
    for figure in dict.fromkeys(("accuracy", *recipe.published, *measured)):
        words = figure.replace("_", " ").removeprefix("seconds ")
        show.say(f"# {words}: published {_published(recipe, figure)}; {_here(figure, ours)}")
    show.say(f"# {_command(recipe, ours, name)}")
    show.say()
    show.say(as_toml(recipe.model_dump(mode="json")).rstrip())


def _here(name: str, ours: Ours | None) -> str:
    where = f"your run {ours.folder}" if ours and ours.folder else "here"
    return f"{where} {_reached(name, ours)}"


def _command(recipe: Recipe, ours: Ours | None, name: str) -> str:
    """The one that ran it, or that would: our recipes begin with the name of their data."""
    if ours and ours.figures.command:
        return ours.figures.command
    data = recipe.name.partition("-")[0]
    return f"visavis train {name} --data {'DATA' if name != recipe.name else f'{data}:data/{data}'}"


def _row(recipe: Recipe, ours: Ours | None, name: str) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "description": recipe.description,
        "published": recipe.published,
        "ours": ours and ours.figures.model_dump(mode="json"),
        "your_run": str(ours.folder) if ours and ours.folder else None,
        "command": _command(recipe, ours, name),
    }
