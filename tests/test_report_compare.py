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
from visavis.report.compare import Comparison, Row, compare_runs
from visavis.report.compare_pages import (
    comparison_html,
    markdown,
    write_comparison,
    write_comparison_section,
)
from visavis.report.compare_words import NOT_COMPARABLE, finding_words, findings
from visavis.report.floors import below_floors
from visavis.report.recipe_figures import read_figures
from visavis.report.run import Run, load_run, save_run

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
    bad, bad_training = re.findall(r"^\| bad \|.*$", text, re.MULTILINE)
    run = comparison.groups[0].rows[0].run
    accuracy = run.estimate("accuracy")
    assert f"{accuracy.value:.4f}<br>{accuracy.low:.4f} to {accuracy.high:.4f}" in bad
    assert "published 0.9500" in bad
    near, _ = re.findall(r"^\| near \|.*$", text, re.MULTILINE)
    assert re.search(r"<br>≈ best -0\.0033 \(-0\.0\d\d\d to \+0\.0000\)<br>", near)
    good, _ = re.findall(r"^\| good \|.*$", text, re.MULTILINE)
    assert "<br>best<br>" in good
    assert "- bad: stopped by budget; outside data: MS-Celeb-1M" in text
    assert bad_training == (
        "| bad | 12 | 11 | 0.9627 | 0.8727 | 0.2273<br>published 0.9020 "
        "| 6\xa0min | 5\xa0min 30\xa0s | 4,712,345 | 24.7 photos/s |"
    )
    assert "train bad  # bad" in text
    tables = re.findall(r"^(\|.*\|)\n(\| ---.*\|)\n(\|.*\|)$", text, re.MULTILINE)
    assert len(tables) == 4
    assert all(
        header.count("|") == rule.count("|") == row.count("|") for header, rule, row in tables
    )


def test_published_figures_stand_beside_ours_and_others_in_the_remarks(pairs, tmp_path):
    run = draw_run(tmp_path, pairs)
    published = {
        "loss": 0.329, "validation_accuracy": 0.695, "seconds_to_converge": 1251,
        "train_accuracy": 0.99, "halfway": 0.8,
    }  # fmt: skip
    card = run.card.model_copy(
        update={"recipe": {**(run.card.recipe or {}), "published": published}}
    )
    text = markdown(compare_runs([saved(tmp_path / "a", replace(run, card=card))]))
    assert "| n/a<br>published 0.3290 |" in text
    assert "| 0.9627<br>published 0.9900 | 0.8727<br>published 0.6950 |" in text
    assert "5\xa0min 30\xa0s<br>published 20\xa0min 51\xa0s |" in text
    assert "- att-triplet: published halfway 0.8000; outside data: MS-Celeb-1M" in text


SHORT = "12 epochs without early stopping, where 20 are asked for"


def test_a_run_of_our_recipe_below_the_floors_reads_not_run(folders):
    group = compare_runs(folders[:3], ["good"]).groups[0]
    by_label = {row.label: row for row in group.rows}
    assert by_label["good"].uncounted == SHORT
    assert by_label["near"].cells["accuracy"].standing == "best"  # among those that count
    assert by_label["bad"].cells["accuracy"].standing == "behind"
    text = markdown(compare_runs(folders[:3], ["good"]))
    assert f"- good: not run: {SHORT}; outside data: MS-Celeb-1M" in text
    good, training = re.findall(r"^\| good \|.*$", text, re.MULTILINE)
    assert re.fullmatch(r"\| good \|( not run(<br>published 0\.9500)? \|){6}", good)
    assert training.startswith(
        "| good | 12 | 11 | not run | not run | not run<br>published 0.9020 | 6"
    )
    assert f"not run: {SHORT}" in comparison_html(compare_runs(folders[:3], ["good"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"epochs": 20, "stopped": "all epochs"}, ""),
        ({"epochs": 20, "stopped": "budget"}, ""),
        ({"epochs": 19, "stopped": "budget"}, "19 epochs"),
        ({"epochs": 15, "stopped": "all epochs"}, "15 epochs"),
        ({"epochs": 12, "stopped": "patience"}, ""),
        ({"epochs": 0, "stopped": "nothing to learn"}, ""),
        ({"backbone": "koch", "width": 105, "height": 105}, ""),
        ({"backbone": "koch", "width": 105, "height": 104}, "crops of 105x104"),
        ({"backbone": "small", "width": 96, "height": 96}, ""),
        ({"backbone": "small", "width": 92, "height": 112}, ""),  # AT&T's whole photos
        ({"backbone": "small", "width": 92, "height": 92}, "96x96 are asked for"),
        ({"backbone": "iresnet", "width": 96, "height": 96}, "112x112 are asked for"),
        ({"backbone": "resnet50", "width": 112, "height": 112}, ""),
        ({"backbone": "blocks", "width": 32, "height": 32}, ""),
        ({"backbone": "koch"}, ""),  # a file of an older visavis does not say
    ],
)
def test_floors(folders, change, reason):
    plain = {"epochs": 30, "stopped": "all epochs", "backbone": "", "width": None, "height": None}
    words = below_floors(load_run(folders[0]).model_copy(update=plain | change))
    assert (reason in words) if reason else not words


def test_a_run_says_what_it_saw_and_files_that_do_not_are_read(folders, tmp_path):
    run = load_run(folders[0])
    assert (run.backbone, run.width, run.height) == ("small", 112, 112)
    older = run.model_dump_json(exclude={"backbone", "width", "height"})
    (tmp_path / "run.json").write_text(older)
    assert load_run(tmp_path).width is None


def test_what_was_found_is_counted(comparison):
    runs = [
        replace_findings(row, right)
        for row, right in zip(comparison.groups[0].rows, (3, 27), strict=False)
    ]
    group = replace(comparison.groups[0], rows=runs)
    assert findings(group) == ["Recall@1"]
    assert finding_words(runs[1], "Recall@1") == ["27 of 30", "0.9000", "0.8000 to 0.9700"]
    assert finding_words(runs[1], "Recall@5") == ["n/a"]
    text = markdown(Comparison([group]))
    assert "| Finding people | Recall@1 |" in text
    assert "| bad | 3 of 30<br>0.1000" in text
    assert "27 of 30" in comparison_html(Comparison([group]))


def replace_findings(row: Row, right: int) -> Row:
    share = {"value": right / 30, "low": right / 30 - 0.1, "high": right / 30 + 0.07, "note": ""}
    found = [{"name": "Recall@1", "right": right, "asked": 30, **share}]
    return replace(row, run=row.run.model_copy(update={"findings": found}))


def test_the_page_marks_the_best_and_asks_nothing_of_any_network(comparison):
    page = comparison_html(comparison, "visavis compare a b")
    found = tags(page)
    assert 'class="best"' in page
    assert 'class="level"' in page
    assert "≈ best" in page
    assert page.count("<svg") == 4
    assert page.count("<table") == 4
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


def test_figures_of_our_recipes_are_written_and_others_stay(shell, pairs, folders, tmp_path):
    file = tmp_path / "figures.json"

    def write(*runs: Path) -> str:
        outcome = CliRunner().invoke(shell, [*map(str, runs), "--figures", str(file)])
        assert outcome.exit_code == 0
        return outcome.stderr

    long = {"epochs": 60, "stopped": "all epochs"}
    koch = saved(tmp_path / "k", draw_run(tmp_path, pairs, "lfw-koch", **long), "train koch")
    write(koch, folders[0])  # of which the second is no recipe of ours
    assert list(read_figures(file)) == ["lfw-koch"]
    short = saved(tmp_path / "s", draw_run(tmp_path, pairs, "lfw-koch", 0.4))
    best = saved(tmp_path / "b", draw_run(tmp_path, pairs, "lfw-best", **long))
    assert f"without lfw-koch: {SHORT}" in write(best, short)
    found = read_figures(file)
    run = load_run(koch)
    assert list(found) == ["lfw-best", "lfw-koch"]
    ours = found["lfw-koch"]
    assert ours.figures["accuracy"] == run.estimate("accuracy")
    assert list(ours.figures) == ["accuracy", "precision", "recall", "f1", "auc", "eer"]
    assert ours.validation_accuracy == pytest.approx(0.9 - 0.3 / 11)
    assert (ours.best_loss, ours.last_loss) == (pytest.approx(2 / 11), pytest.approx(2 / 12))
    assert (ours.seconds, ours.seconds_to_best, ours.epochs) == (360, 330, 60)
    assert (ours.command, ours.protocol) == ("train koch", run.protocol)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_two_runs_of_one_recipe_have_no_one_figure(shell, pairs, tmp_path):
    run = draw_run(tmp_path, pairs, "lfw-koch", stopped="patience")
    twins = [str(saved(tmp_path / name, run)) for name in ("a", "b")]
    file = tmp_path / "figures.json"
    outcome = CliRunner().invoke(shell, [*twins, "--figures", str(file)])
    assert isinstance(outcome.exception, DataError)
    assert "two runs are of the recipe lfw-koch" in str(outcome.exception)
    assert not file.exists()


def test_a_damaged_file_of_figures_is_one_sentence_and_stays(shell, folders, tmp_path):
    file = tmp_path / "figures.json"
    file.write_text('{"lfw-koch": {"figures": 3}}')
    outcome = CliRunner().invoke(shell, [str(folders[0]), "--figures", str(file)])
    assert isinstance(outcome.exception, DataError)
    assert "lfw-koch.figures" in str(outcome.exception)
    assert file.read_text() == '{"lfw-koch": {"figures": 3}}'
