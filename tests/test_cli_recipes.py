"""``visavis recipes``: ours beside what is published, and a recipe whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from generated_run import draw_pairs_of, draw_run
from visavis.cli.recipes import recipes
from visavis.data.known import known_sets
from visavis.errors import DataError
from visavis.report import recipe_figures
from visavis.report.recipe_figures import RecipeFigures, read_figures, update_figures
from visavis.report.run import load_run, save_run
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe, own_recipes

PHOTOS = [Path(f"p{number}.jpg") for number in range(80)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without runs, and no figures shipped."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recipe_figures, "SHIPPED", tmp_path / "shipped.json")
    return tmp_path


def ask(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(recipes)
    return CliRunner().invoke(app, [*map(str, arguments)])


def row_of(name: str, *arguments: object) -> list[str]:
    lines = ask(*arguments).stdout.splitlines()
    return next(line.split("\t") for line in lines if line.startswith(f"{name}\t"))


def save(folder: Path, name: str, **training: Any) -> Path:
    folder.mkdir(parents=True)
    run = draw_run(folder, draw_pairs_of(PHOTOS), name, **{"stopped": "patience", **training})
    save_run(folder, run, f"visavis train {name} --data lfw:data/lfw")
    return folder


def ship(folder: Path, name: str) -> RecipeFigures:
    figures = RecipeFigures.of(load_run(save(folder, name)))
    update_figures(recipe_figures.SHIPPED, {name: figures})
    return figures


def test_all_are_listed_with_what_is_published_and_what_was_not_run():
    outcome = ask()
    assert outcome.exit_code == 0
    names = [line.split("\t")[0] for line in outcome.stdout.splitlines()[1:]]
    assert names == sorted(own_recipes())
    assert row_of("lfw-alexnet") == [
        "lfw-alexnet", "0.842", "not run", "0.832", "not run", "not run", "not run",
        find_recipe("lfw-alexnet").description,
    ]  # fmt: skip
    assert row_of("lfw-best")[1] == "none"


def test_figures_that_come_with_visavis_stand_beside_the_published(elsewhere):
    figures = ship(elsewhere / "a", "lfw-koch-dropout")
    row = row_of("lfw-koch-dropout")
    assert row[1:3] == ["0.922", str(figures.figures["accuracy"])]
    assert row[4:7] == [str(figures.figures["f1"]), "0.8727", "5\xa0min 30\xa0s"]


def test_on_a_terminal_a_recipe_has_lines_of_its_own(elsewhere, monkeypatch, capsys):
    figures = RecipeFigures.of(load_run(save(elsewhere / "runs" / "a", "lfw-koch"))).figures
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(typer.Exit):
        recipes()
    text = capsys.readouterr().out
    assert (
        f"lfw-koch: {find_recipe('lfw-koch').description}\n"
        "  published  accuracy none, F1 none\n"
        f"  here       accuracy {figures['accuracy']} (your run), F1 {figures['f1']}, "
        "validation accuracy 0.8727, converged in 5\xa0min 30\xa0s\n"
    ) in text
    assert "  published  accuracy 0.842, F1 0.832\n  here       not run\n" in text


def test_a_run_of_yours_takes_their_place_where_it_counts(elsewhere):
    ship(elsewhere / "a", "lfw-koch")
    save(elsewhere / "runs" / "first", "lfw-koch", parameters=1)
    newest = save(elsewhere / "runs" / "second", "lfw-koch", parameters=2)
    os.utime(newest / "run.json", (2e9, 2e9))
    save(elsewhere / "runs" / "short", "lfw-best", stopped="budget")
    save(elsewhere / "runs" / "mine", "mine")
    assert row_of("lfw-koch")[2].endswith("(your run)")
    rows = {row["name"]: row for row in json.loads(ask("--json").stdout)["recipes"]}
    assert rows["lfw-koch"]["your_run"] == "runs/second"
    assert rows["lfw-koch"]["ours"]["parameters"] == 2
    assert rows["lfw-best"]["ours"] is None
    assert "runs/short does not count: 12 epochs without early stopping" in ask().stderr
    (elsewhere / "none").mkdir()
    assert "your run" not in ask("--runs", "none").stdout


def test_a_damaged_run_is_skipped_and_told(elsewhere):
    (elsewhere / "runs" / "bad").mkdir(parents=True)
    (elsewhere / "runs" / "bad" / "run.json").write_text("{}")
    outcome = ask()
    assert outcome.exit_code == 4
    assert "skipped: runs/bad/run.json" in outcome.stderr
    assert "lfw-koch\t" in outcome.stdout


@pytest.mark.parametrize("name", own_recipes())
def test_a_recipe_shown_whole_is_that_recipe_again(name):
    text = ask(name).stdout
    assert Recipe.from_dict(tomllib.loads(text)) == find_recipe(name)
    data = name.partition("-")[0]
    assert f"# visavis train {name} --data {data}:data/{data}\n" in text
    assert data in known_sets()


def test_a_recipe_shown_whole_says_what_it_came_to(elsewhere):
    figures = ship(elsewhere / "a", "lfw-koch-dropout")
    lines = ask("lfw-koch-dropout").stdout.splitlines()
    assert f"# accuracy: published 0.922; here {figures.figures['accuracy']}" in lines
    assert "# validation accuracy: published 0.695; here 0.8727" in lines
    assert "# to converge: published 20\xa0min 51\xa0s; here 5\xa0min 30\xa0s" in lines
    assert f"# f1: published none; here {figures.figures['f1']}" in lines
    told = json.loads(ask("lfw-koch-dropout", "--json").stdout)
    assert told["recipe"]["batch"]["accumulate"] == 16
    assert told["published"]["loss"] == 0.329
    assert told["ours"]["seconds_to_best"] == 330


def test_a_recipe_of_yours_is_shown_with_all_that_it_extends(elsewhere):
    (elsewhere / "mine.toml").write_text('extends = "lfw-koch"\nname = "mine"\nseed = 7\n')
    text = ask("mine.toml").stdout
    shown = tomllib.loads(text)
    assert shown["seed"] == 7
    assert shown["net"]["backbone"] == "koch"
    assert "# visavis train mine.toml --data DATA\n" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("nonesuch",), "there is no recipe nonesuch"), (("--runs", "gone"), "no folder gone")],
)
def test_wrong_usage_is_one_sentence(arguments, words):
    error = ask(*arguments).exception
    assert isinstance(error, DataError)
    assert words in str(error)


def test_the_figures_that_come_with_visavis_are_of_its_recipes():
    shipped = Path(recipe_figures.__file__).parents[1] / "recipes" / "figures.json"
    assert set(read_figures(shipped)) <= set(own_recipes())
    assert shipped.is_file()


def test_it_starts_without_what_is_slow_to_import(elsewhere):
    save(elsewhere / "runs" / "lfw-koch", "lfw-koch")
    code = (
        "import sys; sys.argv = ['visavis', 'recipes']\n"
        "from visavis.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as stopped:\n    assert not stopped.code\n"
        "print({'torch', 'matplotlib', 'scipy', 'sklearn', 'openvino'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"
    assert "(your run)" in ran.stdout
