"""The workers of a tuning: each runs trials until there are enough, or the time is up."""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import optuna
import torch
from optuna.trial import TrialState

from visavis.data.download import Progress
from visavis.errors import DataError, VisavisError
from visavis.training.tune_study import again, best_of, counted, folder_number, open_study
from visavis.training.tune_trial import WEIGHTS, Job, SurplusError, run_trial

DRAWS = 20
"""A search ends when it has drawn so many times as many configurations as were asked for."""

POLL = 1.0
"""Seconds between two looks at what other workers still train."""


@dataclass(frozen=True)
class Plan:
    """How a tuning searches.

    Attributes:
        trials: in all, those of earlier calls and of all workers together, without those that
            cannot be built.
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


USUAL = Plan()


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
        trials = study.get_trials(deepcopy=False)
        done = counted([trial for trial in trials if trial.state.is_finished()])
        if done >= job.trials or len(trials) >= DRAWS * job.trials:
            return False
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if waiting or counted(trials) < job.trials:
            return True
        time.sleep(POLL)
    return False


def _tidy(study: optuna.Study, job: Job) -> None:
    """Of finished trials keep the weights of the best alone."""
    trials = study.get_trials(deepcopy=False)
    best = best_of(study, trials)
    for trial in trials:
        if trial.state == TrialState.COMPLETE and trial.number != best:
            (job.place(folder_number(trial)) / WEIGHTS).unlink(missing_ok=True)


def _tell(study: optuna.Study, job: Job, progress: Progress) -> None:
    trials = study.get_trials(deepcopy=False)
    best = best_of(study, trials)
    words = f"the best so far is trial {best}" if best is not None else "none is trained yet"
    if best is not None:
        words += f", {job.monitor} {trials[best].value:.4f}"
    done = counted([trial for trial in trials if trial.state.is_finished()])
    progress(f"trials: {done} of {job.trials} done, {words}", done, job.trials)


@contextmanager
def beside(job: Job, plan: Plan) -> Iterator[None]:
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
