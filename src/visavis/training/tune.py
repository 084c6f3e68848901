"""``visavis tune``: from a recipe and a space to the best model found."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import FrozenTrial, TrialState

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.data.lock import locked
from visavis.errors import DataError, VisavisError
from visavis.files import write_output
from visavis.models.folder import CARD
from visavis.report.run_file import load_run
from visavis.report.tune import KINDS, TunedTrial, Tuning, write_tuning
from visavis.training.recipe import Recipe
from visavis.training.space import Space
from visavis.training.train import MODEL, complete
from visavis.training.tune_estimate import blueprint
from visavis.training.tune_study import (
    again,
    drawn,
    folder_number,
    in_folder,
    open_study,
    readable,
    repeated,
)
from visavis.training.tune_trial import WEIGHTS, Job, SurplusError, restore, run_trial

TUNING, PAGE = "tuning.json", "tuning.html"
POLL = 1.0
"""Seconds between two looks at what other workers still train."""


@dataclass(frozen=True)
class Plan:
    """How a tuning searches.

    Attributes:
        trials: in all, those of earlier calls and of all workers together.
        sampler: ``tpe``, or ``gp`` for spaces in which every trial has the same keys.
        seed: of what is drawn.
        workers: processes of this machine.
        storage: URL of a database that several machines share; by default one in the folder.
        budget: seconds of this call; ``None`` for no end.
        threads: CPU threads of all workers together.
    """

    trials: int = 30
    sampler: str = "tpe"
    seed: int = 0
    workers: int = 1
    storage: str | None = None
    budget: float | None = None
    threads: int | None = None


def tune(
    recipe: Recipe,
    space: Space,
    source: Source,
    folder: Path,
    plan: Plan = Plan(),
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Tuning:
    """Search a space for the configuration with the best validation figure; keep its model.

    The same call goes on with a search that was killed, or adds to one that asks for more trials.
    The test is looked at once, by the best trial's model, when the search has ended.

    Args:
        recipe: that the space changes.
        space: what is searched.
        source: what is trained on.
        folder: of the search. It gets the study, the trials, their crops, ``model/``,
            ``report.html`` of the best run, and ``tuning.html``.
        plan: how.
        progress: called with a stage, steps done and steps in all.
        command: that searches again, for the report.

    Raises:
        DataError: a space of another recipe, a storage of another study, or no trial that was
            trained to its end.
        ModelError: see ``visavis.training.finish.make_model``.
    """
    recipe = recipe.model_copy(update={"name": f"{recipe.name}-tuned"})
    space.check(recipe)
    _check_networks(recipe, space)
    own = in_folder(folder)
    storage = plan.storage or own
    study = open_study(storage, recipe, space, source, sampler=plan.sampler, seed=plan.seed)
    cores = plan.threads or os.cpu_count() or 1
    job = Job(
        recipe,
        space,
        source,
        folder,
        plan.trials,
        plan.workers,
        None if plan.budget is None else time.time() + plan.budget,
        max(1, cores // plan.workers) if plan.workers > 1 else plan.threads,
    )
    with _others(job, replace(plan, storage=storage)):
        work(study, job, progress)
    with locked(folder / "lock"):
        return _finish(study, job, progress, command)


def _check_networks(recipe: Recipe, space: Space) -> None:
    """See that some network of the space can be built."""
    first: DataError | None = None
    for draw in space.samples():
        try:
            blueprint(space.recipe(recipe, draw))
        except DataError as error:
            first = first or error
        else:
            return
    assert first is not None  # noqa: S101 - there are samples
    raise DataError(f"{space.origin}: no network of the space can be built; the first: {first}")


def work(study: optuna.Study, job: Job, progress: Progress | None = None) -> None:
    """Run trials until there are enough, or the time is up.

    Raises:
        DataError: see ``run_trial``; the trial is put back in the queue.
        KeyboardInterrupt: so is this one.
    """
    if job.workers > 1 and job.threads:
        torch.set_num_threads(job.threads)

    def objective(trial: optuna.Trial) -> float:
        try:
            return run_trial(trial, job, progress)
        except (optuna.TrialPruned, SurplusError):
            raise
        except (Exception, KeyboardInterrupt):
            again(study, study.get_trials()[trial.number])
            raise

    while _more(study, job):
        study.optimize(objective, n_trials=1, catch=(SurplusError,))
        _tidy(study, job)
        if progress:
            _tell(study, job, progress)


def _more(study: optuna.Study, job: Job) -> bool:
    """Whether there is a trial to run; waits while others run the last."""
    first = multiprocessing.parent_process()
    while (job.left is None or job.left > 0) and (first is None or first.is_alive()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(study)
        states = Counter(trial.state for trial in study.get_trials(deepcopy=False))
        done = states[TrialState.COMPLETE] + states[TrialState.PRUNED]
        if done >= job.trials:
            return False
        if states[TrialState.WAITING] or done + states[TrialState.RUNNING] < job.trials:
            return True
        time.sleep(POLL)
    return False


def _tidy(study: optuna.Study, job: Job) -> None:
    """Of finished trials keep the weights of the best alone."""
    trials = study.get_trials(deepcopy=False)
    best = _best(study, trials)
    for trial in trials:
        if trial.state == TrialState.COMPLETE and trial.number != best:
            (job.place(folder_number(trial)) / WEIGHTS).unlink(missing_ok=True)


def _best(study: optuna.Study, trials: list[FrozenTrial]) -> int | None:
    """The number of the best trial of those, the first of equals."""
    sign = 1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else -1
    values = {t.number: t.value for t in trials if t.state == TrialState.COMPLETE}
    known = {number: sign * value for number, value in values.items() if value is not None}
    return max(known, key=lambda number: (known[number], -number), default=None)


def _tell(study: optuna.Study, job: Job, progress: Progress) -> None:
    trials = study.get_trials(deepcopy=False)
    best = _best(study, trials)
    words = f"the best so far is trial {best}" if best is not None else "none is trained yet"
    if best is not None:
        words += f", {job.recipe.schedule.monitor} {trials[best].value:.4f}"
    done = sum(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in trials)
    progress(f"trials: {done} of {job.trials} done, {words}", done, job.trials)


@contextmanager
def _others(job: Job, plan: Plan) -> Iterator[None]:
    """The other workers of this machine, beside what is done within."""
    context = multiprocessing.get_context("spawn")
    started = []
    for _ in range(plan.workers - 1):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_work_beside, args=(job, plan, there), daemon=True)
        process.start()
        there.close()
        started.append((process, here))
    try:
        yield
    except BaseException:
        for process, _ in started:
            process.terminate()
        raise
    for process, here in started:
        process.join()
        try:
            raise DataError(here.recv())
        except EOFError:
            continue


def _work_beside(job: Job, plan: Plan, told: Connection) -> None:
    """A worker in a process of its own; what goes wrong is told in a sentence."""
    assert plan.storage is not None  # noqa: S101 - set by tune
    try:
        study = open_study(
            plan.storage, job.recipe, job.space, job.source, sampler=plan.sampler, seed=plan.seed
        )
        work(study, job)
    except VisavisError as error:
        told.send(str(error))
    except KeyboardInterrupt:
        told.close()


def _finish(study: optuna.Study, job: Job, progress: Progress | None, command: str) -> Tuning:
    """The best trial's model and its report, and the search's."""
    trials = study.get_trials(deepcopy=False)
    best = _best(study, trials)
    told = [_told(trial, job) for trial in trials if _counts(trial, trials)]
    if best is None:
        kinds = Counter(trial.kind for trial in told if trial.kind)
        reasons = ", ".join(f"{number} {KINDS[kind]}" for kind, number in kinds.items())
        raise DataError(
            f"no trial of {len(told)} was trained to its end"
            f"{f' ({reasons})' if reasons else ''}; narrow the space or give it more time"
        )
    recipe = drawn(job.space, job.recipe, trials[best].params)
    made = _make_model(recipe, job, trials[best], progress, command)
    tuning = Tuning(
        name=recipe.name,
        monitor=recipe.schedule.monitor,
        trials=told,
        best=best,
        recipe=recipe.model_dump(mode="json"),
        importances=_importances(study),
        asked=job.trials,
        tested=load_run(job.folder).estimate("accuracy") if made else None,
    )
    values = {**tuning.as_dict(), "model_of": best if made else None}
    write_output(job.folder / TUNING, json.dumps(values).encode())
    write_tuning(job.folder / PAGE, tuning, command)
    return tuning


def _make_model(
    recipe: Recipe, job: Job, best: FrozenTrial, progress: Progress | None, command: str
) -> bool:
    """Make the best trial's model, unless it is there; whether it is."""
    place = job.place(folder_number(best))
    if _model_of(job.folder) == best.number:
        return True
    if not (place / WEIGHTS).exists():
        return False
    fitted = restore(recipe, job.source, place, job.threads)
    shutil.rmtree(job.folder / MODEL, ignore_errors=True)
    complete(recipe, fitted, job.folder, threads=job.threads, progress=progress, command=command)
    return True


def _model_of(folder: Path) -> int | None:
    """The trial whose model the folder holds."""
    if not (folder / TUNING).exists() or not (folder / MODEL / CARD).exists():
        return None
    number = json.loads((folder / TUNING).read_text(encoding="utf-8"))["model_of"]
    return None if number is None else int(number)


def _counts(trial: FrozenTrial, trials: list[FrozenTrial]) -> bool:
    """Whether a trial has an outcome: not one that was run again, or that others made needless."""
    if trial.state == TrialState.FAIL:
        return bool(trial.system_attrs.get("retry_history")) and trial.number not in repeated(
            trials
        )
    return trial.state.is_finished()


def _told(trial: FrozenTrial, job: Job) -> TunedTrial:
    facts: dict[str, Any] = trial.user_attrs
    kind = facts.get("kind", "")
    reason = facts.get("reason", "")
    if trial.state == TrialState.FAIL:
        kind, reason = "died", "its process died each time"
    if facts.get("stopped") == "budget":
        reason = "cut short by the budget"
    smaller = job.recipe.schedule.monitor == "loss"
    values = trial.intermediate_values.values()
    seen = (min(values) if smaller else max(values)) if values else None
    return TunedTrial(
        number=trial.number,
        params={key: readable(value) for key, value in trial.params.items()},
        value=trial.value if trial.state == TrialState.COMPLETE else seen,
        complete=trial.state == TrialState.COMPLETE,
        epochs=len(trial.intermediate_values),
        seconds=float(facts.get("seconds", 0.0)),
        kind=kind,
        reason=reason,
    )


def _importances(study: optuna.Study) -> dict[str, float]:
    """The share of each key in what makes a trial good, as far as the trials tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = optuna.importance.get_param_importances(study)
        except (ValueError, RuntimeError, optuna.exceptions.OptunaError):
            return {}
    return {key: float(value) for key, value in found.items()}
