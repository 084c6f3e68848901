"""Training from Python, as the commands do it: ``train``, ``distil``, ``tune`` and ``sweep``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.errors import ModelError

if TYPE_CHECKING:
    from visavis.data.faceset import Source
    from visavis.matching.face_model import FaceModel
    from visavis.report.tune import Tuning
    from visavis.report.tune_sweep import Swept
    from visavis.training.processes import Resources
    from visavis.training.recipe import Recipe


def need_torch() -> None:
    """Say in one sentence how to get what training needs, where it is missing.

    Raises:
        ModelError: it is.
    """
    try:
        import optuna  # noqa: F401
        import pytorch_lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        raise ModelError("training needs torch; pip install 'visavis[train]'") from None


def train(
    recipe: str | Recipe,
    data: str | Source,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    resources: Resources | None = None,
) -> FaceModel:
    """Train a recipe on data, and load the model that it makes.

    Args:
        recipe: one of visavis's own by name, the path of a TOML file, or a ``Recipe``.
        data: a source, or its spec, such as ``lfw:data/lfw``.
        folder: of the run; ``runs/NAME`` by default. Its ``report.html`` says how it went.
        resume: go on with a run that was killed.
        resources: devices, threads, and a budget of time; one process and all cores by default.
            With several devices the script is started again for each of the others, up to this
            call, where those processes end when the network is trained; what follows the call runs
            once.

    Raises:
        DataError, ModelError: as ``visavis train`` says them.
    """
    need_torch()
    from visavis.matching.face_model import load
    from visavis.training.processes import ALONE
    from visavis.training.train import MODEL
    from visavis.training.train import train as run

    chosen, given = _recipe(recipe), resources or ALONE
    place = _folder(folder, chosen.name)
    run(chosen, _source(data), place, resume=resume, resources=given)
    return load(place / MODEL, threads=given.threads)


def distil(
    recipe: str | Recipe,
    data: str | Source,
    teacher: str = "",
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    resources: Resources | None = None,
) -> FaceModel:
    """Train a recipe's network to give each face the embedding that a teacher gives it.

    Args:
        teacher: a known model or a model folder; the recipe's own by default.
        recipe, data, folder, resume, resources: see ``train``.

    Raises:
        DataError, ModelError: as ``visavis distil`` says them.
    """
    need_torch()
    from visavis.training.distil import taught_by

    student = taught_by(_recipe(recipe), teacher)
    return train(student, data, folder, resume=resume, resources=resources)


def tune(
    recipe: str | Recipe,
    space: str,
    data: str | Source,
    folder: str | Path | None = None,
    **plan: Any,
) -> Tuning:
    """Search a space for the configuration with the best validation figure; keep its model.

    Args:
        recipe, data: see ``train``.
        space: one of visavis's own by name, or the path of a TOML file.
        folder: of the search; ``runs/NAME-tuned`` by default. The model is in its ``model/``. The
            same call goes on with a search that was stopped.
        plan: what ``visavis.training.tune_workers.Plan`` holds, such as ``trials=30``,
            ``budget=1800`` (seconds) or ``workers=2``; with several workers, in a script that can
            be imported.

    Returns:
        Every trial and why it ended, the best, and what it came to on the test.

    Raises:
        DataError, ModelError: as ``visavis tune`` says them.
        TypeError: no such part of a plan.
    """
    need_torch()
    from visavis.training.space_files import read_space
    from visavis.training.tune import tune as run
    from visavis.training.tune_workers import Plan

    chosen, how = _recipe(recipe), Plan(**plan)
    place = _folder(folder, f"{chosen.name}-tuned")
    return run(chosen, read_space(space), _source(data), place, how)


def sweep(
    recipe: str | Recipe,
    axes: str | Mapping[str, Sequence[Any]],
    data: str | Source,
    folder: str | Path | None = None,
    *,
    grid: bool = False,
    resources: Resources | None = None,
) -> Swept:
    """Train one axis after another, each fixed at its best validation figure before the next.

    Args:
        axes: values by dotted key, such as ``{"net.options.layers": [2, 3]}``, in the order to
            sweep them; or one of visavis's own by name, or the path of a TOML file.
        recipe, data: see ``train``.
        folder: of the sweep; ``runs/NAME-swept`` by default. Its ``best.toml`` is the best recipe.
            The same call goes on with a sweep that was stopped.
        grid: every value with every other instead.
        resources: what each configuration may use.

    Raises:
        DataError, ModelError: as ``visavis sweep`` says them.
    """
    need_torch()
    from visavis.training.processes import ALONE
    from visavis.training.sweep import sweep as run
    from visavis.training.sweep_axes import axes_of, read_axes

    chosen = _recipe(recipe)
    place = _folder(folder, f"{chosen.name}-swept")
    along = read_axes(axes) if isinstance(axes, str) else axes_of(axes)
    return run(chosen, along, _source(data), place, grid=grid, resources=resources or ALONE)


def _recipe(recipe: str | Recipe) -> Recipe:
    from visavis.training.recipe_files import find_recipe

    return find_recipe(recipe) if isinstance(recipe, str) else recipe


def _folder(folder: str | Path | None, name: str) -> Path:
    return Path("runs") / name if folder is None else Path(folder)


def _source(data: str | Source) -> Source:
    from visavis.data.source import open_source

    return open_source(data) if isinstance(data, str) else data
