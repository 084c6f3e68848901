"""A student learns a teacher's embeddings of drawn people, and other recipes go on from it."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import test_cli
from generated_faces import write_people
from test_cli import Ran, one_sentence
from test_training_batches import some_faces
from visavis.data.source import open_source
from visavis.errors import DataError, ModelError
from visavis.models.card import Card
from visavis.models.folder import WEIGHTS
from visavis.models.model import Model
from visavis.nets.losses import Distil
from visavis.nets.pretrained import read_state
from visavis.photos.photo import Photo
from visavis.report.compare import compare_runs
from visavis.report.compare_words import remarks
from visavis.report.run_file import load_run
from visavis.training.ancestry import OWN_LICENCE
from visavis.training.batches import PhotoBatches
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.distil import taught_by
from visavis.training.fit import fit
from visavis.training.parts import build_parts
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe
from visavis.training.train import train

Run = Callable[..., Ran]
run = test_cli.run

STUDENT = """
name = "student"
precision = "fp32"
teacher = "sface"
data = { validation = 0.3, test = 0.3 }
crop = { width = 48, height = 48, colour = "grey", template = "arcface" }
optimiser = { kind = "adamw", rate = 3e-3 }
schedule = { epochs = 6 }
batch = { people = 4, photos = 2 }
augment = { flip = true }
[net]
backbone = "small"
embedding = 128
options = { filters = 8, units = 64, dropout = 0.0 }
[[loss]]
kind = "distil"
"""
UNTAUGHT = {
    "teacher": "",
    "loss": [{"kind": "triplet"}],
    "schedule": {"epochs": 1, "monitor": "auc"},
}


def values(**changes: object) -> dict:
    return {**tomllib.loads(STUDENT), **changes}


def student(**changes: object) -> Recipe:
    return Recipe.from_dict(values(**changes))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=24, photos=3)


@pytest.fixture(scope="module")
def distilled(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a student of SFace, by the command's own walk."""
    folder = tmp_path_factory.mktemp("distilled") / "run"
    train(student(), open_source(f"folder:{people}"), folder)
    return folder


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    (tmp_path / "student.toml").write_text(STUDENT.replace("epochs = 6", "epochs = 2"))
    return tmp_path / "student.toml"


def history(folder: Path) -> list[dict[str, float]]:
    return json.loads((folder / "history.json").read_text())


def test_the_loss_is_one_minus_the_mean_cosine():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 5))
    cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b, strict=True)]
    loss = Distil()(torch.from_numpy(a), torch.from_numpy(b).float())
    assert float(loss) == pytest.approx(1 - np.mean(cosines), abs=1e-6)
    assert loss.dtype == torch.float32


class TestPhotoBatches:
    def test_each_photo_once_an_epoch_in_a_new_order(self) -> None:
        faces = some_faces([3, 1, 5, 2])
        usable = np.arange(len(faces)) != 4
        batches = PhotoBatches(faces, 4, usable=usable, seed=3)
        epochs = [list(batches.epoch(number)) for number in (0, 1, 0)]
        for epoch in epochs:
            assert len(epoch) == len(batches) == 3
            rows = np.concatenate([batch.rows for batch in epoch])
            assert sorted(rows.tolist()) == np.flatnonzero(usable).tolist()
            for batch in epoch:
                np.testing.assert_array_equal(batch.people, faces.people[batch.rows])
                assert not len(batch.same)
        first, other, again = (np.concatenate([b.rows for b in epoch]) for epoch in epochs)
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_no_photo_is_left_over_alone(self) -> None:
        batches = PhotoBatches(some_faces([3, 3, 3]), 4)
        assert [len(batch.rows) for batch in batches.epoch(0)] == [3, 3, 3]
        assert batches.pairs == 9

    def test_fewer_steps_show_fewer_photos(self) -> None:
        batches = PhotoBatches(some_faces([3, 3, 3]), 3, steps=2)
        assert len(list(batches.epoch(0))) == len(batches) == 2
        assert batches.pairs == 6
        assert len(PhotoBatches(some_faces([3, 3, 3]), 3, steps=50)) == 3

    def test_one_photo(self) -> None:
        with pytest.raises(DataError, match="two photos or more"):
            PhotoBatches(some_faces([2]), 4, usable=np.array([True, False]))


class TestAStudent:
    def test_comes_nearer_to_its_teacher(self, distilled: Path, people: Path) -> None:
        rows = history(distilled)
        assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
        run = load_run(distilled)
        assert run.best_epoch is not None
        card = Card.read(distilled / "model" / "card.json")
        reached = card.parent["agreement"]
        assert reached == pytest.approx(1 - min(row["val_loss"] for row in rows))
        # The same cosine by the finished folders, over the photos that were validated on.
        model, teacher = Model.load(distilled / "model"), Model.load("sface")
        untaught = Model.load(self._untaught(people, distilled.parent))
        new = [*people.rglob("*.jpg")][:12]
        cosines = {
            name: self._cosine(each, teacher, new)
            for name, each in {"taught": model, "untaught": untaught}.items()
        }
        assert cosines["taught"] > cosines["untaught"] + 0.2

    @staticmethod
    def _untaught(people: Path, folder: Path) -> Path:
        """The model of a student that has hardly learned."""
        idle = student(schedule={"epochs": 1, "steps": 1}, optimiser={"rate": 1e-12})
        train(idle, open_source(f"folder:{people}"), folder / "idle")
        return folder / "idle" / "model"

    @staticmethod
    def _cosine(model: Model, teacher: Model, photos: list[Path]) -> float:
        faces = [model.detector.detect(Photo.open(photo))[0] for photo in photos]
        return float((model.encode(faces) * teacher.encode(faces)).sum(1).mean())

    def test_says_what_it_owes(self, distilled: Path) -> None:
        card, teacher = Card.read(distilled / "model" / "card.json"), Model.load("sface").card
        assert (card.parent["name"], card.parent["fingerprint"]) == ("sface", teacher.fingerprint)
        assert card.outside_data == f"distilled from sface: {teacher.outside_data}"
        assert card.licence == f"{OWN_LICENCE}; teacher sface: {teacher.licence}"
        assert card.recipe["teacher"] == "sface"
        table = compare_runs([distilled])
        (row,) = [row for group in table.groups for row in group.rows]
        assert f"outside data: {card.outside_data}" in remarks(row)

    def test_is_told_no_name(
        self, distilled: Path, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        epoch = PhotoBatches.epoch

        def nameless(batches: PhotoBatches, number: int):
            return (replace(batch, people=batch.people * 0) for batch in epoch(batches, number))

        monkeypatch.setattr(PhotoBatches, "epoch", nameless)
        fitted = fit(student(schedule={"epochs": 1}), open_source(f"folder:{people}"), tmp_path)
        assert fitted.history[0]["loss"] == pytest.approx(history(distilled)[0]["loss"], rel=1e-5)

    def test_goes_on_as_if_it_had_never_stopped(
        self, distilled: Path, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from visavis.training import watch

        write = watch.write_output

        def cut(path: Path, content: bytes) -> None:
            write(path, content)
            if len(json.loads(content)) == 3:
                raise KeyboardInterrupt

        source = open_source(f"folder:{people}")
        with monkeypatch.context() as patch:
            patch.setattr(watch, "write_output", cut)
            with pytest.raises((KeyboardInterrupt, SystemExit)):
                fit(student(), source, tmp_path)
        assert len(history(tmp_path)) == 3
        resumed = fit(student(), source, tmp_path, resume=True)
        whole = history(distilled)
        assert [row["loss"] for row in resumed.history] == pytest.approx(
            [row["loss"] for row in whole], rel=1e-5
        )
        one, two = (
            SafeCheckpoints().load_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]
            for folder in (distilled, tmp_path)
        )
        for name, tensor in one.items():
            torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5)

    def test_the_teacher_embeds_each_photo_once(self, distilled: Path) -> None:
        kept = list((distilled / "crops").glob("*/embeddings-*.f32"))
        assert len(kept) == 2  # of the training photos and of those validated on
        assert all(path.stat().st_size % (4 * 128) == 0 for path in kept)

    def test_learns_from_one_that_was_trained_here(
        self, distilled: Path, people: Path, tmp_path: Path
    ) -> None:
        chosen = student(
            teacher=str(distilled / "model"),
            schedule={"epochs": 1},
            crop={"width": 32, "height": 32, "colour": "rgb", "template": "loose"},
        )
        run = train(chosen, open_source(f"folder:{people}"), tmp_path / "run")
        assert run.card.parent["name"] == "student"
        assert run.card.outside_data.startswith("distilled from student: distilled from sface: ")
        assert run.card.licence.count(OWN_LICENCE) == 1


class TestGoingOn:
    """Recipes whose network starts from the student's folder."""

    def parts_of(self, distilled: Path, **net: object):
        crop = {"width": 48, "height": 48, "colour": "grey", "template": "arcface"}
        base = values()["net"]
        return build_parts(
            Recipe.from_dict({
                "name": "on",
                "crop": crop,
                "net": {**base, "pretrained": str(distilled / "model"), **net},
                "loss": [{"kind": "triplet"}],
            })
        )  # fmt: skip

    @pytest.mark.parametrize("embedding", [None, 16, 128])
    def test_the_backbone_is_taken_whatever_the_projection(
        self, distilled: Path, embedding: int | None
    ) -> None:
        state = read_state(distilled / "model" / WEIGHTS)
        encoder = self.parts_of(distilled, embedding=embedding).encoder
        for name, tensor in encoder.backbone.state_dict().items():
            assert torch.equal(tensor, state[f"encoder.backbone.{name}"])
        taken = [
            torch.equal(tensor, state[f"encoder.projection.{name}"])
            for name, tensor in encoder.projection.state_dict().items()
            if embedding == 128
        ]
        assert all(taken)
        assert bool(taken) == (embedding == 128)

    def test_of_another_backbone(self, distilled: Path) -> None:
        with pytest.raises(DataError, match=r"recipe on: .*of another network"):
            self.parts_of(distilled, options={"filters": 4, "units": 64})

    def test_frozen_with_its_projection_it_is_embedded_once(self, distilled: Path) -> None:
        assert not self.parts_of(distilled, frozen="all").cached
        parts = self.parts_of(distilled, frozen="embedding")
        assert parts.cached
        assert not any(module.training for module in parts.encoder.train().projection.modules())

    def test_data_and_licence_are_inherited(
        self, distilled: Path, people: Path, tmp_path: Path
    ) -> None:
        card = Card.read(distilled / "model" / "card.json")
        net = {**values()["net"], "pretrained": str(distilled / "model"), "frozen": "embedding"}
        chosen = student(
            teacher="", name="on", net=net, head={"kind": "mlp"}, loss=[{"kind": "bce"}]
        )
        source = open_source(f"folder:{people}")
        on = train(chosen, source, tmp_path / "run").card
        # The same people were trained on, so what is outside is what the teacher has seen.
        assert on.outside_data == f"weights of {card.name}: {card.outside_data}"
        assert on.licence == card.licence
        other = chosen.model_copy(update={"seed": 5})  # other people are trained on
        on = train(other, source, tmp_path / "other").card
        assert card.training["words"] in on.outside_data
        assert card.outside_data in on.outside_data

    def test_nothing_is_outside_without_a_teacher(self, people: Path, tmp_path: Path) -> None:
        source = open_source(f"folder:{people}")
        train(student(**UNTAUGHT), source, tmp_path / "one")
        net = {**values()["net"], "pretrained": str(tmp_path / "one" / "model")}
        run = train(student(**UNTAUGHT, net=net), source, tmp_path / "two")
        assert (run.card.outside_data, run.card.licence) == ("none", OWN_LICENCE)
        assert run.card.parent is None


class TestTheVerb:
    def test_end_to_end(self, run: Run, people: Path, toml: Path, tmp_path: Path) -> None:
        command = ["distil", toml, "--data", f"folder:{people}", "-o", tmp_path / "run"]
        ran = run(*command, "--teacher", "sface", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["parent"]["name"] == "sface"
        assert -1 <= ran.json["parent"]["agreement"] <= 1
        photos = sorted(people.rglob("*.jpg"))[:2]
        verdict = run("verify", *photos, "--model", tmp_path / "run" / "model", "--threshold", -1)
        assert verdict.code == 0
        assert (tmp_path / "run" / "report.html").is_file()
        one_sentence(run(*command), "--resume")
        ran = run(*command, "--resume")
        assert ran.code == 0, ran.err
        assert "learned from sface: mean cosine" in ran.out

    def test_of_a_recipe_that_knows_no_teacher(self) -> None:
        chosen = taught_by(find_recipe("lfw-best"), "sface")
        assert (chosen.name, chosen.teacher) == ("distil-lfw-best", "sface")
        assert (chosen.net.embedding, chosen.head.kind) == (128, "cosine")
        assert [part.kind for part in chosen.loss] == ["distil"]
        assert chosen.published == {}
        assert chosen.augment == find_recipe("lfw-best").augment
        assert taught_by(student()) == student()


class TestBadInput:
    @pytest.mark.parametrize(
        ("teacher", "words"),
        [("nonesuch", "there is no model nonesuch"), (".", "is no model folder")],
    )
    def test_a_teacher_that_is_none(
        self, run: Run, toml: Path, tmp_path: Path, teacher: str, words: str
    ) -> None:
        folder = tmp_path / "run"
        ran = run("distil", toml, "--data", "folder:people", "-o", folder, "--teacher", teacher)
        assert ran.code == 2
        one_sentence(ran, words)
        assert not folder.exists()

    def test_no_teacher_at_all(self, run: Run, people: Path) -> None:
        ran = run("distil", "att-triplet", "--data", f"folder:{people}")
        assert ran.code == 2
        one_sentence(ran, "att-triplet names no teacher", "--teacher sface")

    def test_listed_pairs(self, run: Run, people: Path) -> None:
        ran = run("distil", "lfw-alexnet", "--teacher", "sface", "--data", f"folder:{people}")
        assert ran.code == 2
        one_sentence(ran, "recipe lfw-alexnet", "not listed pairs", 'data.pairs to "batch"')

    def test_faces_that_the_teacher_cannot_find(self, run: Run, toml: Path, tmp_path: Path) -> None:
        """The student takes whole photos, and the teacher needs a face to align."""
        rng = np.random.default_rng(0)
        for person in "abcdefghij":
            (tmp_path / "walls" / person).mkdir(parents=True)
            for photo in range(2):
                pixels = rng.integers(0, 60, (64, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "walls" / person / f"{photo}.png")
        toml.write_text(toml.read_text().replace('"arcface"', '"whole"'))
        ran = run("distil", toml, "--data", f"folder:{tmp_path / 'walls'}", "-o", tmp_path / "run")
        assert ran.code == 2
        said = [line for line in ran.err.splitlines() if line.startswith("visavis: ")]
        assert len(said) == 1
        assert "no photo can be used for the training by teacher sface" in said[0]
        assert "show no face" in said[0]

    def test_some_faces_that_it_cannot_find_are_told(self, people: Path, tmp_path: Path) -> None:
        copy = tmp_path / "people"
        shutil.copytree(people, copy)
        grey = sorted(copy.iterdir())
        for person in grey:
            Image.new("RGB", (80, 80), "grey").save(person / "wall.png")
        crop = {"width": 48, "height": 48, "colour": "grey", "template": "whole"}
        chosen = student(crop=crop, schedule={"epochs": 1})
        fitted = fit(chosen, open_source(f"folder:{copy}"), tmp_path / "run")
        assert any("left out of the training" in told for told in fitted.warnings)
        assert any("show no face" in told for told in fitted.warnings)

    def test_a_folder_without_people(self, run: Run, toml: Path, tmp_path: Path) -> None:
        (tmp_path / "flat").mkdir()
        for name in "abcdefgh":
            Image.new("RGB", (64, 64)).save(tmp_path / "flat" / f"{name}.png")
        ran = run("distil", toml, "--data", f"folder:{tmp_path / 'flat'}", "-o", tmp_path / "run")
        assert ran.code == 2
        one_sentence(ran, "two photos")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"loss": [{"kind": "triplet"}]}, "go together"),
            ({"loss": [{"kind": "distil"}, {"kind": "triplet"}]}, "go together"),
            ({"teacher": ""}, "go together"),
            ({"loss": []}, "go together"),
            ({"data": {"pairs": "balanced"}}, "not balanced pairs"),
            ({"head": {"kind": "mlp"}}, "head.kind to cosine"),
        ],
    )
    def test_a_recipe_that_contradicts_itself(self, change: dict, words: str) -> None:
        with pytest.raises(DataError, match=words) as refused:
            student(**change)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"net": {**values()["net"], "embedding": 16}}, "set net.embedding to 128"),
            ({"net": {**values()["net"], "frozen": "embedding"}}, "set net.frozen to none"),
            ({"net": {"backbone": "sface"}}, "name a backbone"),
            ({"loss": [{"kind": "distil", "options": {"heat": 2}}]}, "heat"),
        ],
    )
    def test_a_student_that_cannot_learn(
        self, change: dict, words: str, people: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(DataError, match=words) as refused:
            fit(student(**change), open_source(f"folder:{people}"), tmp_path)
        assert str(refused.value).startswith("recipe student: ")

    def test_a_teacher_of_distances(self, distilled: Path, tmp_path: Path) -> None:
        shutil.copytree(distilled / "model", tmp_path / "far")
        card = tmp_path / "far" / "card.json"
        written = json.loads(card.read_text())
        card.write_text(json.dumps({**written, "distance": "euclidean"}))
        with pytest.raises(DataError, match="take a teacher that compares by cosine"):
            build_parts(student(teacher=str(tmp_path / "far")))

    def test_a_damaged_teacher(self, distilled: Path, tmp_path: Path) -> None:
        shutil.copytree(distilled / "model", tmp_path / "broken")
        (tmp_path / "broken" / "encoder.onnx").write_bytes(b"broken")
        with pytest.raises(ModelError, match="damaged"):
            build_parts(student(teacher=str(tmp_path / "broken")))


def test_a_run_of_before_there_were_teachers_goes_on(people: Path, tmp_path: Path) -> None:
    plain = student(**UNTAUGHT)
    source = open_source(f"folder:{people}")
    fit(plain, source, tmp_path)
    written = json.loads((tmp_path / "recipe.json").read_text())
    del written["teacher"]
    (tmp_path / "recipe.json").write_text(json.dumps(written))
    assert len(fit(plain, source, tmp_path, resume=True).history) == 1
