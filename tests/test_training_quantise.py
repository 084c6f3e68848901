"""Quantised copies: what they keep, what is measured of them, and what is refused."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from PIL import Image

import test_cli
from generated_convolutions import SIZE, SPEC, draw_convolutions, write_convolutions
from generated_evaluation import draw_pairs, draw_scores
from generated_faces import write_people
from generated_lfw import write_lfw
from test_cli import Ran, one_sentence
from visavis.data.faceset import PairSet
from visavis.data.source import open_source
from visavis.errors import ModelError
from visavis.evaluation.fitted import Fitted
from visavis.evaluation.reported import Applied, ListedPairs
from visavis.models.calibration import Calibration
from visavis.models.card import Card
from visavis.models.encoder import Encoder
from visavis.models.folder import ENCODER, HEAD, WEIGHTS, read_folder
from visavis.models.model import Model
from visavis.models.quantised import PRECISIONS, Pace, Quantised
from visavis.models.scores import Threshold
from visavis.photos.input_spec import InputSpec
from visavis.report.card_copy import sentences
from visavis.report.card_page import card_page
from visavis.training import quantise_graph
from visavis.training.material import prepare
from visavis.training.quantise import quantise
from visavis.training.quantise_compare import Measured, compared, measure_speed
from visavis.training.quantise_graph import to_fp16, to_int8
from visavis.training.quantise_people import choose_people, data_fingerprint, draw_crops
from visavis.training.recipe import Recipe

Run = Callable[..., Ran]
run = test_cli.run
PEOPLE = 12


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", PEOPLE, 3, size=120)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent") / "model"
    write_convolutions(folder)
    return folder


@pytest.fixture(scope="module")
def copies(people: Path, parent: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Of each precision, the folder of a copy."""
    place, source = tmp_path_factory.mktemp("copies"), open_source(f"folder:{people}")
    return {
        precision: quantise(str(parent), precision, source, place / precision).folder
        for precision in PRECISIONS
    }


def crops(count: int = 9) -> np.ndarray:
    """Soft pictures, as photos are: noise alone would be the hardest case there is."""
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    pictures = [Image.fromarray(each).resize((SPEC.width, SPEC.height)) for each in small]
    return np.stack([np.asarray(picture) for picture in pictures])


def lowest_cosine(first: np.ndarray, second: np.ndarray) -> float:
    a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (first, second))
    return float((a * b).sum(axis=1).min())


def embeddings(folder: Path, runtime: str = "auto") -> np.ndarray:
    return Model.load(folder, runtime=runtime).encode(crops())


class TestCopies:
    @pytest.mark.parametrize(("precision", "least"), [("int8", 0.99), ("fp16", 0.9999)])
    def test_they_agree_with_their_parent_and_between_runtimes(
        self, copies: dict, parent: Path, precision: str, least: float
    ) -> None:
        expected = embeddings(parent, "onnxruntime")
        found = embeddings(copies[precision], "onnxruntime")
        assert lowest_cosine(expected, found) > least
        assert (expected != found).any()
        assert lowest_cosine(found, embeddings(copies[precision], "openvino")) >= 0.999
        assert lowest_cosine(found, embeddings(copies[precision], "uncompiled")) >= 0.999

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_the_card_names_the_parent_and_what_was_measured(
        self, copies: dict, parent: Path, precision: str
    ) -> None:
        own, old = read_folder(copies[precision]), Card.read(parent / "card.json")
        assert own.fingerprint != old.fingerprint
        assert own.name == f"convolutions-{precision}"
        found = own.quantised
        assert found is not None
        named = {"name": "convolutions", "fingerprint": old.fingerprint}
        assert own.parent == {**named, "agreement": found.agreement}
        assert 0.98 < found.lowest <= found.agreement <= 1
        assert found.runtimes >= 0.999
        assert 0.9 <= found.verdicts <= 1
        assert found.photos == 3 * PEOPLE // 2
        assert found.difference == pytest.approx(found.accuracy - found.parent_accuracy)
        assert found.parent_size == (parent / ENCODER).stat().st_size
        assert found.size == (copies[precision] / ENCODER).stat().st_size < found.parent_size
        assert (found.calibrated_on == "18 crops of folder, fitting half") == (precision == "int8")
        assert own.figures["folder, reported half"]["accuracy"]["value"] == found.accuracy

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_it_is_calibrated_on_its_own_embeddings(self, copies: dict, precision: str) -> None:
        card = read_folder(copies[precision])
        assert card.calibration.fitted_on == card.best_accuracy.fitted_on == "folder, fitting half"
        assert card.scores.fitted_on == "all comparisons of folder, fitting half"
        assert sum(card.scores.impostor) == 15 * 9  # six people with three photos each

    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_input_and_output_stay_as_they_were(self, copies: dict, precision: str) -> None:
        graph = onnx.load(copies[precision] / ENCODER).graph
        (given,), (made,) = graph.input, graph.output
        assert given.type.tensor_type.elem_type == TensorProto.UINT8
        shape = [dim.dim_param or dim.dim_value for dim in given.type.tensor_type.shape.dim]
        assert shape == ["batch", 32, 32, 3]
        assert made.type.tensor_type.elem_type == TensorProto.FLOAT
        assert made.type.tensor_type.shape.dim[1].dim_value == SIZE
        assert WEIGHTS not in {path.name for path in copies[precision].iterdir()}

    def test_weights_are_what_the_precision_says(self, copies: dict) -> None:
        kinds = {
            precision: {
                tensor.data_type
                for tensor in onnx.load(copies[precision] / ENCODER).graph.initializer
                if np.prod(tensor.dims) >= quantise_graph.SMALLEST
            }
            for precision in PRECISIONS
        }
        assert kinds == {"int8": {TensorProto.INT8}, "fp16": {TensorProto.FLOAT16}}

    def test_the_page_says_it_all(self, copies: dict) -> None:
        page = (copies["int8"] / "README.md").read_text()
        assert page == card_page(read_folder(copies["int8"]))
        assert "## int8 copy of convolutions" in page
        for sentence in sentences(read_folder(copies["int8"]).quantised):
            assert f"- {sentence}\n" in page
        assert "too few to tell" in page  # of six people

    def test_a_head_is_carried_over(self, people: Path, tmp_path: Path) -> None:
        write_convolutions(tmp_path / "headed", head=True)
        source = open_source(f"folder:{people}")
        made = quantise(str(tmp_path / "headed"), "fp16", source, tmp_path / "copy")
        assert (made.folder / HEAD).read_bytes() == (tmp_path / "headed" / HEAD).read_bytes()
        model = Model.load(made.folder)
        one, other = model.encode(crops(2))
        distance = np.abs(one - other).sum()  # the drawn head's similarity, negated
        assert model.similarity(one[None], other[None])[0] == pytest.approx(-distance, rel=1e-5)
        assert made.card.distance == "head"


def measured(pairs: PairSet, similarity: np.ndarray) -> Measured:
    """A model of these similarities that decides at 0.5."""
    threshold = Threshold(value=0.5, fitted_on="elsewhere")
    calibration = Calibration(slope=1, intercept=0, prior=0.5, fitted_on="elsewhere", pairs=1)
    fitted = Fitted(threshold, calibration, draw_scores())
    folds = np.zeros(len(pairs), dtype=np.int64)
    applied = Applied([fitted], [threshold], folds, np.zeros(len(pairs.faces), dtype=np.int64))
    embeddings = np.eye(4, dtype=np.float32)
    return Measured(fitted, ListedPairs(pairs, similarity, applied), embeddings)


class TestCompared:
    @pytest.fixture
    def pairs(self) -> PairSet:
        photos = [Path(f"p{number}.jpg") for number in range(60)]
        return draw_pairs(photos, [f"Person {number}" for number in range(30)], 100, 100)

    def test_verdicts_and_accuracy_by_hand(self, pairs: PairSet) -> None:
        right = np.where(pairs.same, 0.9, 0.1)
        worse = right.copy()
        worse[:10] = 0.2  # ten genuine pairs refused
        worse[10] = np.nan  # a missed face, an error of both
        right[10] = np.nan
        found = compared(measured(pairs, right), measured(pairs, worse))
        assert found["parent_accuracy"] == 199 / 200
        assert found["accuracy"] == 189 / 200
        assert found["verdicts"] == 190 / 200
        assert found["difference"] == pytest.approx(-10 / 200)
        assert found["low"] < -10 / 200 < found["high"] < 0
        assert (found["agreement"], found["photos"], found["n_pairs"]) == (1, 4, 200)

    def test_the_same_verdicts_on_all_pairs_are_no_certainty(self, pairs: PairSet) -> None:
        right = np.where(pairs.same, 0.9, 0.1)
        found = compared(measured(pairs, right), measured(pairs, right - 0.01))
        assert found["difference"] == 0
        assert 0 < found["high"] < 0.2
        assert found["low"] == -found["high"]


class Clocked:
    """An encoder that needs so many seconds a crop, on a clock of its own."""

    runtime = "openvino"

    def __init__(self, clock: list[float], seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def encode(self, crops: np.ndarray) -> np.ndarray:
        self.clock[0] += self.seconds * len(crops)
        return np.zeros((len(crops), 4), dtype=np.float32)


def test_the_pace_is_that_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("visavis.training.quantise_compare.perf_counter", lambda: clock[0])
    parent, copy = (SimpleNamespace(encoder=Clocked(clock, each)) for each in (0.006, 0.004))
    one, many = measure_speed(parent, copy, crops(3))
    assert (one.batch, many.batch) == (1, 8)
    for pace in (one, many):
        assert (pace.parent, pace.own) == (pytest.approx(6), pytest.approx(4))
        assert (pace.times, pace.low, pace.high) == pytest.approx((1.5, 1.5, 1.5))
        assert pace.faster
    assert not measure_speed(copy, parent, crops(3))[0].faster


class TestGraphs:
    def test_the_operators_next_to_the_photo_stay_as_they_are(self) -> None:
        """Of ten and more operators a tenth, and at most two."""
        for layers, kept in ((4, 0), (10, 1), (30, 2)):
            graph = onnx.load_from_string(to_int8(draw_convolutions(layers), crops(4))).graph
            made = {name: node for node in graph.node for name in node.output}
            convolutions = [node for node in graph.node if node.op_type == "Conv"]
            quantised = [
                made[node.input[0]].op_type == "DequantizeLinear"
                if node.input[0] in made
                else False
                for node in convolutions
            ]
            assert quantised == [False] * kept + [True] * (layers - kept)

    def test_the_outlier_among_the_crops_does_not_coarsen_the_scale(self) -> None:
        plain = np.full((99, 32, 32, 3), 10, dtype=np.uint8)
        bright = np.full((1, 32, 32, 3), 255, dtype=np.uint8)
        graph = onnx.load_from_string(to_int8(draw_convolutions(), np.vstack([plain, bright])))
        scales = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer
        }
        assert scales["x0_scale"] == pytest.approx(10 / 255 / 255, rel=1e-3)

    def test_a_weight_beyond_half_precision_is_its_largest_number(self) -> None:
        model = onnx.load_from_string(draw_convolutions())
        dense = next(tensor for tensor in model.graph.initializer if tensor.name == "dense")
        array = onnx.numpy_helper.to_array(dense).copy()
        array[0, 0] = 1e6
        dense.CopyFrom(onnx.numpy_helper.from_array(array, "dense"))
        graph = onnx.load_from_string(to_fp16(model.SerializeToString())).graph
        half = next(tensor for tensor in graph.initializer if tensor.name == "dense_fp16")
        assert onnx.numpy_helper.to_array(half).max() == np.finfo(np.float16).max

    def test_a_network_of_ours_is_copied(self, tmp_path: Path) -> None:
        """As torch exports it; ``flip`` embeds a crop and its mirror image."""
        from test_nets_backbones import SMALL
        from visavis.nets import encoder as nets
        from visavis.nets.backbones import BACKBONES, build_backbone
        from visavis.nets.export import export_encoder

        torch.manual_seed(0)
        (width, height), options = SMALL["iresnet"]
        spec = replace(BACKBONES["iresnet"].default_input, width=width, height=height)
        twin = nets.Encoder(build_backbone("iresnet", spec, **options), 8, flip=True)
        export_encoder(twin, tmp_path / "parent.onnx")
        encoder = (tmp_path / "parent.onnx").read_bytes()
        photos = np.random.default_rng(0).integers(0, 256, (8, height, width, 3), dtype=np.uint8)
        paths = {"parent": tmp_path / "parent.onnx"}
        for kind, content in (("int8", to_int8(encoder, photos)), ("fp16", to_fp16(encoder))):
            paths[kind] = tmp_path / f"{kind}.onnx"
            paths[kind].write_bytes(content)
        input_spec = SPEC.model_copy(update={"width": width, "height": height})
        found = {
            (kind, runtime): Encoder(path, input_spec, 8, runtime).encode(photos)
            for kind, path in paths.items()
            for runtime in ("onnxruntime", "openvino")
        }
        expected = found["parent", "onnxruntime"]
        assert lowest_cosine(expected, found["fp16", "onnxruntime"]) > 0.9999
        assert lowest_cosine(expected, found["int8", "onnxruntime"]) > 0.97
        assert lowest_cosine(expected, found["int8", "openvino"]) > 0.97
        for _ in range(20):  # streams are compiled side by side: who comes first must not matter
            again = self.compiled_anew(paths["int8"], input_spec, photos)
            assert lowest_cosine(found["int8", "openvino"], again) > 0.9999

    def compiled_anew(self, path: Path, spec: InputSpec, photos: np.ndarray) -> np.ndarray:
        """What a copy under another name gives, which no cache knows."""
        twin = path.with_name(f"{uuid4().hex}.onnx")
        shutil.copy(path, twin)
        return Encoder(twin, spec, 8, "openvino").encode(photos)


class TestPeople:
    def test_a_model_trained_on_the_source_keeps_its_parts(self, people: Path) -> None:
        source = open_source(f"folder:{people}")
        recipe = Recipe.from_dict(
            {
                "name": "tiny",
                "net": {"backbone": "small"},
                "loss": [{"kind": "triplet"}],
                "data": {"validation": 0.3, "test": 0.3},
                "seed": 5,
            }
        )
        material = prepare(source, recipe.data, recipe.seed)
        facts = {
            "recipe": recipe.model_dump(mode="json"),
            "data_fingerprint": data_fingerprint(material.train.faces),
        }
        card = card_with(**facts)
        found = choose_people(source, card)
        assert found.crops.photos == material.train.faces.photos
        assert found.fitting.faces.names == material.validation.faces.names
        assert found.reported.faces.names == material.test.faces.names
        other = choose_people(source, card_with(**{**facts, "data_fingerprint": "0" * 64}))
        assert other.reported.name == "folder, reported half"

    def test_a_source_with_pairs_to_fit_on_keeps_them(self, tmp_path: Path) -> None:
        write_lfw(tmp_path)
        source = open_source(f"lfw:{tmp_path}")
        found = choose_people(source, card_with())
        assert found.fitting is source.fitting
        assert found.reported is source.pairs
        assert found.crops is source.fitting.faces

    def test_nobody_reported_is_calibrated_on(self, people: Path, parent: Path) -> None:
        found = choose_people(open_source(f"folder:{people}"), card_with())
        fitted, reported = set(found.crops.names), set(found.reported.faces.names)
        assert fitted & reported == set()
        assert len(fitted | reported) == PEOPLE
        model = Model.load(parent)
        few, all_of_them = (draw_crops(model, found.crops, count) for count in (4, 100))
        assert (few.shape, len(all_of_them)) == ((4, 32, 32, 3), 18)
        np.testing.assert_array_equal(few, all_of_them[:4])


def card_with(**facts: object) -> Card:
    return Card(
        name="some",
        input=SPEC,
        embedding_size=4,
        distance="cosine",
        fingerprint="f" * 64,
        detector="d" * 64,
        licence="none",
        **facts,
    )


MEASURED = Quantised(
    precision="int8",
    calibrated_on="128 crops of LFW View 1 devTrain",
    agreement=0.998,
    lowest=0.99,
    photos=1700,
    runtimes=0.9995,
    protocol="LFW View 1",
    pairs="LFW View 1 devTest",
    n_pairs=1000,
    verdicts=0.998,
    accuracy=0.99,
    parent_accuracy=0.992,
    difference=-0.002,
    low=-0.005,
    high=0.001,
    size=10_000_000,
    parent_size=40_000_000,
    runtime="openvino",
    speed=(
        Pace(batch=1, parent=3, own=2, times=1.5, low=1.4, high=1.6),
        Pace(batch=8, parent=1, own=1, times=1.02, low=0.9, high=1.1),
    ),
)


class TestSentences:
    @pytest.mark.parametrize(
        ("low", "high", "words"),
        [
            (-0.005, 0.001, "within the interval"),
            (-0.005, -0.001, "worse than its parent by more than chance explains"),
            (0.001, 0.005, "loses nothing"),
            (None, None, "too few to tell"),
        ],
    )
    def test_of_accuracy(self, low: float | None, high: float | None, words: str) -> None:
        said = sentences(MEASURED.model_copy(update={"low": low, "high": high}))[0]
        assert words in said
        assert "-0.0020 on the same 1,000 pairs of LFW View 1 devTest" in said

    def test_of_speed(self) -> None:
        said = sentences(MEASURED)[-1]
        assert "it is 1.50 times as fast one at a time (95 % interval 1.40 to 1.60) and " in said
        assert "and no faster: 1.02 times as fast 8 at once (95 % interval 0.90 to 1.10)." in said

    def test_of_runtimes(self) -> None:
        assert sentences(MEASURED)[2].endswith("0.9995 at the lowest.")
        apart = sentences(MEASURED.model_copy(update={"runtimes": 0.996}))[2]
        assert "below 0.999: enrol and compare by one runtime" in apart
        assert len(sentences(MEASURED.model_copy(update={"runtimes": None}))) == 3


def test_a_copy_is_made_and_read_without_torch() -> None:
    code = "import sys, visavis.training.quantise, visavis.training.quantise_graph; "
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class TestCommand:
    def test_the_copy_works_in_other_verbs(
        self, run: Run, people: Path, parent: Path, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy"
        ran = run("export", parent, "--int8", "--data", f"folder:{people}", "-o", copy)
        assert ran.code == 0, ran.err
        assert ran.out.startswith("convolutions-int8: ")
        assert "figure\tparent\tcopy\n" in ran.out
        assert f"use it with --model {copy}" in ran.out
        photos = [people / "Drawn_Person_000" / f"Drawn_Person_000_000{i}.jpg" for i in (1, 2)]
        ran = run("verify", *photos, "--model", copy, "--threshold", -1, "--json")
        assert (ran.code, ran.json["model"]) == (0, "convolutions-int8")
        ran = run("evaluate", "--model", copy, "--data", f"folder:{people}", "--json")
        assert ran.json["fingerprint"] == read_folder(copy).fingerprint

    def test_json(self, run: Run, people: Path, parent: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()  # a folder that is there and empty will do
        data = ("--data", f"folder:{people}", "-o", tmp_path / "empty")
        ran = run("export", parent, "--fp16", *data, "--json")
        card = json.loads((tmp_path / "empty" / "card.json").read_text())
        assert {key: ran.json[key] for key in ("name", "fingerprint", "parent")} == {
            key: card[key] for key in ("name", "fingerprint", "parent")
        }
        assert ran.json["quantised"]["precision"] == "fp16"
        assert ran.json["skipped"] == []

    def test_what_cannot_be_read_is_skipped(
        self, run: Run, people: Path, parent: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(people, tmp_path / "people")
        (tmp_path / "people" / "Drawn_Person_000" / "Drawn_Person_000_0001.jpg").write_text("no")
        data = ("--data", f"folder:{tmp_path / 'people'}", "-o", tmp_path / "copy")
        ran = run("export", parent, "--fp16", *data, "--json")
        assert ran.code == 4
        assert "Drawn_Person_000_0001.jpg" in ran.json["skipped"][0]

    @pytest.mark.parametrize("precisions", [("--int8", "--fp16"), ()])
    def test_one_precision(
        self, run: Run, people: Path, parent: Path, tmp_path: Path, precisions: tuple[str, ...]
    ) -> None:
        data = ("--data", f"folder:{people}", "-o", tmp_path / "copy")
        ran = run("export", parent, *precisions, *data)
        assert ran.code == 2
        one_sentence(ran, "give either --int8 or --fp16")

    def test_an_unknown_model(self, run: Run, people: Path, tmp_path: Path) -> None:
        data = ("--data", f"folder:{people}", "-o", tmp_path / "copy")
        ran = run("export", "nonesuch", "--int8", *data)
        assert ran.code == 2
        one_sentence(ran, "nonesuch")

    @pytest.mark.parametrize(
        ("count", "words"), [((1, 4), "add people"), ((4, 1), "no genuine pair")]
    )
    def test_too_few_people(
        self, run: Run, parent: Path, tmp_path: Path, count: tuple[int, int], words: str
    ) -> None:
        few = write_people(tmp_path / "few", *count, size=64)
        ran = run("export", parent, "--int8", "--data", f"folder:{few}", "-o", tmp_path / "copy")
        assert ran.code == 2
        one_sentence(ran, words)

    def test_photos_without_a_face(self, run: Run, parent: Path, tmp_path: Path) -> None:
        for person in "abcd":
            (tmp_path / "people" / person).mkdir(parents=True)
            for i in range(2):
                picture = Image.new("RGB", (64, 64), "teal")
                picture.save(tmp_path / "people" / person / f"{i}.png")
        data = ("--data", f"folder:{tmp_path / 'people'}", "-o", tmp_path / "copy")
        ran = run("export", parent, "--int8", *data)
        assert ran.code == 2
        one_sentence(ran, "no photo shows a face to calibrate on")

    def test_a_folder_that_is_taken(
        self, run: Run, people: Path, parent: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").mkdir()
        (tmp_path / "taken" / "mine.txt").write_text("mine")
        data = ("--data", f"folder:{people}", "-o", tmp_path / "taken")
        ran = run("export", parent, "--fp16", *data)
        assert ran.code == 2
        one_sentence(ran, "taken exists already")
        assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]

    def test_a_copy_of_a_copy(self, run: Run, people: Path, copies: dict, tmp_path: Path) -> None:
        data = ("--data", f"folder:{people}", "-o", tmp_path / "copy")
        ran = run("export", copies["int8"], "--fp16", *data)
        assert ran.code == 2
        one_sentence(ran, "is an int8 copy already; export convolutions")

    def test_a_full_disk_leaves_nothing(
        self,
        run: Run,
        people: Path,
        parent: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(path: Path, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("visavis.models.folder.write_atomically", full)
        data = ("--data", f"folder:{people}", "-o", tmp_path / "new" / "copy")
        ran = run("export", parent, "--fp16", *data)
        assert ran.code == 2
        said = [line for line in ran.err.splitlines() if line.startswith("visavis: ")]
        assert len(said) == 1
        assert "cannot write the model folder" in said[0]
        assert "No space left on device" in said[0]
        assert list((tmp_path / "new").iterdir()) == []


def test_a_graph_that_cannot_be_copied_is_one_sentence(
    people: Path, parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(encoder: bytes, crops: np.ndarray) -> bytes:
        raise ValueError("no such operator\nand more")

    monkeypatch.setattr(quantise_graph, "to_int8", fails)
    source = open_source(f"folder:{people}")
    with pytest.raises(ModelError, match=r"cannot be copied in int8: no such operator$"):
        quantise(str(parent), "int8", source, tmp_path / "copy")
