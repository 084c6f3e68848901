"""One trial of a tuning: drawn, looked at before it starts, trained, and cut off where hopeless."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import optuna
import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Checkpoint

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.errors import DataError
from visavis.files import write_output
from visavis.nets.pretrained import read_state
from visavis.report.tune import IMPOSSIBLE
from visavis.training.fit import HISTORY, Fitted, fit
from visavis.training.inputs import make_batches
from visavis.training.material import prepare
from visavis.training.parts import Parts, build_parts
from visavis.training.processes import ALONE, DivergedError
from visavis.training.recipe import Recipe
from visavis.training.space import Space
from visavis.training.tune_estimate import blueprint, memory_of, short_of_memory, time_of_step
from visavis.training.tune_study import counted, drawing, folder_number
from visavis.training.weights import pack_weights

WEIGHTS, FACTS = "weights.safetensors", "fitted.json"
SHARES = 4
"""A trial may take so many times its equal share of the time that is left."""


class SurplusError(Exception):
    """Other workers have begun the last trials meanwhile."""


@dataclass(frozen=True)
class Job:
    """What every trial of a tuning is given.

    Attributes:
        recipe: that the space changes; its name is the study's.
        space: what is drawn from.
        source: what is trained on.
        folder: of the tuning; trials share its crops.
        trials: in all, of all workers.
        workers: of this machine, which share its memory.
        deadline: ``time.time()`` at which the last trial ends; ``None`` for no end.
        threads: of the CPU, of this worker.
    """

    recipe: Recipe
    space: Space
    source: Source
    folder: Path
    trials: int
    workers: int = 1
    deadline: float | None = None
    threads: int | None = None

    def place(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    @property
    def monitor(self) -> str:
        """The validation figure that trials are compared by."""
        return self.space.monitor(self.recipe)

    @property
    def left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self.deadline is None else self.deadline - time.time()


def run_trial(trial: optuna.Trial, job: Job, progress: Progress | None = None) -> float:
    """Train one configuration; its best validation figure.

    Its folder keeps the recipe, the history and the weights of the best epoch.

    Raises:
        optuna.TrialPruned: it was not worth starting, or going on with; the trial's attributes
            ``kind`` and ``reason`` say why.
        SurplusError: enough trials are under way.
        DataError: what is wrong with more than this configuration, such as a full disk.
    """
    earlier = [t for t in trial.study.get_trials(deepcopy=False) if t.number < trial.number]
    if counted(earlier) >= job.trials:
        raise SurplusError
    recipe = _drawn(trial, job)
    _prune_repeated(trial, earlier)
    _prune_impossible(trial, recipe, job, counted([t for t in earlier if t.state.is_finished()]))
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    folder = job.place(folder_number(frozen))
    left = job.left
    resources = replace(ALONE, threads=job.threads, budget=None if left is None else max(left, 1.0))
    report = Report(trial, recipe, folder, set(frozen.intermediate_values))
    try:
        fitted = fit(
            recipe,
            job.source,
            folder,
            resume=True,
            resources=resources,
            progress=progress,
            crops=job.folder,
            callbacks=[report],
        )
    except DivergedError as error:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        prune(trial, "diverged", str(error).split("; ")[0])
    except optuna.TrialPruned:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        raise
    return _keep(trial, recipe, fitted, folder)


def prune(trial: optuna.Trial, kind: str, reason: str) -> NoReturn:
    """End a trial with a reason that its study keeps."""
    trial.set_user_attr("kind", kind)
    trial.set_user_attr("reason", reason.removeprefix(f"recipe {trial.study.study_name}: "))
    raise optuna.TrialPruned


def _drawn(trial: optuna.Trial, job: Job) -> Recipe:
    try:
        return job.space.recipe(job.recipe, drawing(trial))
    except DataError as error:
        prune(trial, IMPOSSIBLE, str(error).removeprefix(f"{job.space.origin}: "))


def _prune_repeated(trial: optuna.Trial, earlier: list[optuna.trial.FrozenTrial]) -> None:
    """Training is deterministic, so the same configuration gives the same figure."""
    for other in earlier:
        if counted([other]) and other.params == trial.params:
            prune(trial, "repeated", f"the same as trial {other.number}")


def _prune_impossible(trial: optuna.Trial, recipe: Recipe, job: Job, done: int) -> None:
    """Prune what cannot be built, or does not fit the memory or the time."""
    try:
        parts = blueprint(recipe)
    except DataError as error:
        prune(trial, IMPOSSIBLE, str(error).split("; ")[0])
    if not recipe.loss or (memory := memory_of(recipe, parts)) is None:
        return
    if reason := short_of_memory(memory, job.workers):
        prune(trial, "memory", reason)
    if job.left is not None:
        steps = recipe.schedule.epochs * _steps(recipe, job.source)
        share_of = -(-max(1, job.trials - done) // job.workers)
        allowed = min(job.left, SHARES * job.left / share_of)
        needed = steps * time_of_step(recipe, allowed / steps)
        if needed > allowed:
            prune(
                trial,
                "time",
                f"training takes {needed / 60:.1f} min or more, and a trial may take "
                f"{allowed / 60:.1f} min now",
            )


def _steps(recipe: Recipe, source: Source) -> int:
    """Steps of an epoch."""
    material = prepare(source, recipe.data, recipe.seed)
    usable = material.train.faces.people >= 0
    return len(make_batches(recipe, material.train, usable))


def _keep(trial: optuna.Trial, recipe: Recipe, fitted: Fitted, folder: Path) -> float:
    """Write what a model is made of, and let the checkpoints go."""
    write_output(folder / WEIGHTS, pack_weights(fitted.parts.encoder, fitted.parts.head))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    facts = {
        "best_epoch": fitted.best_epoch,
        "seconds": fitted.seconds,
        "stopped": fitted.stopped,
        "unreadable": fitted.unreadable,
        "warnings": fitted.warnings,
    }
    write_output(folder / FACTS, json.dumps(facts).encode())
    for name in ("best_epoch", "seconds", "stopped"):
        trial.set_user_attr(name, facts[name])
    assert fitted.best_epoch is not None  # noqa: S101 - a recipe that learns
    return fitted.history[fitted.best_epoch - 1][f"val_{recipe.schedule.monitor}"]


def restore(recipe: Recipe, source: Source, folder: Path, threads: int | None = None) -> Fitted:
    """A finished trial's network, as ``fit`` returned it."""
    parts = build_parts(recipe, threads)
    _load(folder / WEIGHTS, parts)
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    history = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    return Fitted(parts, prepare(source, recipe.data, recipe.seed), history, **facts)


def _load(path: Path, parts: Parts) -> None:
    state = read_state(path)
    for prefix, module in (("head.", parts.head), ("encoder.", parts.encoder)):
        if module is not None:
            own = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
            module.load_state_dict(own)
            module.eval()


class Report(Checkpoint):
    """Tells the study each epoch's validation figure, and ends a trial that is behind.

    A ``Checkpoint`` only because Lightning runs those last, when validation has been logged.
    """

    def __init__(
        self, trial: optuna.Trial, recipe: Recipe, folder: Path, reported: set[int]
    ) -> None:
        self._trial, self._monitor = trial, recipe.schedule.monitor
        self._folder, self._reported = folder, reported

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Report, and prune."""
        epoch = trainer.current_epoch + 1
        value = float(trainer.callback_metrics[f"val_{self._monitor}"])
        if epoch not in self._reported:  # by the trial that this one repeats
            self._trial.report(value, epoch)
        if self._trial.should_prune():
            history = json.loads((self._folder / HISTORY).read_text(encoding="utf-8"))
            self._trial.set_user_attr("seconds", sum(row["seconds"] for row in history))
            prune(
                self._trial,
                "behind",
                f"after epoch {epoch} its {self._monitor} was behind the median of other trials",
            )
