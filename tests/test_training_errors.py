"""What goes wrong in training ends in one sentence, and what can go on goes on."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import test_cli
from generated_faces import write_people
from test_cli import COLLINS, OBAMA, RECIPE, Ran, one_sentence
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.training import checkpoints, finish
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.material import prepare
from visavis.training.parts import build_loss, build_parts
from visavis.training.recipe import Recipe

Run = Callable[..., Ran]
run = test_cli.run


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=12, photos=3)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path / "tiny.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the run."""
    return tmp_path / "run"


@pytest.fixture
def command(people: Path, recipe: Path, folder: Path) -> list[object]:
    return ["train", recipe, "--data", f"folder:{people}", "-o", folder]


def last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"


def losses(folder: Path) -> list[float]:
    return [epoch["loss"] for epoch in json.loads((folder / "history.json").read_text())]


def card(folder: Path) -> dict:
    return json.loads((folder / "model" / "card.json").read_text())


def values() -> dict:
    """The tests' recipe as plain values."""
    return tomllib.loads(RECIPE)


class TestUnreadablePhotos:
    @pytest.fixture
    def broken(self, people: Path, tmp_path: Path) -> dict[str, Path]:
        """One photo of each part that cannot be read."""
        folder = shutil.copytree(people, tmp_path / "broken")
        tiny = Recipe.from_dict(values())
        material = prepare(open_source(f"folder:{folder}"), tiny.data, tiny.seed)
        first = [faces.photos[0] for faces in material.faces]
        bad = dict(zip(("training", "validation", "test"), first, strict=True))
        bad["training"].write_bytes(bad["training"].read_bytes()[:3000])
        bad["validation"].write_bytes(b"")
        bad["test"].write_text("not an image")
        return {**bad, "folder": folder}

    def test_are_left_out_and_it_says_so(
        self, run: Run, broken: dict[str, Path], recipe: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "run"
        ran = run("train", recipe, "--data", f"folder:{broken['folder']}", "-o", folder, "--json")
        assert ran.code == 4, ran.err
        warned = [line for line in ran.err.splitlines() if line.startswith("warning: photos")]
        whole = {"training": 15, "validation": 9, "test": 12}
        for part, line in zip(whole, warned, strict=True):
            assert f"the {part}" in line
            assert f": 1 of {whole[part]} could not be read (the first: {broken[part]}" in line
        training = card(folder)["training"]
        assert training["unreadable"] == 2
        assert [f"warning: {text}" for text in training["warnings"]] == warned[:2]
        assert [photo["photo"] for photo in ran.json["unreadable"]] == [str(broken["test"])]
        assert ran.json["figures"]["n_missed"] > 0
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert "Photos left out of the training: 1 of 15" in page

    def test_all_of_them(self, run: Run, people: Path, recipe: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(people, tmp_path / "broken")
        for photo in folder.glob("*/*.jpg"):
            photo.write_text("not an image")
        ran = run("train", recipe, "--data", f"folder:{folder}", "-o", tmp_path / "run")
        assert ran.code == 2
        said = ran.err.splitlines()[-1]
        assert said.startswith("visavis: folder: no photo can be used for the training: 15 of 15")
        assert "Traceback" not in ran.err
        shutil.rmtree(folder)
        shutil.copytree(people, folder)  # mended: the same command goes on
        assert run("train", recipe, "--data", f"folder:{folder}", "-o", tmp_path / "run").code == 0

    def test_all_but_one_of_each_person(
        self, run: Run, people: Path, recipe: Path, tmp_path: Path
    ) -> None:
        folder = shutil.copytree(people, tmp_path / "broken")
        for photo in [*folder.glob("*/*2.jpg"), *folder.glob("*/*3.jpg")]:
            photo.write_text("not an image")
        ran = run("train", recipe, "--data", f"folder:{folder}", "-o", tmp_path / "run")
        assert ran.code == 2
        assert "two photos that can be used" in ran.err.splitlines()[-1]


class TestTables:
    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            (["first,second,same", "a.jpg,gone.jpg,1"], "gone.jpg, which does not exist"),
            (["left,right,same", "a.jpg,b.jpg,1"], "lacks the columns 'first,second'"),
            (["first,second", "a.jpg,b.jpg"], "does not say 1 or 0 in column 'same'"),
            (["first,second,same", "a.jpg,b.jpg"], "2 cells for 3 columns"),
            ([], "has no rows"),
        ],
    )
    def test_that_cannot_be_used(
        self, run: Run, recipe: Path, tmp_path: Path, rows: list[str], words: str
    ) -> None:
        for name in ("a.jpg", "b.jpg"):
            (tmp_path / name).touch()
        table = tmp_path / "pairs.csv"
        table.write_text("\n".join(rows))
        ran = run("train", recipe, "--data", f"csv:{table}", "-o", tmp_path / "run")
        assert ran.code == 2
        one_sentence(ran, str(table), words)
        assert not (tmp_path / "run").exists()

    def test_that_can(self, run: Run, people: Path, recipe: Path, tmp_path: Path) -> None:
        photos = {folder.name: sorted(folder.iterdir()) for folder in people.iterdir()}
        rows = [f"{a},{b},1" for a, b, _ in photos.values()]
        rows += [f"{a},{c},1" for a, _, c in photos.values()]
        names = sorted(photos)
        rows += [
            f"{photos[one][0]},{photos[other][0]},0" for one, other in itertools.pairwise(names)
        ]
        (tmp_path / "pairs.csv").write_text("\n".join(["first,second,same", *rows]))
        data = f"csv:{tmp_path / 'pairs.csv'}"
        ran = run("train", recipe, "--data", data, "-o", tmp_path / "run", "--json")
        assert ran.code == 0, ran.err


class TestRecipes:
    @pytest.mark.parametrize(
        "part", ["", "data", "crop", "net", "head", "optimiser", "schedule", "batch", "augment"]
    )
    def test_a_key_that_is_none(self, part: str) -> None:
        changed = values()
        into = changed.setdefault(part, {}) if part else changed
        into["colours"] = 3
        key = f"{part}.colours" if part else "colours"
        with pytest.raises(DataError, match=rf": {key}: is no key of a recipe$"):
            Recipe.from_dict(changed)

    def test_a_key_that_is_none_in_a_term_of_the_loss(self) -> None:
        changed = values()
        changed["loss"] = [{"kind": "triplet"}, {"kind": "triplet", "margin": 3}]
        with pytest.raises(DataError, match=r"loss\.1\.margin: is no key of a recipe$"):
            Recipe.from_dict(changed)

    @pytest.mark.parametrize("part", ["net", "head", "loss"])
    def test_an_option_that_is_none(self, part: str) -> None:
        changed = values()
        into = changed["loss"][0] if part == "loss" else changed.setdefault(part, {})
        into["options"] = {"colours": 3}
        chosen = Recipe.from_dict(changed)
        with pytest.raises(DataError, match=r"recipe tiny: .*colours"):
            build_loss(chosen, build_parts(chosen).head, people=5, size=16)

    @pytest.mark.parametrize(
        ("part", "key", "value"),
        [
            ("data", "validation", 1.5),
            ("data", "counts", [1, 2]),
            ("crop", "template", "face"),
            ("net", "frozen", "some"),
            ("optimiser", "kind", "lion"),
            ("schedule", "epochs", 0),
            ("schedule", "epochs", "many"),
            ("batch", "photos", 1),
            ("augment", "shift", 2),
            ("", "precision", "fp8"),
        ],
    )
    def test_a_value_that_is_none_names_its_key(self, part: str, key: str, value: object) -> None:
        changed = values()
        (changed.setdefault(part, {}) if part else changed)[key] = value
        with pytest.raises(DataError, match=f"{part}.?{key}") as refused:
            Recipe.from_dict(changed)
        assert "\n" not in str(refused.value)

    def test_a_mended_recipe_is_not_taken_for_another_run(
        self, run: Run, command: list[object], recipe: Path
    ) -> None:
        recipe.write_text(RECIPE.replace("units = 32", "unit = 32"))
        ran = run(*command)
        assert ran.code == 2
        one_sentence(ran, "recipe tiny", "unit")
        recipe.write_text(RECIPE)
        assert run(*command).code == 0
        one_sentence(run(*command), "--resume")


class TestTooFew:
    @pytest.mark.parametrize(
        ("count", "words"), [((1, 4), "shares no person"), ((12, 1), "two photos")]
    )
    def test_people_or_photos(
        self, run: Run, command: list[object], tmp_path: Path, count: tuple[int, int], words: str
    ) -> None:
        few = write_people(tmp_path / "few", *count, size=64)
        ran = run(*command, "--data", f"folder:{few}")
        assert ran.code == 2
        one_sentence(ran, words)


class TestFullDisk:
    """The disk fills up somewhere in a run; with space again, ``--resume`` ends it."""

    @staticmethod
    def checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
        """In the second epoch, after the best and the last of the first."""
        write, calls = checkpoints.write_atomically, []

        def full(path: Path, content: bytes) -> None:
            calls.append(path)
            if len(calls) > 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(path, content)

        monkeypatch.setattr(checkpoints, "write_atomically", full)

    @staticmethod
    def log(monkeypatch: pytest.MonkeyPatch) -> None:
        from pytorch_lightning.loggers import CSVLogger

        monkeypatch.setattr(CSVLogger, "save", no_space)

    @staticmethod
    def graph(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(finish, "export_encoder", no_space)

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("checkpoint", "last.ckpt (No space left on device); free some space"),
            ("log", "the disk is full; free some space"),
            ("graph", "cannot write the model folder"),
        ],
    )
    def test_anywhere(
        self, run: Run, command: list[object], folder: Path, place: str, words: str
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            getattr(self, place)(patch)
            ran = run(*command)
        assert ran.code == 2
        said = [line for line in ran.err.splitlines() if line.startswith("visavis: ")]
        assert len(said) == 1
        assert words in said[0]
        assert "go on with --resume" in said[0]
        assert "Traceback" not in ran.err
        before = losses(folder) if (folder / "history.json").exists() else []
        if place == "checkpoint":
            assert SafeCheckpoints().load_checkpoint(last(folder))["epoch"] == 0
        ran = run(*command, "--resume")
        assert ran.code == 0, ran.err
        assert len(losses(folder)) == 2
        assert losses(folder)[: len(before)] == pytest.approx(before)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
    def test_while_a_process_trains(
        self, run: Run, command: list[object], recipe: Path, folder: Path
    ) -> None:
        import resource

        recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 40"))
        with start(command) as process:
            wait_for(last(folder), process)
            # No file may grow past this any more: a checkpoint is larger, every other file smaller.
            hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, hard))
            _, said = process.communicate(timeout=120)
        assert process.returncode == 2, said
        assert "Traceback" not in said
        (sentence,) = [line for line in said.splitlines() if line.startswith("visavis: ")]
        assert "cannot write the checkpoint" in sentence
        kept = SafeCheckpoints().load_checkpoint(last(folder))
        assert 0 <= kept["epoch"] < 39
        assert not [path for path in folder.rglob(".*") if path.is_file()]  # no half-written file
        before = losses(folder)[: kept["epoch"] + 1]
        ran = run(*command, "--resume")
        assert ran.code == 0, ran.err
        assert len(losses(folder)) == 40
        assert losses(folder)[: len(before)] == before


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def start(command: list[object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "visavis", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists(), process.communicate()[1] if process.poll() is not None else "too slow"


class TestPlaces:
    def test_a_file_in_the_way(self, run: Run, command: list[object], tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for place in (tmp_path / "file", tmp_path / "file" / "run"):
            ran = run(*command[:-1], place)
            assert ran.code == 2
            one_sentence(ran, str(place))

    @pytest.mark.skipif(
        sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere"
    )
    def test_a_folder_that_may_not_be_written(
        self, run: Run, command: list[object], folder: Path
    ) -> None:
        folder.mkdir(mode=0o500)
        ran = run(*command)
        assert ran.code == 2
        one_sentence(ran, str(folder), "write")


@pytest.mark.slow
def test_a_killed_command_goes_on(run: Run, people: Path, recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 15"))
    command = ["train", recipe, "--data", f"folder:{people}", "-o"]
    with start([*command, tmp_path / "cut"]) as process:
        wait_for(last(tmp_path / "cut"), process)
        process.kill()
    assert len(losses(tmp_path / "cut")) < 15
    for name, options in (("cut", ["--resume"]), ("whole", [])):
        ran = run(*command, tmp_path / name, *options)
        assert ran.code == 0, ran.err
    assert losses(tmp_path / "cut") == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)
    assert card(tmp_path / "cut")["training"]["epochs"] == 15
    cut, whole = (
        SafeCheckpoints().load_checkpoint(last(tmp_path / name))["state_dict"]
        for name in ("cut", "whole")
    )
    for name, tensor in whole.items():
        np.testing.assert_allclose(cut[name], tensor, rtol=1e-3, atol=1e-4)


class TestBudget:
    def test_ends_with_a_model(
        self, run: Run, command: list[object], recipe: Path, folder: Path
    ) -> None:
        recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 100000"))
        ran = run(*command, "--budget", "1s")
        assert ran.code == 0, ran.err
        assert "stopped by budget" in ran.out
        training = card(folder)["training"]
        assert training["stopped"] == "budget"
        assert 1 <= training["best_epoch"] <= training["epochs"] < 100_000
        assert "Stopped by budget" in (folder / "report.html").read_text(encoding="utf-8")
        ran = run("verify", OBAMA, COLLINS, "--model", folder / "model", "--threshold", 2)
        assert ran.code == 1, ran.err  # no cosine is as large

    @pytest.mark.parametrize("text", ["1", "1d", "-1s", "", "s", "0s", "0.0m"])
    def test_that_is_no_time(
        self, run: Run, command: list[object], folder: Path, text: str
    ) -> None:
        ran = run(*command, f"--budget={text}")
        assert ran.code == 2
        one_sentence(ran, repr(text), "write 90s, 40m or 2h")
        assert not folder.exists()
