"""The end of a tuning: the best trial's model, and the report of the search."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from visavis.data.download import Progress
from visavis.errors import DataError
from visavis.files import write_output
from visavis.models.folder import CARD
from visavis.report.run_file import load_run
from visavis.report.tune import KINDS, TunedTrial, Tuning, write_tuning
from visavis.training.material import prepare
from visavis.training.recipe import Recipe
from visavis.training.train import MODEL, complete
from visavis.training.tune_study import best_of, drawn, folder_number, readable, repeated
from visavis.training.tune_trial import FACTS, WEIGHTS, Job, restore

TUNING, PAGE = "tuning.json", "tuning.html"


def finish_tuning(study: optuna.Study, job: Job, progress: Progress | None, command: str) -> Tuning:
    """The best trial's model and its report, and the search's."""
    trials = study.get_trials(deepcopy=False)
    best = best_of(study, trials)
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
        pairs=len(prepare(job.source, recipe.data, recipe.seed).validation),
        importances=_importances(study),
        asked=job.trials,
        tested=load_run(job.folder).estimate("accuracy") if made else None,
        warnings=_warnings(job.place(folder_number(trials[best]))),
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


def _warnings(place: Path) -> list[str]:
    """What looked wrong in a trial; nothing where another machine trained it."""
    path = place / FACTS
    if not path.exists():
        return []
    told: list[str] = json.loads(path.read_text(encoding="utf-8"))["warnings"]
    return told


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
    smaller = job.monitor == "loss"
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
