"""``visavis.train``: the command's walk from Python."""

from __future__ import annotations

from pathlib import Path

from visavis.data.faceset import Source
from visavis.data.source import open_source
from visavis.models.model import Model
from visavis.training.processes import ALONE, Resources
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe
from visavis.training.train import MODEL
from visavis.training.train import train as run


def train(
    recipe: str | Recipe,
    data: str | Source,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    resources: Resources = ALONE,
) -> Model:
    """Train a recipe on data, and load the model that it makes.

    Args:
        recipe: one of visavis's own by name, the path of a TOML file, or a ``Recipe``.
        data: a source, or its spec, such as ``lfw:data/lfw``.
        folder: of the run; ``runs/NAME`` by default. Its ``report.html`` says how it went.
        resume: go on with a run that was killed.
        resources: devices, threads, and a budget of time. With several devices the script is
            started again for each of the others, up to this call, where those processes end when
            the network is trained; what follows the call runs once.

    Raises:
        DataError, ModelError: as ``visavis train`` says them.
    """
    chosen = find_recipe(recipe) if isinstance(recipe, str) else recipe
    source = open_source(data) if isinstance(data, str) else data
    place = Path("runs") / chosen.name if folder is None else Path(folder)
    run(chosen, source, place, resume=resume, resources=resources)
    return Model.load(place / MODEL, threads=resources.threads)
