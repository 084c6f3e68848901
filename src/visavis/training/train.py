"""``visavis.train``: the whole walk from a recipe and data to a model that verifies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.models.model import Model
from visavis.report.run import Run, save_run, write_run_report
from visavis.training.finish import calibrate_and_measure, make_model
from visavis.training.fit import Fitted, fit
from visavis.training.inputs import unused
from visavis.training.processes import ALONE, Resources
from visavis.training.recipe import Recipe
from visavis.training.search import search_test

MODEL, REPORT = "model", "report.html"


def train(
    recipe: Recipe,
    source: Source,
    folder: Path,
    *,
    resume: bool = False,
    resources: Resources = ALONE,
    progress: Progress | None = None,
    command: str = "",
) -> Run:
    """Train, export, calibrate, measure, and write the report.

    Of several processes the first alone returns; see ``fit``.

    Args:
        recipe: what to train.
        source: what on; see ``visavis.data.source.open_source``.
        folder: of the run. It gets ``model/``, the model folder; ``report.html``; checkpoints,
            logs, and the crops of the photos trained on, with their embeddings where the network
            is frozen; deleting the folder deletes them.
        resume: go on with a run that was killed.
        resources: devices, threads, budget.
        progress: called with a stage, steps done and steps in all.
        command: that makes the run again, for the report.

    Returns:
        The run; its model is in ``folder / "model"``.

    Raises:
        DataError, ModelError: see ``fit`` and ``make_model``.
    """
    fitted = fit(recipe, source, folder, resume=resume, resources=resources, progress=progress)
    return complete(
        recipe, fitted, folder, threads=resources.threads, progress=progress, command=command
    )


def complete(
    recipe: Recipe,
    fitted: Fitted,
    folder: Path,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Run:
    """Make a model of a trained network, look at the test once, and write the report.

    Args:
        recipe: that the network was trained by.
        fitted: the network.
        folder: holds the crops and gets what ``train`` says.
        threads: of the CPU; all cores by default.
        progress, command: see ``train``.

    Raises:
        DataError, ModelError: see ``make_model``.
    """
    model = make_model(recipe, fitted, folder / MODEL, threads)
    card, evaluation = calibrate_and_measure(model, fitted, progress)
    final = Model.load(folder / MODEL, threads=threads)
    embeddings, searched = search_test(final, recipe, fitted.material, folder, progress)
    faces = fitted.material.test.faces
    told = unused(len(faces), evaluation.missed, evaluation.unreadable)
    run = Run(
        name=recipe.name,
        folder=folder,
        card=card,
        history=fitted.history,
        evaluation=replace(evaluation, searched=searched),
        embeddings=embeddings,
        faces=faces,
        warnings=fitted.warnings
        + [f"photos of the test that count as errors: {told}"] * bool(told),
    )
    save_run(folder, run, command)
    write_run_report(folder / REPORT, run, command)
    return run
