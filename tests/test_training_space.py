"""Spaces: what may be drawn, what is refused, and the spaces that come with visavis."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_training_fit import TINY
from visavis.errors import DataError
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe
from visavis.training.space import Choice, Range, Space
from visavis.training.space_files import own_spaces, read_space
from visavis.training.sweep_axes import read_axes
from visavis.training.tune_estimate import blueprint

BLOCKS = """
[net.options]
units = { low = 10, high = 360 }
[net.options.blocks]
count = { low = 1, high = 3 }
[net.options.blocks.each]
filters = { low = 32, high = 256, step = 32 }
pool = { choice = ["max", "avg"] }
[optimiser]
rate = { low = 1e-4, high = 0.5, log = true }
[schedule]
epochs = 2
"""
TOY = {**TINY, "net": {"backbone": "blocks"}}


def written(folder: Path, text: str) -> Space:
    (folder / "space.toml").write_text(text, encoding="utf-8")
    return read_space(str(folder / "space.toml"))


def refused(folder: Path, text: str, recipe: dict | None = None) -> str:
    with pytest.raises(DataError) as error:
        written(folder, text).check(Recipe.from_dict(recipe or TINY))
    assert str(error.value).startswith(str(folder / "space.toml"))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_space_draws_recipes(tmp_path: Path) -> None:
    space = written(tmp_path, BLOCKS)
    space.check(Recipe.from_dict(TOY))
    assert space.varies
    assert space.keys() == [
        "net.options.units",
        "net.options.blocks.count",
        "net.options.blocks.*.filters",
        "net.options.blocks.*.pool",
        "optimiser.rate",
    ]
    recipes = [space.recipe(Recipe.from_dict(TOY), draw) for draw in space.samples()]
    lowest, highest, *drawn = recipes
    assert lowest.net.options == {"units": 10, "blocks": [{"filters": 32, "pool": "max"}]}
    assert highest.net.options["blocks"] == [{"filters": 256, "pool": "avg"}] * 3
    assert (lowest.optimiser.rate, highest.optimiser.rate) == (1e-4, 0.5)
    assert {recipe.schedule.epochs for recipe in recipes} == {2}
    assert {recipe.batch for recipe in recipes} == {Recipe.from_dict(TOY).batch}
    filters = {block["filters"] for recipe in drawn for block in recipe.net.options["blocks"]}
    assert filters <= set(range(32, 257, 32))
    assert len({recipe.optimiser.rate for recipe in drawn}) == len(drawn)
    assert min(recipe.optimiser.rate for recipe in drawn) < 5e-3  # evenly in the logarithm


@given(
    low=st.integers(-50, 50), width=st.integers(1, 60), step=st.integers(1, 60), seed=st.integers()
)
def test_a_step_is_kept_and_no_end_is_passed(low: int, width: int, step: int, seed: int) -> None:
    if step > width:
        return
    tree = {"seed": Range(low, low + width // step * step, step)}
    for draw in Space(tree).samples(seed):
        value = Space(tree).draw(draw)["seed"]
        assert low <= value <= low + width
        assert (value - low) % step == 0


def test_the_end_of_a_range_is_where_its_steps_meet_it(tmp_path: Path) -> None:
    space = written(tmp_path, "seed = { low = 1, high = 10, step = 4 }\n")
    assert space.tree["seed"] == Range(1, 9, 4)
    space = written(tmp_path, "augment.erase = { low = 0, high = 0.5, step = 0.1 }\n")
    erase = space.tree["augment"]["erase"]
    assert isinstance(erase.low, float)
    assert not erase.whole
    assert erase.high == pytest.approx(0.5)


def test_lists_and_tables_may_be_chosen(tmp_path: Path) -> None:
    text = 'head = { choice = [{ kind = "cosine" }, { kind = "mlp", options = { hidden = [8] } }] }'
    space = written(tmp_path, text)
    recipes = [space.recipe(Recipe.from_dict(TINY), draw) for draw in space.samples()]
    assert recipes[0].head.kind == "cosine"
    assert recipes[1].head.options == {"hidden": [8]}
    assert Choice(([1, 2], "a", 3)).labels == ("[1, 2]", "a", 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optimiser.rat = { low = 1e-4, high = 0.5 }", "optimiser.rat: is no key of a recipe"),
        ("optimiser.rate = { low = 0.5, high = 0.1 }", "the range from 0.5 to 0.1 is empty"),
        ("seed = { low = 3, high = 3 }", "the range from 3 to 3 is empty"),
        ("seed = { choice = [] }", "seed: choice is a list of values"),
        ("seed = { low = 1 }", "seed: a range has low and high"),
        ("seed = { low = 1, high = 5, stop = 2 }", "stop is no key of a range"),
        ("seed = { choice = [1], low = 1 }", "low is no key of a range"),
        ("optimiser.rate = { low = 0, high = 0.5, log = true }", "starts above 0"),
        ("optimiser.rate = { low = 0.1, high = 0.5, log = true, step = 0.1 }", "has no step"),
        ("seed = { low = 1, high = 5, step = 9 }", "a step of 9 does not fit"),
        ('seed = { low = "1", high = 5 }', "are finite numbers"),
        ("optimiser.rate = { low = 1e-4, high = inf, log = true }", "are finite numbers"),
        ("seed = { low = 1, high = 5, log = 1 }", "log is true or false"),
        ("net.options.blocks = { count = 0, each = {} }", "from 1 on"),
        ("net.options.blocks = { count = { low = 0, high = 3 }, each = {} }", "from 1 on"),
        ("schedule.epochs = 3", "no range and no choice"),
        ("seed = ", "is not TOML"),
        ("loss = { choice = [[]] }", "without a loss"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(tmp_path, text)


def test_two_losses_are_not_compared(tmp_path: Path) -> None:
    listed = {
        **TINY,
        "data": {"pairs": "listed"},
        "loss": [{"kind": "contrastive"}],
        "schedule": {"epochs": 2, "monitor": "loss"},
    }
    text = "loss = [{ kind = 'contrastive', options.margin = { low = 0.1, high = 1.5 } }]"
    assert "set schedule.monitor to accuracy or auc" in refused(tmp_path, text, listed)
    space = written(tmp_path, f"{text}\nschedule.monitor = 'auc'")
    space.check(Recipe.from_dict(listed))
    assert space.monitor(Recipe.from_dict(listed)) == "auc"
    drawn = "schedule.monitor = { choice = ['auc', 'accuracy'] }"
    assert "draws schedule.monitor" in refused(tmp_path, drawn, listed)


def test_no_such_space(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no space nothing; give a .toml file or one of"):
        read_space("nothing")
    with pytest.raises(DataError, match=r"cannot read the space .*gone.toml: No such file"):
        read_space(str(tmp_path / "gone.toml"))


def test_what_is_for_a_sweep_is_not_searched() -> None:
    with pytest.raises(
        DataError, match="holds the axes of a sweep, not a space; give it to visavis"
    ):
        read_space("lfw-small")
    with pytest.raises(DataError, match=r"neither start nor axes.* is for visavis tune"):
        read_axes("celeba-blocks")


def test_the_fifth_systems_space() -> None:
    space, base = read_space("celeba-blocks"), find_recipe("lfw-blocks")
    space.check(base)
    assert len(space.keys()) == 10
    drawn = [space.recipe(base, draw) for draw in space.samples()]
    assert {len(recipe.net.options["blocks"]) for recipe in drawn} == {1, 2, 3, 4, 5}
    assert {recipe.schedule.monitor for recipe in drawn} == {"accuracy"}
    assert {(recipe.schedule.epochs, recipe.schedule.patience) for recipe in drawn} == {(15, 5)}
    assert all(recipe.net.options["batchnorm"] for recipe in drawn)
    collapsed = 0
    for recipe in drawn:
        try:
            blueprint(recipe)
        except DataError as error:
            assert "does not fit the" in str(error)
            collapsed += 1
    assert 0 < collapsed < len(drawn)


@pytest.mark.parametrize(("name", "recipe"), [("lfw-small",) * 2, ("lfw-twins", "lfw-alexnet")])
def test_our_sweeps_fit_their_recipes(name: str, recipe: str) -> None:
    axes = read_axes(name)
    axes.check(find_recipe(recipe))
    blueprint(axes.begin(find_recipe(recipe)))


def test_our_spaces_are_listed() -> None:
    assert list(own_spaces()) == ["celeba-blocks", "lfw-small", "lfw-twins"]
