"""``visavis tune``: from a recipe and a space to the best model found."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.data.lock import locked
from visavis.errors import DataError
from visavis.report.tune import Tuning
from visavis.training.recipe import Recipe
from visavis.training.space import Space
from visavis.training.tune_estimate import blueprint
from visavis.training.tune_finish import finish_tuning
from visavis.training.tune_study import in_folder, open_study
from visavis.training.tune_trial import Job
from visavis.training.tune_workers import USUAL, Plan, beside, work


def tune(
    recipe: Recipe,
    space: Space,
    source: Source,
    folder: Path,
    plan: Plan = USUAL,
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
    with beside(job, replace(plan, storage=storage)):
        work(study, job, progress)
    with locked(folder / "lock"):
        return finish_tuning(study, job, progress, command)


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
