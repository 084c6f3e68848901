"""Sweeps on drawn people: axes are fixed one after another, and nothing is trained twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.axes import Axes as Frame

import test_cli
from generated_faces import write_people
from test_cli import Ran, one_sentence
from test_training_fit import TINY
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.report.toml import as_toml
from visavis.report.tune_sweep import (
    Swept,
    SweptAxis,
    SweptValue,
    summary,
    sweep_html,
    write_sweep_section,
)
from visavis.training import sweep as module
from visavis.training.fit import fit
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe
from visavis.training.sweep import sweep
from visavis.training.sweep_axes import Axes, Axis, changed, parse_axes, read_axes

Run = Callable[..., Ran]
run = test_cli.run

BASE = Recipe.from_dict(TINY)
AXES = parse_axes(["optimiser.rate=1e-8,3e-3", "net.options.units=8,32,16"])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=12, photos=3)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """The recipes that are trained, in order."""
    seen: list[Recipe] = []

    def watched(recipe: Recipe, *arguments: object, **options: object) -> object:
        seen.append(recipe)
        return fit(recipe, *arguments, **options)

    monkeypatch.setattr(module, "fit", watched)
    return seen


def points(recipes: list[Recipe]) -> list[tuple[float, int]]:
    return [(recipe.optimiser.rate, recipe.net.options["units"]) for recipe in recipes]


def test_each_axis_is_fixed_at_its_best(people: Path, tmp_path: Path, fitted: list[Recipe]) -> None:
    source = open_source(f"folder:{people}")
    done = sweep(BASE, AXES, source, tmp_path)
    rate = AXES.axes[0].values[done.axes[0].best]
    units = AXES.axes[1].values[done.axes[1].best]
    # 32 is where the first axis was swept, so that configuration is known already
    assert points(fitted) == [(1e-8, 32), (3e-3, 32), (rate, 8), (rate, 16)]
    for axis in done.axes:
        values = [value.value for value in axis.values]
        assert values[axis.best] == max(values)
        assert values.index(max(values)) == axis.best
    best = find_recipe(str(tmp_path / "best.toml"))
    assert (best.optimiser.rate, best.net.options["units"]) == (rate, units)
    assert best.name == "tiny-swept"
    page = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert page.count("<svg") == page.count("<table") == 2
    assert not list(tmp_path.glob("configurations/*/checkpoints"))
    assert not list(tmp_path.glob("configurations/*/crops"))
    assert not (tmp_path / "model").exists()

    fitted.clear()
    again = sweep(BASE, AXES, source, tmp_path)
    assert fitted == []
    assert again == done


def test_a_sweep_goes_on_where_it_was_stopped(
    people: Path, tmp_path: Path, fitted: list[Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(f"folder:{people}")
    watched = module.fit

    def stop_at_third(recipe: Recipe, *arguments: object, **options: object) -> object:
        if len(fitted) == 2:
            raise KeyboardInterrupt
        return watched(recipe, *arguments, **options)

    monkeypatch.setattr(module, "fit", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        sweep(BASE, AXES, source, tmp_path)
    assert len(json.loads((tmp_path / "sweep.json").read_text())["configurations"]) == 2
    fitted.clear()
    monkeypatch.setattr(module, "fit", watched)
    done = sweep(BASE, AXES, source, tmp_path)
    assert len(fitted) == 2  # of four
    assert len(done.axes) == 2


def test_the_grid(people: Path, tmp_path: Path, fitted: list[Recipe]) -> None:
    axes = parse_axes(["optimiser.rate=1e-8,3e-3", "net.options.units=8,32"])
    done = sweep(BASE, axes, open_source(f"folder:{people}"), tmp_path, grid=True)
    assert points(fitted) == [(1e-8, 8), (1e-8, 32), (3e-3, 8), (3e-3, 32)]
    *sides, whole = done.axes
    assert [len(axis.values) for axis in sides] == [2, 2]
    values = [value.value for value in whole.values]
    assert [value.value for value in sides[0].values] == [max(values[:2]), max(values[2:])]
    assert [value.value for value in sides[1].values] == [max(values[::2]), max(values[1::2])]
    assert done.best.value == max(values)


def test_what_collapses_is_named_and_passed_over(people: Path, tmp_path: Path) -> None:
    axes = parse_axes(["net.options.layers=2,9"])
    done = sweep(BASE, axes, open_source(f"folder:{people}"), tmp_path)
    assert done.axes[0].best == 0
    assert done.axes[0].values[1].value is None
    assert "does not fit the" in done.axes[0].values[1].reason
    assert "1 cross: not trained" in (tmp_path / "sweep.html").read_text(encoding="utf-8")
    with pytest.raises(DataError, match=r"no value of net\.options\.layers could be trained"):
        source = open_source(f"folder:{people}")
        sweep(BASE, parse_axes(["net.options.layers=8,9"]), source, tmp_path)


def test_a_picture_shows_how_far_a_figure_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []
    vlines = Frame.vlines

    def watched(self: Frame, x: object, low: list[float], high: list[float], **style: object):
        drawn.extend(zip(low, high, strict=True))
        return vlines(self, x, low, high, **style)

    monkeypatch.setattr(Frame, "vlines", watched)
    axis = SweptAxis(
        "seed",
        [SweptValue("1", 268 / 440, {"accuracy": 268 / 440}), SweptValue("2", None, {})],
        best=0,
    )
    page = sweep_html(Swept("toy", "accuracy", [axis], {"name": "toy"}, 440, grid=False))
    assert drawn == [pytest.approx((0.56175, 0.65495), abs=1e-5)]  # scipy's binomtest(268, 440)
    assert "95 % intervals of 440 pairs" in page
    drawn.clear()
    page = sweep_html(Swept("toy", "auc", [axis], {"name": "toy"}, 440, grid=False))
    assert not drawn
    assert "Whiskers" not in page


@pytest.mark.parametrize("monitor", ["accuracy", "loss"])
def test_an_axis_of_worse_values_does_not_end_a_sweep_worse(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, monitor: str
) -> None:
    """The second axis lacks the 32 units that the first was swept with."""
    worth = {(1e-3, 32): 0.6, (3e-3, 32): 0.8, (3e-3, 8): 0.7, (3e-3, 16): 0.5}

    def measure(lab: module.Lab, recipe: Recipe) -> module.Measured:
        value = worth[points([recipe])[0]]
        return module.Measured({monitor: 1 - value if monitor == "loss" else value}, 1, 1)

    monkeypatch.setattr(module.Lab, "measure", measure)
    axes = parse_axes(["optimiser.rate=1e-3,3e-3", "net.options.units=8,16"])
    base = BASE.model_copy(
        update={"schedule": BASE.schedule.model_copy(update={"monitor": monitor})}
    )
    done = sweep(base, axes, open_source(f"folder:{people}"), tmp_path)
    assert [axis.best for axis in done.axes] == [1, 0]
    assert done.best.value == pytest.approx(0.2 if monitor == "loss" else 0.8)
    assert points([find_recipe(str(tmp_path / "best.toml"))]) == [(3e-3, 32)]
    words = "is reached with optimiser.rate 0.003; no value of net.options.units was better."
    assert summary(done).endswith(words)


def test_a_section_of_any_name_can_be_replaced(tmp_path: Path) -> None:
    axis = SweptAxis("name", [SweptValue("a|b", 0.5, {"accuracy": 0.5})], best=0)
    swept = Swept("a -- b -->", "accuracy", [axis], {"name": "toy"}, 40, grid=False)
    path = tmp_path / "RESULTS.md"
    for _ in range(2):
        write_sweep_section(path, swept, "visavis sweep")
    assert path.read_text().count("<!-- visavis results: a-b -->") == 1


def test_axes_as_they_are_typed() -> None:
    texts = ["optimiser.kind=adam,rmsprop", "seed = 1, 2", "head.options.hidden=[64],[8,8]"]
    axes = parse_axes([*texts, "net={backbone='koch'},{backbone='small', embedding=8}"]).axes
    assert [axis.values for axis in axes] == [
        ("adam", "rmsprop"),
        (1, 2),
        ([64], [8, 8]),
        ({"backbone": "koch"}, {"backbone": "small", "embedding": 8}),
    ]
    assert axes[3].labels == ["backbone koch", "backbone small, embedding 8"]


def test_a_change_leaves_the_rest_alone() -> None:
    loss = [{"kind": "triplet"}, {"kind": "supcon", "options": {"temperature": 0.1}}]
    base = Recipe.from_dict({**TINY, "loss": loss})
    other = changed(base, "loss.1.options.temperature", 0.5)
    assert other.loss[1].options == {"temperature": 0.5}
    assert other.model_copy(update={"loss": base.loss}) == base
    assert changed(base, "crop.width", 64).crop.height == 48
    assert changed(base, "crop", {"width": 64, "height": 32}).crop.colour == "grey"
    assert changed(base, "net.backbone", "koch").net.options == {}
    assert changed(base, "net", {"embedding": 8}).net.options == base.net.options


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["optimiser.rat=1,2"], "optimiser.rat: is no key of a recipe"),
        (["optimiser.rate=fast"], "optimiser.rate"),
        (["loss.3.kind=bce"], "3 is no number from 0 to 0"),
        (["name.first=a"], "first is no key of a recipe"),
        (["seed"], "'seed' is no axis; write key=value,value"),
        (["seed="], "the axis seed is empty"),
        (["seed=1,1"], "the axis seed has a value twice"),
        (["seed=1,2", "seed=3"], "two axes have the same key"),
        (["schedule.monitor=auc,accuracy"], "schedule.monitor is what values are compared by"),
    ],
)
def test_a_mistake_is_one_sentence(texts: list[str], words: str) -> None:
    with pytest.raises(DataError) as error:
        parse_axes(texts).check(BASE)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_two_losses_are_not_compared() -> None:
    listed = {"data": {"pairs": "listed"}, "loss": [{"kind": "contrastive"}]}
    margins = parse_axes(["loss.0.options.margin=0.5,1.0"])
    by_loss = Recipe.from_dict({**TINY, **listed, "schedule": {"epochs": 2, "monitor": "loss"}})
    with pytest.raises(DataError, match=r"loss.0.options.margin changes the loss, and .* accuracy"):
        margins.check(by_loss)
    margins.check(Recipe.from_dict({**TINY, **listed}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[start]\nseed = 1\n", "a sweep has a table of axes"),
        ("[axis]\nseed = [1]\n", "axis is neither start nor axes"),
        ("[axes]\nseed = 1\n", "the axis seed is empty"),
        ("[axes]\nseed = [1]\n[start]\nsed = 1\n", "start: sed: is no key of a recipe"),
    ],
)
def test_a_mistake_in_a_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "axes.toml").write_text(text)
    with pytest.raises(DataError) as error:
        read_axes(str(tmp_path / "axes.toml")).check(BASE)
    assert words in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "axes.toml"))


def test_other_data_is_another_sweep(people: Path, tmp_path: Path) -> None:
    axes = Axes((Axis("seed", (1,)),))
    sweep(BASE, axes, open_source(f"folder:{people}"), tmp_path / "swept")
    fewer = write_people(tmp_path / "fewer", people=11, photos=3)
    with pytest.raises(DataError, match="holds a sweep on other data; name another --output"):
        sweep(BASE, axes, open_source(f"folder:{fewer}"), tmp_path / "swept")


def test_the_third_systems_sweep() -> None:
    axes = read_axes("lfw-small")
    begun = axes.begin(find_recipe("lfw-small"))
    options = {"layers": 4, "filters": 64, "kernel": 3, "dropout": 0.5, "units": 64}
    assert begun.net.options == options
    assert (begun.optimiser.kind, begun.optimiser.rate, begun.batch.pairs) == ("adam", 6e-4, 32)
    assert [axis.key.split(".")[-1] for axis in axes.axes] == [
        "layers", "filters", "kernel", "units", "kind", "pairs", "rate", "dropout",
    ]  # fmt: skip
    assert sum(len(axis.values) for axis in axes.axes) == 4 + 3 + 3 + 3 + 2 + 3 + 4 + 3


def test_from_the_shell(run: Run, people: Path, tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(as_toml(BASE.model_dump(mode="json")))
    command = ["sweep", tmp_path / "toy.toml", "-d", f"folder:{people}", "-o", tmp_path / "swept"]
    ran = run(*command, "--axis", "net.options.units=8,16")
    assert ran.code == 0, ran.err
    assert "The best validation" in ran.out
    assert "net.options.units\taccuracy" in ran.out
    results = tmp_path / "RESULTS.md"
    ran = run(*command, "--axis", "net.options.units=8,16", "--json", "--results", results)
    assert ran.code == 0, ran.err
    best = ran.json["axes"][0]["best"]
    rows = [line for line in results.read_text().splitlines() if line.startswith("| net.options")]
    assert [place for place, row in enumerate(rows) if "| **" in row] == [best]
    assert "## tiny-swept: one axis after another" in results.read_text()
    assert [value["label"] for value in ran.json["axes"][0]["values"]] == ["8", "16"]
    ran = run(*command)
    assert ran.code == 2
    one_sentence(ran, "--axis or by --space")
