"""Plots: what they say, what they are made of, and the arithmetic under them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generated_evaluation import draw_evaluation, draw_pairs, draw_scores, without_pairs
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import Estimate
from visavis.report.curves import error_curve, thin
from visavis.report.outcome_plots import groups
from visavis.report.plots import all_plots
from visavis.report.score_plots import coarse
from visavis.report.style import CSS_COLOURS


def evaluation_of(same: int, different: int, folds: int = 0) -> Evaluation:
    photos = [Path(f"p{number}.jpg") for number in range(60)]
    names = [f"Person {number}" for number in range(30)]
    return draw_evaluation(draw_pairs(photos, names, same, different, folds or 1), folds=folds)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluation_of(300, 200, folds=10)


@pytest.fixture(scope="module")
def plots(evaluation):
    return {plot.name: plot for plot in all_plots(evaluation)}


def test_every_plot_has_a_title_axes_n_and_intervals(plots):
    assert list(plots) == [
        "similarities", "confusion", "roc", "det", "reliability", "folds", "groups-0",
    ]  # fmt: skip
    for plot in plots.values():
        assert plot.title
        assert re.search(r"\bn( = |:)", plot.caption)
        assert f'aria-label="{plot.title}"' in plot.svg
    for name in ("similarities", "roc", "det", "confusion", "folds"):
        assert "300 genuine and 200 impostor pairs of 30 people" in plots[name].caption
    for name in ("roc", "det", "reliability", "folds", "groups-0"):
        assert "95 %" in plots[name].caption


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("similarities", ["similarity (larger is more alike)", "share of each kind of pair (%)",
                          "different people", "same person", "threshold"]),
        ("roc", ["FMR: different people accepted (%, log axis)", "TAR: same person accepted (%)"]),
        ("det", ["FMR: different people accepted (%)", "FNMR: same person refused (%)",
                 "equal errors"]),
        ("reliability", ["P(same) as stated (%)", "came true (%)", "pairs", "perfect"]),
        ("confusion", ["called one", "truly", "right, "]),
        ("folds", ["fold", "accuracy (%)", "mean ± standard error"]),
        ("groups-0", ["female", "n = 500", "n = 480", "n/a, no impostor pair"]),
    ],
)  # fmt: skip
def test_axes_are_labelled_in_text(plots, name: str, words: list[str]):
    for word in words:
        assert word in plots[name].svg


def test_a_drawing_is_small_and_points_nowhere(plots):
    for plot in plots.values():
        assert len(plot.svg) < 60_000
        assert "http" not in plot.svg
        assert "<style" not in plot.svg
        assert "mathdefault" not in plot.svg
        assert plot.svg.startswith("<svg viewBox=")


def test_every_colour_follows_the_page(plots):
    for plot in plots.values():
        bare = re.sub(r"var\(--\w+, #\w{6}\)", "", plot.svg)
        assert set(re.findall(r"#[0-9a-f]{6}\b", bare)) == set()
        used = set(re.findall(r"var\(--(\w+), ", plot.svg))
        assert used <= set(CSS_COLOURS.values())
        assert "ink" in used


def test_counts_of_the_confusion_matrix(evaluation, plots):
    same, predicted = evaluation.pairs.same, evaluation.predicted
    for truth in (True, False):
        for said in (True, False):
            cell = int(((same == truth) & (predicted == said)).sum())
            assert f">{cell}</text>" in plots["confusion"].svg


def test_thresholds_of_folds_are_told_as_a_range(plots):
    assert "Each fold has its own threshold: 0.2800 to 0.2980" in plots["similarities"].caption


def test_each_tag_has_its_own_plot_and_many_groups_are_cut_to_the_worst():
    evaluation = evaluation_of(100, 100)
    group = evaluation.groups[0]
    crowd = [
        replace(group, tag="country", group=f"land {k}", fnmr=Estimate(k / 1000)) for k in range(50)
    ]
    drawn = groups(replace(evaluation, groups=[*evaluation.groups, *crowd]))
    assert [plot.name for plot in drawn] == ["groups-0", "groups-1"]
    assert drawn[1].title == "Error rates by country"
    assert "30 groups of lower FNMR not drawn" in drawn[1].caption
    assert "land 49" in drawn[1].svg
    assert "land 29" not in drawn[1].svg


def test_without_probabilities_there_is_no_reliability_diagram():
    evaluation = evaluation_of(50, 50)
    bare = replace(evaluation, probability=np.full(100, np.nan))
    assert "reliability" not in [plot.name for plot in all_plots(bare)]


def test_one_kind_of_pair_alone_is_drawn_as_far_as_it_goes():
    names = [plot.name for plot in all_plots(evaluation_of(50, 0))]
    assert "roc" not in names
    assert "similarities" in names


def test_a_perfect_model_is_drawn():
    evaluation = evaluation_of(40, 40)
    perfect = np.where(evaluation.pairs.same, 0.9, 0.1)
    assert "roc" in [plot.name for plot in all_plots(replace(evaluation, similarity=perfect))]


def test_all_comparisons_are_drawn_from_their_histograms():
    evaluation = without_pairs(evaluation_of(50, 50))
    assert [plot.name for plot in all_plots(evaluation)][:4] == [
        "similarities", "confusion", "roc", "det",
    ]  # fmt: skip


@given(st.data())
def test_error_curve_against_counting(data):
    similarity = st.one_of(st.sampled_from([0.1, 0.2, 0.3]), st.floats(-1, 1), st.just(np.nan))
    genuine = data.draw(st.lists(similarity, min_size=1, max_size=12))
    impostor = data.draw(st.lists(similarity, min_size=1, max_size=12))
    evaluation = evaluation_of(len(genuine), len(impostor))
    curve = error_curve(replace(evaluation, similarity=np.array(genuine + impostor)))
    assert curve is not None
    assert (np.diff(curve.threshold) > 0).all()
    for threshold, fmr, fnmr in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        # A missed face, NaN, is an error whatever the threshold.
        refused = [not score >= threshold for score in genuine]
        accepted = [not score < threshold for score in impostor]
        assert fnmr == pytest.approx(np.mean(refused))
        assert fmr == pytest.approx(np.mean(accepted))


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=200),
    st.integers(2, 50),
)
def test_thinning_keeps_ends_order_and_the_limit(points, limit):
    x, y = np.array(points).T
    thin_x, thin_y = thin(x, y, limit)
    assert len(thin_x) <= max(limit, 2)
    assert (thin_x[0], thin_y[0]) == (x[0], y[0])
    assert (thin_x[-1], thin_y[-1]) == (x[-1], y[-1])
    rest = iter(points)
    assert all(point in rest for point in zip(thin_x, thin_y, strict=True))


def test_thinning_stays_on_the_line():
    x = np.linspace(0, 1, 100_000)
    thin_x, thin_y = thin(x, x**2, 300)
    assert len(thin_x) == 300
    assert np.abs(np.interp(x, thin_x, thin_y) - x**2).max() < 1e-4


def test_coarse_histograms_keep_every_comparison():
    scores = draw_scores()
    edges, genuine, impostor = coarse(scores, 60)
    assert 30 <= len(genuine) == len(edges) - 1 <= 60
    step = np.diff(edges) / np.diff(edges).max()
    assert (genuine * step).sum() == pytest.approx(sum(scores.genuine))
    assert (impostor * step).sum() == pytest.approx(sum(scores.impostor))
