"""The report of a training run: what it adds to an evaluation's; safe, small, reproducible."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generated_embeddings import CosineModel
from generated_run import RECIPE, draw_history, draw_pairs_of, draw_run, write_photos
from test_report_html import tags
from visavis.errors import DataError
from visavis.evaluation.retrieval import nearest, one_shot, recall_at
from visavis.evaluation.search import NEIGHBOURS, search
from visavis.report import html, run_plots, style
from visavis.report.face_map import (
    HEIGHT,
    LETTER,
    LINE,
    WIDTH,
    face_maps,
    legible,
    principal_plane,
)
from visavis.report.run import Run, load_run, run_html, save_run, write_run_report
from visavis.report.run_plots import learning_curves
from visavis.report.search import searches
from visavis.report.toml import as_toml
from visavis.report.wording import duration

MODEL = CosineModel()
COMMAND = "visavis train recipes/att-triplet.toml --data att:att_faces"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    return searched_run(draw_run(folder, draw_pairs_of(write_photos(folder))))


def searched_run(run: Run, asked: np.ndarray | None = None) -> Run:
    """The run with its photos, or those rows of them, searched for among all."""
    searched = search(MODEL, run.embeddings, run.faces, asked)
    return replace(run, evaluation=replace(run.evaluation, searched=searched))


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return run_html(run, COMMAND)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\xa0", " ").split())


def test_it_shows_all_that_an_evaluations_report_shows(run, page):
    text = words(page)
    for part in re.findall(r"<h[123][^>]*>([^<]+)</h", html.report_html(run.evaluation)):
        assert part in text
    assert f"{run.evaluation.figures.accuracy.value:.4f}" in text


def test_it_tells_how_training_went(page):
    text = words(page)
    assert "200 photos of 20 people" in text
    assert "Best epoch 11 of 12, best AUC on the validation pairs" in text
    assert "Time 6 min" in text
    assert "Time to converge 5 min 30 s" in text
    assert "all epochs of the recipe were done" in text
    assert "4,712,345" in text
    assert "differs by at most 2.4e-6" in text
    assert 'id="learning-loss"' in page
    assert 'id="learning-figures"' in page
    assert "n = 12 epochs in 6 min, 30 s each." in text
    assert (
        "At the best epoch, 11: training accuracy 0.9627, validation accuracy 0.8727, "
        "validation AUC 0.9227." in text
    )
    assert COMMAND in text


def test_warnings_and_the_budget_stand_before_all_figures(run, page):
    assert "Read this first" not in page
    reason = "all embeddings are alike: the network has collapsed"
    training = {**run.training, "stopped": "budget"}
    card = run.card.model_copy(update={"training": training})
    alarmed = words(run_html(replace(run, warnings=[reason], card=card)))
    assert "All embeddings are alike: the network has collapsed." in alarmed
    assert "Stopped by budget: training was cut short" in alarmed
    assert alarmed.index("Stopped by budget") < alarmed.index("Best epoch")
    assert "stopped by budget: its time was up" in alarmed


def test_finding_people_is_told_by_the_figures_of_retrieval(run, page):
    text = words(page)
    people = run.faces.people
    for k, estimate in recall_at(MODEL, run.embeddings, people).items():
        assert f"Recall@{k}" in text
        assert f"{estimate.value:.4f} {estimate.low:.4f} to {estimate.high:.4f}" in text
    for ways in (5, 20):
        estimate = one_shot(MODEL, run.embeddings, people, ways)
        assert f"{ways}-way one-shot accuracy" in text
        assert f"{estimate.value:.4f} {estimate.low:.4f} to {estimate.high:.4f}" in text


def test_a_test_of_few_people_has_as_many_ways_as_people(run):
    few = np.flatnonzero(run.faces.people < 3)
    findings = search(MODEL, run.embeddings, run.faces, few).findings
    assert findings[-1].name == "3-way one-shot accuracy"


def test_a_search_among_more_than_the_test_says_so_and_shows_strangers(run):
    few = np.flatnonzero(run.faces.people < 3)
    test = replace(
        searched_run(run, few), embeddings=run.embeddings[few], faces=run.faces.select(few)
    )
    text = words(run_html(test))
    assert (
        "n = 6 test photos of 3 people, each searched for among all 80 photos of 40 people" in text
    )
    assert "All five nearest right" in text
    strangers = {near.person for each in searches(test.evaluation.searched) for near in each.found}
    assert len(strangers) > 3
    recall = recall_at(MODEL, run.embeddings, run.faces.people, asked=few)[1]
    assert f"{round(recall.value * 6)} of 6 {recall.value:.4f}" in text


def test_a_run_that_was_not_searched_has_a_report_without(run):
    bare = replace(run, evaluation=replace(run.evaluation, searched=None))
    assert "Finding people" not in words(run_html(bare))


def test_the_five_nearest_are_marked_right_and_wrong(run, page):
    found = nearest(MODEL, run.embeddings, NEIGHBOURS)
    shown = searches(run.evaluation.searched)
    assert len(shown) == 10
    assert len({each.person for each in shown}) == 10  # a photo of each before a second of any
    for each in shown:
        row = run.faces.photos.index(each.photo)
        assert [near.photo for near in each.found] == [run.faces.photos[i] for i in found[row]]
        values = [near.similarity for near in each.found]
        assert values == sorted(values, reverse=True)
        for near in each.found:
            assert near.right == (near.person == each.person)
    right = sum(near.right for each in shown for near in each.found)
    assert 0 < right < 50
    assert page.count('<li class="right">') == right
    assert page.count('<li class="wrong">') == 50 - right
    assert page.count('<li class="query">') == 10


def test_a_photo_without_a_face_is_not_searched_for_nor_drawn(run):
    gone = run.faces.photos[5]
    assert gone not in [each.photo for each in searches(run.evaluation.searched)]
    (drawn,) = face_maps(run.embeddings, run.faces)
    assert gone not in [photo for star in drawn.stars for photo, _, _ in star.photos]


def test_the_map_shows_every_photo_inside_its_box(run, page):
    (drawn,) = face_maps(run.embeddings, run.faces)
    places = [(x, y) for star in drawn.stars for _, x, y in star.photos] + drawn.dots
    assert len(places) == 79  # one has no face
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
    assert len(drawn.stars) == 8
    assert "n = 79 photos of 40 people" in drawn.caption
    assert "the 8 people with the most" in drawn.caption
    assert page.count("<image ") == sum(len(star.photos) for star in drawn.stars)


PLACE = st.floats(0, 1000).map(lambda value: round(value, 1))


@given(st.lists(st.tuples(st.text(max_size=20), st.tuples(PLACE, PLACE)), max_size=8))
def test_no_name_on_the_map_covers_another(people):
    names, middles = [name for name, _ in people], [middle for _, middle in people]
    labels = legible(names, middles)
    assert [x for x, _ in labels] == [x for x, _ in middles]
    for (one, (x, y)), (other, (beside, above)) in combinations(zip(names, labels, strict=True), 2):
        apart = LETTER * (len(one) + len(other)) / 2
        assert abs(x - beside) >= apart or abs(y - above) >= LINE - 1e-6


def test_names_with_room_stand_in_the_middle_of_their_photos():
    middles = [(100.0, 100.0), (100.0, 120.0), (400.0, 105.0)]
    assert legible(["Ann", "Bea", "Cleo"], middles) == middles
    close = [(100.0, 100.0), (110.0, 99.0)]
    assert legible(["Ann", "Bea"], close) == [(100.0, 119.0), (110.0, 99.0)]


def test_principal_components_are_those_of_the_covariance():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 4)) * [5, 3, 1, 0.5]
    plane, explained = principal_plane(values)
    variances, axes = np.linalg.eigh(np.cov(values.T))
    for k in (0, 1):
        expected = (values - values.mean(axis=0)) @ axes[:, -1 - k]
        assert np.allclose(np.abs(plane[:, k]), np.abs(expected))
    assert explained == pytest.approx(variances[-2:].sum() / variances.sum())
    assert np.allclose(principal_plane(values + 7)[0], plane)


def test_embeddings_all_alike_or_of_one_number_are_drawn(run):
    for embeddings in (np.ones((80, 8), np.float32), np.zeros((80, 1), np.float32)):
        assert len(face_maps(embeddings, run.faces)) == 1
    assert face_maps(np.full((80, 8), np.nan, np.float32), run.faces) == []


def test_umap_is_drawn_where_it_is_installed(run, monkeypatch):
    class Umap:
        def __init__(self, **settings: object) -> None:
            assert settings["random_state"] == 0

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, 2:4].astype(np.float32)

    module = SimpleNamespace(UMAP=Umap, __spec__=SimpleNamespace(name="umap"))
    monkeypatch.setitem(sys.modules, "umap", module)
    assert [drawn.name for drawn in face_maps(run.embeddings, run.faces)] == ["map-pca", "map-umap"]
    assert 'id="map-umap"' in run_html(run)


def test_the_recipe_on_the_page_trains_again(page):
    shown = re.search(r'<pre class="toml"[^>]*>(.*?)</pre>', page, re.DOTALL)
    text = shown[1].replace("&#34;", '"').replace("&amp;", "&")
    read = tomllib.loads(text)
    assert read["net"] == RECIPE["net"]
    assert read["loss"] == RECIPE["loss"]
    assert "counts" not in read["data"]


SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**40), 2**40), st.floats(-1e9, 1e9),
    st.text(st.characters(blacklist_categories=("Cs",))),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    lambda inner: st.one_of(
        st.dictionaries(st.text("ab -_.é", min_size=1), inner, min_size=1, max_size=3),
        st.lists(st.dictionaries(st.text("ab"), inner, max_size=2), min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc-_ ", min_size=1), VALUES, max_size=4))
def test_toml_is_read_back_as_it_was(values):
    assert tomllib.loads(as_toml(values)) == values


def test_it_asks_nothing_of_any_network_and_its_ids_are_unique(page):
    found = tags(page)
    for _, attributes in found:
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/jpeg;base64,"))
    assert "http" not in page
    assert "<script" not in page
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed_at = set(re.findall(r"url\(#([^)]+)\)", page))
    pointed_at |= set(re.findall(r'(?:href|labelledby)="#?([^":]+)"', page))
    assert pointed_at <= set(ids)
    assert all(attributes.get("alt") for tag, attributes in found if tag == "img")


def test_the_same_run_gives_the_same_bytes_and_stays_small(run, page):
    assert run_html(run, COMMAND) == page
    assert len(page.encode()) < html.LARGEST_REPORT


def test_pictures_shrink_where_a_page_grows_too_large(run, page, monkeypatch):
    monkeypatch.setattr(html, "LARGEST_REPORT", 1)
    bare = run_html(run, COMMAND)
    assert "data:image" not in bare
    assert "<image" not in bare
    assert len(bare) < len(page)


def test_names_are_text_not_markup(run):
    faces = replace(run.faces, names=tuple(f"<b>{name}</b>" for name in run.faces.names))
    page = run_html(replace(run, faces=faces, warnings=["<script>alert(1)</script>"]))
    assert {tag for tag, _ in tags(page)}.isdisjoint({"b", "script"})
    assert "&lt;b&gt;Person" in page


@pytest.mark.parametrize("lacking", [{}, {"accuracy"}, {"accuracy", "val_auc"}])
def test_no_legend_of_the_curves_is_wider_than_its_plot(run, monkeypatch, lacking):
    fits = []

    def measured(axes, columns):
        style.legend_above(axes, columns)
        axes.figure.canvas.draw()
        fits.append(axes.get_legend().get_window_extent().x1 <= axes.figure.bbox.x1)

    monkeypatch.setattr(run_plots, "legend_above", measured)
    history = [
        {key: value for key, value in row.items() if key not in lacking} for row in draw_history()
    ]
    learning_curves(replace(run, history=history))
    assert fits == [True, True]


def test_a_loss_without_a_value_on_pairs_is_drawn_alone(run):
    plots = learning_curves(replace(run, history=draw_history(loss_on_pairs=False)))
    assert [plot.name for plot in plots] == ["learning-loss", "learning-figures"]
    assert ">validation<" not in plots[0].svg
    assert ">training<" in plots[0].svg
    both = learning_curves(run)[0]
    assert ">validation<" in both.svg
    assert ">best epoch<" in both.svg


@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_histories_of_any_length_are_drawn(run, epochs: int):
    card = run.card.model_copy(update={"training": None})
    bare = replace(run, history=draw_history(epochs), card=card)
    assert len(learning_curves(bare)) == (2 if epochs else 0)
    assert "Time to converge" not in run_html(bare)


def test_a_report_is_written_whole(run, tmp_path):
    write_run_report(tmp_path / "report.html", run)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(DataError, match="there is no folder"):
        write_run_report(tmp_path / "missing" / "report.html", run)


def test_what_is_kept_of_a_run_comes_back(run, tmp_path):
    save_run(tmp_path, run, COMMAND)
    kept = load_run(tmp_path)
    evaluation = run.evaluation
    assert kept.name == "att-triplet"
    assert kept.command == COMMAND
    assert kept.estimate("accuracy") == evaluation.figures.accuracy
    assert kept.estimate("loss").value is None
    assert (kept.parameters, kept.epochs, kept.best_epoch) == (4_712_345, 12, 11)
    assert (kept.seconds, kept.seconds_to_best) == (360, 330)
    photos = len(set(evaluation.pairs.first) | set(evaluation.pairs.second))
    assert kept.seconds_per_photo == pytest.approx(3.2 / photos)
    assert kept.published == RECIPE["published"]
    assert kept.history[3]["loss"] == 0.5
    assert np.array_equal(kept.pairs.accepted, evaluation.predicted)
    assert np.array_equal(kept.pairs.people.same, evaluation.pairs.same)
    assert np.allclose(kept.pairs.scores, evaluation.similarity, atol=1e-7)


def test_nan_survives_the_file(run, tmp_path):
    similarity = np.where(np.arange(300) < 4, np.nan, run.evaluation.similarity)
    evaluation = replace(run.evaluation, similarity=similarity)
    history = draw_history(loss_on_pairs=False)
    save_run(tmp_path, replace(run, evaluation=evaluation, history=history))
    kept = load_run(tmp_path)
    assert np.array_equal(np.isnan(kept.pairs.scores), np.isnan(similarity))
    assert np.array_equal(kept.pairs.accepted, evaluation.predicted)
    assert kept.history[0]["val_loss"] is None


def test_nothing_of_the_people_is_kept(run, tmp_path):
    save_run(tmp_path, run)
    text = (tmp_path / "run.json").read_text()
    assert "Person" not in text
    assert ".jpg" not in text
    assert str(run.folder) not in text
    assert f"{run.embeddings[0, 0]:.5f}"[:7] not in text


def test_the_same_pairs_elsewhere_are_the_same_and_others_are_not(run, tmp_path):
    def digest(pairs) -> str:
        save_run(tmp_path, draw_run(tmp_path, pairs))
        return load_run(tmp_path).pairs.digest

    pairs = run.evaluation.pairs
    moved = replace(pairs.faces, photos=tuple(Path("/x") / p.name for p in pairs.faces.photos))
    assert digest(replace(pairs, faces=moved)) == digest(pairs)
    assert digest(pairs.select(np.arange(299), "fewer")) != digest(pairs)


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"no finished run: it has no run.json"):
        load_run(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(DataError, match=r"run.json: name: Field required; train it again"):
        load_run(tmp_path)
    (tmp_path / "run.json").write_bytes(b"\xff no json")
    with pytest.raises(DataError, match=r"run\.json: the file: "):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4211, "0.42 s"), (9.94, "9.9 s"), (59.6, "1 min"), (31, "31 s"), (725, "12 min 5 s"),
        (4320, "1 h 12 min"), (7200, "2 h"),
    ],
)  # fmt: skip
def test_durations_are_told_in_two_units_at_most(seconds: float, expected: str):
    assert duration(seconds).replace("\xa0", " ") == expected
