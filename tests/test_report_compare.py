"""Runs side by side: who is best, what is noise, and what cannot be compared."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from generated_evaluation import draw_figures, without_pairs
from generated_run import draw_pairs_of, draw_run
from test_report_html import tags
from visavis.cli.compare import compare
from visavis.data.faceset import PairSet
from visavis.errors import DataError
from visavis.report.compare import NOT_COMPARABLE, Comparison, compare_runs
from visavis.report.compare_pages import (
    comparison_html,
    markdown,
    write_comparison,
    write_comparison_section,
)
from visavis.report.run import Run, save_run

PHOTOS = [Path(f"p{number}.jpg") for number in range(80)]


@pytest.fixture(scope="module")
def pairs() -> PairSet:
    return draw_pairs_of(PHOTOS)


def saved(folder: Path, run: Run, command: str = "") -> Path:
    folder.mkdir()
    save_run(folder, run, command)
    return folder


def nudged(run: Run, pairs_changed: int) -> Run:
    """The same run, wrong on so many more pairs."""
    evaluation = run.evaluation
    right = np.flatnonzero(evaluation.predicted == evaluation.pairs.same)[:pairs_changed]
    similarity = evaluation.similarity.copy()
    similarity[right] = 0.6 - similarity[right]
    figures = draw_figures(evaluation.pairs, similarity, evaluation.threshold)
    return replace(run, evaluation=replace(evaluation, similarity=similarity, figures=figures))


@pytest.fixture(scope="module")
def folders(pairs: PairSet, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    good = draw_run(root, pairs, "good", wrong=0.05)
    others = draw_pairs_of(PHOTOS, 100)
    return [
        saved(root / "bad", draw_run(root, pairs, "bad", wrong=0.3, stopped="budget"), "train bad"),
        saved(root / "good", good, "train good"),
        saved(root / "near", replace(nudged(good, 1), name="near")),
        saved(root / "elsewhere", draw_run(root, others, "elsewhere")),
    ]


@pytest.fixture(scope="module")
def comparison(folders: list[Path]) -> Comparison:
    return compare_runs(folders)


def test_runs_are_grouped_by_what_they_were_tested_on(comparison):
    labels = [[row.label for row in group.rows] for group in comparison.groups]
    assert labels == [["bad", "good", "near"], ["elsewhere"]]
    assert NOT_COMPARABLE in markdown(comparison)
    assert comparison.groups[0].pairs == (
        "150 genuine and 150 impostor pairs of 40 people: drawn pairs"
    )


def test_a_difference_inside_the_noise_is_level_and_one_outside_is_behind(comparison):
    cells = {row.label: row.cells["accuracy"] for row in comparison.groups[0].rows}
    assert cells["good"].standing == "best"
    assert cells["good"].difference is None
    assert cells["near"].standing == "level"
    assert cells["near"].difference.value == pytest.approx(-1 / 300)
    assert cells["near"].difference.low < 0 == cells["near"].difference.high
    assert cells["bad"].standing == "behind"
    assert cells["bad"].difference.high < 0
    alone = comparison.groups[1].rows[0].cells
    assert {cell.standing for cell in alone.values()} == {""}


def test_of_error_rates_the_lowest_is_best(comparison):
    cells = {row.label: row.cells["eer"] for row in comparison.groups[0].rows}
    assert cells["good"].standing == "best"
    assert cells["bad"].difference.low > 0


def test_with_few_people_nothing_is_told_apart(tmp_path):
    few = draw_pairs_of(PHOTOS[:20])
    rows = [
        saved(tmp_path / name, draw_run(tmp_path, few, name, wrong=wrong))
        for name, wrong in (("good", 0.0), ("bad", 0.4))
    ]
    cells = [row.cells["accuracy"] for row in compare_runs(rows).groups[0].rows]
    assert [cell.standing for cell in cells] == ["best", "untold"]


def test_runs_of_one_name_are_told_apart_by_their_folders(folders, pairs, tmp_path):
    twin = saved(tmp_path / "twin", draw_run(tmp_path, pairs, "good"))
    rows = compare_runs([folders[1], folders[1], twin]).groups[0].rows
    assert [row.label for row in rows] == [f"good ({folders[1]})", f"good ({twin})"]


def test_a_folder_without_a_run_is_one_sentence(folders, tmp_path):
    with pytest.raises(DataError, match="no finished run"):
        compare_runs([folders[0], tmp_path])


def test_a_run_without_listed_pairs_stands_for_itself(pairs, folders, tmp_path):
    run = draw_run(tmp_path, pairs)
    run = replace(run, evaluation=without_pairs(run.evaluation))
    twins = [saved(tmp_path / name, run) for name in ("a", "b")]
    rows = compare_runs(twins).groups[0].rows
    assert {cell.standing for row in rows for cell in row.cells.values()} == {""}
    assert "0 genuine and 0 impostor pairs" in comparison_html(compare_runs(twins))


def test_markdown_has_every_figure_published_figures_and_commands(comparison):
    text = markdown(comparison)
    (bad,) = re.findall(r"^\| bad \|.*$", text, re.MULTILINE)
    run = comparison.groups[0].rows[0].run
    accuracy = run.estimate("accuracy")
    assert f"{accuracy.value:.4f}<br>{accuracy.low:.4f} to {accuracy.high:.4f}" in bad
    assert "published 0.9500" in bad
    (near,) = re.findall(r"^\| near \|.*$", text, re.MULTILINE)
    assert re.search(r"<br>≈ best -0\.0033 \(-0\.0\d\d\d to \+0\.0000\)<br>", near)
    assert "| 4,712,345 | 5\xa0min 30\xa0s |" in bad
    (good,) = re.findall(r"^\| good \|.*$", text, re.MULTILINE)
    assert "<br>best<br>" in good
    assert "- bad: stopped by budget, published validation loss 0.9020." in text
    assert "train bad  # bad" in text
    header, rule, *_ = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    assert header.count("|") == rule.count("|") == bad.count("|")


def test_the_page_marks_the_best_and_asks_nothing_of_any_network(comparison):
    page = comparison_html(comparison, "visavis compare a b")
    found = tags(page)
    assert 'class="best"' in page
    assert 'class="level"' in page
    assert "≈ best" in page
    assert page.count("<svg") == 4
    assert "http" not in page
    assert "<script" not in page
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert comparison_html(comparison, "visavis compare a b") == page


def test_names_on_the_page_are_text(pairs, tmp_path):
    run = draw_run(tmp_path, pairs, "<b>$x$|</b>")
    page = comparison_html(compare_runs([saved(tmp_path / "a", run)]))
    assert "b" not in {tag for tag, _ in tags(page)}
    table = markdown(compare_runs([tmp_path / "a"]))
    assert "| &lt;b>$x$\\|&lt;/b> |" in table


def test_the_section_is_replaced_where_it_stands(comparison, tmp_path):
    path = tmp_path / "RESULTS.md"
    path.write_text("# Results\n\nWords.\n")
    write_comparison_section(path, comparison, "visavis compare a")
    once = path.read_text()
    write_comparison_section(path, comparison, "visavis compare a")
    assert path.read_text() == once
    assert once.startswith("# Results\n\nWords.\n")
    assert once.count("## Training runs compared") == 1


def test_a_missing_folder_is_one_sentence(comparison, tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        write_comparison(tmp_path / "missing" / "a.html", comparison)


@pytest.fixture
def shell() -> typer.Typer:
    app = typer.Typer()
    app.command()(compare)
    return app


def test_the_verb_prints_writes_and_speaks_json(shell, folders, tmp_path):
    paths = [str(folder) for folder in folders]
    report, results = tmp_path / "out.html", tmp_path / "RESULTS.md"
    outcome = CliRunner().invoke(
        shell, [*paths, "--report", str(report), "--results", str(results)]
    )
    assert outcome.exit_code == 0
    assert "good\t" in outcome.stdout
    assert "best" in outcome.stdout
    assert "the paired difference to the best" in outcome.stderr
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "## Training runs compared" in results.read_text(encoding="utf-8")
    spoken = CliRunner().invoke(shell, [*paths, "--json"])
    import json

    groups = json.loads(spoken.stdout)["groups"]
    near = groups[0]["runs"][2]
    assert near["label"] == "near"
    assert near["figures"]["accuracy"]["standing"] == "level"
    assert near["figures"]["accuracy"]["difference"]["value"] == pytest.approx(-1 / 300)
    assert near["parameters"] == 4_712_345
