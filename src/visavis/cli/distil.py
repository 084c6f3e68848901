"""``visavis distil``: a network of any backbone learns a teacher's embeddings."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli.options import (
    AsJson,
    Budget,
    DataSpec,
    Devices,
    LfwView,
    Nodes,
    RecipeName,
    Resume,
    RunFolder,
    Threads,
)
from visavis.cli.train import run_recipe, seconds
from visavis.learning import need_torch


def distil(
    recipe: RecipeName,
    data: DataSpec,
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher", "-t", help="A known model, or a model folder; the recipe's by default."
        ),
    ] = "",
    output: RunFolder = None,
    view: LfwView = None,
    resume: Resume = False,
    budget: Budget = None,
    devices: Devices = 1,
    nodes: Nodes = 1,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train a recipe's network to give each face the embedding that a teacher gives it."""
    need_torch()
    from visavis.training.distil import taught_by
    from visavis.training.processes import Resources
    from visavis.training.recipe_files import find_recipe

    student = taught_by(find_recipe(recipe), teacher)
    resources = Resources(devices, nodes, threads, None if budget is None else seconds(budget))
    run_recipe(student, data, output, view, resume=resume, resources=resources, as_json=as_json)
