"""Searches on drawn people: they find, prune, go on after a kill, and share a storage."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

import test_cli
from generated_faces import write_people
from test_cli import Ran, one_sentence
from test_training_fit import TINY
from visavis.data.source import open_source
from visavis.errors import DataError
from visavis.models.model import Model
from visavis.nets.encoder import Encoder
from visavis.report.toml import as_toml
from visavis.report.tune import KINDS, TunedTrial, Tuning, tuning_html, tuning_markdown
from visavis.training import tune_estimate, tune_study, tune_trial
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe
from visavis.training.space import Choice, Range, Several, Space
from visavis.training.tune import tune
from visavis.training.tune_estimate import blueprint, memory_of, time_of_step
from visavis.training.tune_sampler import PerTrial, sampler_for
from visavis.training.tune_study import folder_number, open_study, shown
from visavis.training.tune_trial import Job, SurplusError, run_trial
from visavis.training.tune_workers import DRAWS, Plan

# Single trials are asked for, to look at them.
pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage")

Run = Callable[..., Ran]
run = test_cli.run

TOY = {**TINY, "net": {"backbone": "blocks", "options": {"units": 8}}}
BLOCK = {"filters": 4, "kernel": Range(1, 8), "pool_size": Range(1, 5)}
SPACE = Space(
    {
        "net": {"options": {"blocks": Several(Range(1, 3), BLOCK)}},
        "optimiser": {"rate": Range(1e-4, 0.1, log=True)},
    },
    "space.toml",
)
RATES = Space({"optimiser": {"rate": Range(1e-4, 0.1, log=True)}}, "rates.toml")
SCRIPT = """
import sys
from pathlib import Path
from visavis.data.source import open_source
from visavis.training import tune_study
from visavis.training.recipe import Recipe
from visavis.training.space import Range, Space
from visavis.training.tune import tune
from visavis.training.tune_workers import Plan

tune_study.HEARTBEAT, tune_study.GRACE = 1, 6
if __name__ == "__main__":
    recipe, data, folder, trials, storage = sys.argv[1:]
    tune(
        Recipe.model_validate_json(Path(recipe).read_text()),
        Space({"optimiser": {"rate": Range(1e-4, 0.1, log=True)}}, "rates.toml"),
        open_source(data),
        Path(folder),
        Plan(trials=int(trials), storage=storage or None),
    )
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("drawn") / "people", people=12, photos=3)


def toy(**changes: object) -> Recipe:
    return Recipe.from_dict({**TOY, **changes})


def trials_of(storage: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=None, storage=storage).get_trials()


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'study.db'}"


def finished(trials: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    return [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]


def test_a_search_keeps_the_best_model_and_names_what_never_started(
    people: Path, tmp_path: Path
) -> None:
    source = open_source(f"folder:{people}")
    done = tune(toy(), SPACE, source, tmp_path, Plan(trials=6), command="visavis tune toy")
    assert [trial.number for trial in done.trials] == list(range(len(done.trials)))
    trained = [trial for trial in done.trials if trial.complete]
    impossible = [trial for trial in done.trials if trial.kind == "impossible"]
    assert len(trained) == done.counted == 6
    assert len(trained) + len(impossible) == len(done.trials)
    assert impossible
    assert all("does not fit the" in trial.reason for trial in impossible)
    assert all(trial.epochs == 0 for trial in impossible)
    assert done.best_trial.value == max(trial.value for trial in trained)
    assert done.outcomes() == {
        "trained to the end": len(trained),
        KINDS["impossible"]: len(impossible),
    }

    kept = [path.parent.name for path in tmp_path.glob("trials/*/weights.safetensors")]
    assert kept == [f"{done.best:04d}"]
    assert not list(tmp_path.glob("trials/*/checkpoints"))
    assert not list(tmp_path.glob("trials/*/crops"))
    assert len(list((tmp_path / "crops").iterdir())) == 2  # training and validation
    card = Model.load(tmp_path / "model").card
    assert card.name == "tiny-tuned"
    best = tmp_path / "trials" / f"{done.best:04d}"
    assert card.recipe == json.loads((best / "recipe.json").read_text()) == done.recipe
    history = json.loads((best / "history.json").read_text())
    assert done.best_trial.value == max(row["val_auc"] for row in history)
    page = (tmp_path / "tuning.html").read_text(encoding="utf-8")
    for words in ('id="history"', 'id="importances"', "does not fit the", "<span>toy</span>"):
        assert words in page

    looked = (tmp_path / "run.json").stat().st_mtime_ns
    again = tune(toy(), SPACE, source, tmp_path, Plan(trials=6))
    assert again.trials == done.trials
    assert (tmp_path / "run.json").stat().st_mtime_ns == looked  # the test is looked at once
    more = tune(toy(), SPACE, source, tmp_path, Plan(trials=8))
    assert more.trials[: len(done.trials)] == done.trials
    assert more.counted == 8


def test_the_model_is_that_of_the_best_epoch(people: Path, tmp_path: Path) -> None:
    from visavis.training.fit import fit
    from visavis.training.weights import pack_weights

    source = open_source(f"folder:{people}")
    done = tune(toy(), RATES, source, tmp_path / "tuned", Plan(trials=2))
    alone = fit(Recipe.from_dict(done.recipe), source, tmp_path / "alone")
    expected = pack_weights(alone.parts.encoder, alone.parts.head)
    assert (tmp_path / "tuned" / "model" / "weights.safetensors").read_bytes() == expected


def job(people: Path, folder: Path, recipe: Recipe, space: Space = RATES, **more: object) -> Job:
    return Job(recipe, space, open_source(f"folder:{people}"), folder, 30, **more)


def ask(made: Job) -> optuna.Trial:
    url = tune_study.in_folder(made.folder)
    study = open_study(url, made.recipe, made.space, made.source, sampler="tpe", seed=0)
    return study.ask()


def pruned(made: Job) -> tuple[str, str]:
    """Why a trial of a job is pruned."""
    trial = ask(made)
    with pytest.raises(optuna.TrialPruned):
        run_trial(trial, made)
    return trial.user_attrs["kind"], trial.user_attrs["reason"]


def test_what_is_too_large_is_not_started(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_estimate, "free_memory", lambda: 1e6)
    kind, reason = pruned(job(people, tmp_path, toy(), workers=2))
    assert kind == "memory"
    assert reason.startswith("training takes about 0.0 GB, and 0.0 GB are free for each of 2")
    assert not (tmp_path / "trials").exists()


def test_what_is_too_slow_is_not_started(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_trial, "time_of_step", lambda *_: 1e3)
    kind, reason = pruned(job(people, tmp_path, toy(), deadline=time.time() + 600))
    assert kind == "time"
    assert reason.endswith("and a trial may take 1.3 min now")  # four shares of 600 s among 30


def test_a_loss_that_is_no_number_ends_the_trial_alone(people: Path, tmp_path: Path) -> None:
    space = Space({"optimiser": {"rate": Range(1e37, 1e38)}})
    wild = toy(
        data={**TINY["data"], "pairs": "listed"},
        loss=[{"kind": "contrastive"}],
        head={"kind": "euclidean"},
        optimiser={"kind": "sgd"},
        net={**TOY["net"], "normalise": False},
    )
    kind, reason = pruned(job(people, tmp_path, wild, space))
    assert kind == "diverged"
    assert "the loss is" in reason
    assert not (tmp_path / "trials" / "0000" / "checkpoints").exists()


def test_a_trial_behind_the_others_is_cut_off(people: Path, tmp_path: Path) -> None:
    made = job(people, tmp_path, toy(schedule={**TINY["schedule"], "epochs": 9}))
    url = tune_study.in_folder(tmp_path)
    study = open_study(url, made.recipe, RATES, made.source, sampler="tpe", seed=0)
    for number in range(tune_study.STARTUP):
        study.add_trial(
            optuna.create_trial(
                params={"optimiser.rate": 0.01 + number / 100},
                distributions={
                    "optimiser.rate": optuna.distributions.FloatDistribution(1e-4, 0.1, log=True)
                },
                value=1.5,
                intermediate_values=dict.fromkeys(range(1, 10), 1.5),
            )
        )
    trial = study.ask()
    with pytest.raises(optuna.TrialPruned):
        run_trial(trial, made)
    assert trial.user_attrs["kind"] == "behind"
    assert "its auc was behind the median" in trial.user_attrs["reason"]
    folder = made.place(trial.number)
    epochs = len(json.loads((folder / "history.json").read_text()))
    assert tune_study.WARMUP <= epochs < 9
    assert not (folder / "checkpoints").exists()


def test_the_same_configuration_is_not_trained_twice(people: Path, tmp_path: Path) -> None:
    space = Space({"optimiser": {"kind": Choice(("sgd",))}})
    done = tune(toy(), space, open_source(f"folder:{people}"), tmp_path, Plan(trials=3))
    assert done.outcomes() == {"trained to the end": 1, "the same as another": 2}
    assert done.trials[2].reason == "the same as trial 0"


@pytest.mark.parametrize(
    ("other", "monitor", "direction"), [("loss", "auc", "MAXIMIZE"), ("auc", "loss", "MINIMIZE")]
)
def test_a_search_goes_by_the_figure_that_its_space_names(
    people: Path, tmp_path: Path, other: str, monitor: str, direction: str
) -> None:
    listed = {"data": {**TINY["data"], "pairs": "listed"}, "loss": [{"kind": "contrastive"}]}
    base = toy(**listed, schedule={**TINY["schedule"], "monitor": other})
    space = Space({**RATES.tree, "schedule": {"monitor": monitor}}, "rates.toml")
    done = tune(base, space, open_source(f"folder:{people}"), tmp_path, Plan(trials=3))
    study = optuna.load_study(study_name=None, storage=database(tmp_path))
    assert study.direction.name == direction
    values = [trial.value for trial in done.trials]
    assert done.best_trial.value == (min(values) if monitor == "loss" else max(values))
    assert done.monitor == monitor


def test_a_space_of_which_next_to_nothing_can_be_built_is_given_up(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: Recipe) -> None:
        raise DataError("recipe toy: block 1's pool: a window of 6x6 does not fit")

    monkeypatch.setattr(tune_trial, "blueprint", never)
    words = rf"no trial of {2 * DRAWS} was trained to its end \({2 * DRAWS} not to be built"
    with pytest.raises(DataError, match=words):
        tune(toy(), RATES, open_source(f"folder:{people}"), tmp_path, Plan(trials=2))


def test_what_cannot_be_built_draws_nobody_near() -> None:
    """Many such before the first is trained, as where one worker trains and another draws."""
    make = sampler_for("tpe", RATES, seed=1)
    study = optuna.create_study(sampler=PerTrial(make))
    for _ in range(12):
        failed = study.ask()
        failed.suggest_float("rate", 0, 0.1)
        study.tell(failed, state=TrialState.PRUNED)
    drawn = [study.ask().suggest_float("rate", 0, 1) for _ in range(20)]
    assert sum(rate > 0.1 for rate in drawn) >= 18


def test_trials_are_drawn_by_their_number() -> None:
    make = sampler_for("tpe", RATES, seed=1)

    def first(number: int) -> float:
        study = optuna.create_study(sampler=make(number, True))
        return study.ask().suggest_float("rate", 0, 1)

    assert first(3) == first(3)
    assert len({first(number) for number in range(10)}) == 10


def test_gaussian_processes_search_where_they_suit(people: Path, tmp_path: Path) -> None:
    source = open_source(f"folder:{people}")
    done = tune(toy(), RATES, source, tmp_path, Plan(trials=2, sampler="gp"))
    assert done.outcomes() == {"trained to the end": 2}
    with pytest.raises(DataError, match="take --sampler tpe"):
        tune(toy(), SPACE, source, tmp_path / "other", Plan(sampler="gp"))
    with pytest.raises(DataError, match="there is no sampler cma"):
        tune(toy(), SPACE, source, tmp_path / "other", Plan(sampler="cma"))


def test_enough_is_enough(people: Path, tmp_path: Path) -> None:
    made = Job(toy(), RATES, open_source(f"folder:{people}"), tmp_path, trials=1)
    ask(made)
    with pytest.raises(SurplusError):
        run_trial(ask(made), made)


class TestMistakes:
    @pytest.fixture
    def begun(self, people: Path, tmp_path: Path) -> Path:
        made = job(people, tmp_path / "tuned", toy().model_copy(update={"name": "tiny-tuned"}))
        ask(made)
        return tmp_path / "tuned"

    def refused(self, people: Path, folder: Path, recipe: Recipe, space: Space) -> str:
        with pytest.raises(DataError) as error:
            tune(recipe, space, open_source(f"folder:{people}"), folder, Plan(trials=1))
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_a_storage_of_another_study(self, begun: Path, people: Path) -> None:
        assert "with another space" in self.refused(people, begun, toy(), SPACE)
        assert "with another recipe" in self.refused(people, begun, toy(seed=1), RATES)
        other = self.refused(people, begun, toy(name="other"), RATES)
        assert "study.db holds the study tiny-tuned; name another --output" in other
        with pytest.raises(DataError, match="with another data"):
            fewer = write_people(begun.parent / "fewer", people=11, photos=3)
            tune(toy(), RATES, open_source(f"folder:{fewer}"), begun, Plan(trials=1))

    def test_no_network_of_the_space_can_be_built(self, people: Path, tmp_path: Path) -> None:
        typo = Space({"net": {"options": {"blocks": Several(Range(1, 2), {"fliters": 8})}}}, "s")
        said = self.refused(people, tmp_path, toy(), typo)
        assert "no network of the space can be built" in said
        assert "a block has no 'fliters'" in said

    def test_nothing_was_trained(self, people: Path, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr(tune_estimate, "free_memory", lambda: 1.0)
        said = self.refused(people, tmp_path, toy(), RATES)
        assert said.startswith("no trial of 1 was trained to its end (1 too large for the memory)")

    def test_a_storage_that_cannot_be_opened(self, people: Path, tmp_path: Path) -> None:
        for url in ("nonsense", "nosuch://user:secret@host/db", "sqlite:////no/such/folder/a.db"):
            with pytest.raises(DataError, match="cannot open the storage") as error:
                source = open_source(f"folder:{people}")
                tune(toy(), RATES, source, tmp_path, Plan(storage=url))
            assert "secret" not in str(error.value)
            assert "\n" not in str(error.value)
        with pytest.raises(DataError, match=r"such as sqlite:///study.db or postgresql://"):
            tune(toy(), RATES, source, tmp_path, Plan(storage="study.db"))
        assert shown("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"


def test_from_the_shell(run: Run, people: Path, tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(as_toml(toy().model_dump(mode="json")))
    space = tmp_path / "space.toml"
    space.write_text("optimiser.rate = { low = 1e-4, high = 1e-1, log = true }\n")
    command = ["tune", tmp_path / "toy.toml", "--space", space, "-d", f"folder:{people}"]
    command += ["-o", tmp_path / "tuned", "--trials"]
    ran = run(*command, 1, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["outcomes"] == {"trained to the end": 1}
    assert ran.json["tested"]["value"] > 0
    results = tmp_path / "RESULTS.md"
    ran = run(*command, 2, "--budget", "10m", "--results", results)
    assert ran.code == 0, ran.err
    assert "## tiny-tuned: a search" in results.read_text()
    assert "Of 2 trials" in ran.out
    assert "trials: 2 of 2 done" in ran.err
    space.write_text("optimiser.rat = { low = 1e-4, high = 1e-1 }\n")
    ran = run(*command, 2)
    assert ran.code == 2
    one_sentence(ran, "optimiser.rat", "is no key of a recipe")


def test_photos_that_cannot_be_read_are_told(run: Run, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", people=12, photos=3)
    for person in people.iterdir():  # whoever is trained on
        (person / "bad.jpg").write_text("no photo")
    (tmp_path / "toy.toml").write_text(as_toml(toy().model_dump(mode="json")))
    (tmp_path / "space.toml").write_text("optimiser.rate = { low = 1e-4, high = 1e-1 }\n")
    words = "could not be read (the first:"
    common = [tmp_path / "toy.toml", "-d", f"folder:{people}"]
    ran = run(
        "tune", *common, "--space", tmp_path / "space.toml", "--trials", 1, "-o", tmp_path / "t"
    )
    assert ran.code == 0, ran.err
    assert words in ran.err
    assert words in (tmp_path / "t" / "tuning.html").read_text()
    ran = run("sweep", *common, "--axis", "seed=1", "-o", tmp_path / "s")
    assert ran.code == 0, ran.err
    assert words in ran.err
    assert words in (tmp_path / "s" / "sweep.html").read_text()


def test_the_report_of_a_search_counts_and_names() -> None:
    trials = [
        TunedTrial(0, {"optimiser.rate": "0.1"}, 0.61, True, 5, 10.0),
        TunedTrial(1, {"optimiser.rate": "0.2"}, 0.52, False, 3, 6.0, "behind", "was behind <1>"),
        TunedTrial(2, {"optimiser.rate": "0.3"}, None, False, 0, 0.0, "memory", "takes 9 GB"),
        TunedTrial(3, {"optimiser.rate": "0.4"}, None, False, 0, 0.0, "impossible", "no room"),
        TunedTrial(4, {"optimiser.rate": "0.5"}, 0.51, True, 2, 4.0),
    ]
    tuning = Tuning("toy", "accuracy", trials, 0, {"name": "toy"}, 440, {"a": 1.0}, 9)
    page = tuning_html(tuning)
    assert "2 of them trained to the end, 1 ended midway, 2 not started" in page
    assert "Of 4 trials, trial 0 is the best" in page  # what cannot be built is none
    ranked = [int(number) for number in re.findall(r'<th scope="row">(\d)', page)]
    assert ranked == [0, 4, 1, 2, 3]
    assert "was behind &lt;1&gt;" in page
    assert "takes 9 GB" in page
    assert "9 trials; the search ended before" in page
    assert "validation accuracy 0.6100" in page
    section = tuning_markdown(tuning, "visavis tune toy")
    assert "On 440 pairs it is known to no more than 0.5618 to 0.6550" in section
    assert "looked at" not in section  # the best trial's model is elsewhere
    assert "| Too large for the memory | 1 |" in section
    assert "| 0 | 0.6100 | 5 | 10 s |  | optimiser.rate 0.1 |" in section
    assert "| 1 | 0.5200 | 3 | 6 s | was behind &lt;1> | optimiser.rate 0.2 |" in section
    assert "optimiser.rate 0.3" not in section  # never began
    assert section.endswith("```sh\nvisavis tune toy\n```\n\n")


@pytest.mark.parametrize("name", ["lfw-koch", "lfw-blocks", "lfw-small", "att-contrastive"])
def test_a_blueprint_takes_no_memory_and_knows_its_weights(name: str) -> None:
    recipe = find_recipe(name)
    parts = blueprint(recipe)
    weights = sum(weight.numel() for weight in parts.encoder.parameters())
    assert all(weight.is_meta for weight in parts.encoder.parameters())
    needed = memory_of(recipe, parts)
    assert needed > 4 * 3 * weights
    wider = recipe.model_copy(update={"batch": recipe.batch.model_copy(update={"pairs": 10_000})})
    assert memory_of(wider, parts) > 3 * needed or recipe.data.pairs == "batch"


@pytest.mark.parametrize(("at_most", "tried"), [(0.0, [2, 2]), (60.0, [2, 2, 4, 4, 32, 32])])
def test_a_step_is_tried_as_far_as_it_tells(
    monkeypatch: pytest.MonkeyPatch, at_most: float, tried: list[int]
) -> None:
    seen: list[int] = []
    forward = Encoder.forward

    def watched(self: Encoder, crops: torch.Tensor) -> torch.Tensor:
        seen.append(len(crops))
        assert self.training
        return forward(self, crops)

    monkeypatch.setattr(Encoder, "forward", watched)
    recipe = toy(batch={"people": 8, "photos": 4})
    assert time_of_step(recipe, at_most) > 0
    assert seen == tried


def start(
    people: Path, recipe: Recipe, folder: Path, trials: int, storage: str = ""
) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "toy.json").write_text(recipe.model_dump_json())
    (folder / "search.py").write_text(SCRIPT)
    command = [sys.executable, folder / "search.py", folder / "toy.json", f"folder:{people}"]
    return subprocess.Popen([*command, folder, str(trials), storage], stderr=subprocess.PIPE)


LONG = toy(schedule={"epochs": 6, "steps": 20, "monitor": "auc"})


@pytest.mark.slow
def test_a_killed_search_loses_no_finished_trial(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def midway() -> int | None:
        """The number of a trial after its second epoch, where two are finished."""
        if not (tmp_path / "study.db").exists():
            return None
        try:
            trials = trials_of(database(tmp_path))
        except (KeyError, ValueError, SQLAlchemyError, optuna.exceptions.OptunaError):
            return None  # it is just being made
        running = [t for t in trials if t.state == TrialState.RUNNING]
        if len(finished(trials)) < 2 or not running:
            return None
        return running[0].number if len(running[0].intermediate_values) >= 2 else None

    with start(people, LONG, tmp_path, 6) as process:
        deadline = time.monotonic() + 240
        while midway() is None and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    before = trials_of(database(tmp_path))
    cut = before[-1]
    assert cut.state == TrialState.RUNNING
    assert len(finished(before)) >= 2
    monkeypatch.setattr(tune_study, "HEARTBEAT", 1)
    monkeypatch.setattr(tune_study, "GRACE", 6)
    done = tune(LONG, RATES, open_source(f"folder:{people}"), tmp_path, Plan(trials=6))
    after = trials_of(database(tmp_path))
    for old in finished(before):
        new = after[old.number]
        assert (new.state, new.value, new.params) == (old.state, old.value, old.params)
        assert new.datetime_complete == old.datetime_complete
    assert after[cut.number].state == TrialState.FAIL
    repeats = [t for t in after if t.number != cut.number and folder_number(t) == cut.number]
    assert [t.params for t in repeats] == [cut.params]
    assert len(repeats[0].intermediate_values) == 6
    assert repeats[0].duration < 1.5 * before[0].duration or cut.number == 0  # it went on
    assert len(done.trials) == len(finished(after)) == 6


@pytest.mark.slow
def test_two_workers_never_run_one_trial_twice(people: Path, tmp_path: Path, url: str) -> None:
    recipe = LONG.model_copy(update={"name": f"toy-{time.time_ns()}"})
    with (
        start(people, recipe, tmp_path / "one", 6, url) as one,
        start(people, recipe, tmp_path / "two", 6, url) as two,
    ):
        told = [process.communicate(timeout=280)[1].decode() for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), told
    source = open_source(f"folder:{people}")
    name = f"{recipe.name}-tuned"
    tuned = recipe.model_copy(update={"name": name})
    study = open_study(url, tuned, RATES, source, sampler="tpe", seed=0)
    trials = study.get_trials()
    kept = {"one": set(), "two": set()}
    for worker, numbers in kept.items():
        numbers.update(int(path.name) for path in tmp_path.glob(f"{worker}/trials/*"))
    done = {trial.number for trial in finished(trials)}
    assert len(done) == 6
    assert kept["one"] | kept["two"] == done
    assert not kept["one"] & kept["two"]
    assert kept["one"]
    assert kept["two"]
    assert len({json.dumps(trials[number].params) for number in done}) == 6
    best = study.best_trial.number
    for worker, numbers in kept.items():  # the model is with whoever trained it
        assert (tmp_path / worker / "model" / "card.json").exists() == (best in numbers)
        assert (tmp_path / worker / "tuning.html").exists()


@pytest.mark.slow
def test_workers_of_one_machine(people: Path, tmp_path: Path) -> None:
    source = open_source(f"folder:{people}")
    done = tune(LONG, RATES, source, tmp_path, Plan(trials=6, workers=2, threads=2))
    assert set(done.outcomes()) <= {"trained to the end", "behind the others midway"}
    assert len(done.trials) == 6
    assert len(list(tmp_path.glob("trials/*/weights.safetensors"))) == 1
