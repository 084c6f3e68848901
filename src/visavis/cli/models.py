"""``visavis models``: the known ones, their cards, and models to and from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson

app = typer.Typer(help="List, look at, fetch and publish models.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the known models, or run one of the commands below."""
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """The models known by name."""
    from visavis.models.zoo import known_models

    entries = known_models()
    if as_json:
        show.print_json({"models": [{"name": name, **entry} for name, entry in entries.items()]})
        return
    rows = [(name, entry["licence"], entry["description"]) for name, entry in entries.items()]
    show.table(("model", "licence", "what it is"), rows)


@app.command("info")
def info(
    model: Annotated[str, typer.Argument(help="A known name or a model folder.")],
    as_json: AsJson = False,
) -> None:
    """A model's card: input, licence, calibration, thresholds and figures."""
    from visavis.models.folder import read_folder
    from visavis.models.zoo import locate

    folder = locate(model)
    card = read_folder(folder)
    if as_json:
        show.print_json({"folder": str(folder), **card.model_dump(exclude={"scores"})})
        return
    from visavis.report.card_page import card_page

    show.say(card_page(card))
    show.say(f"Folder: {folder}")


@app.command("pull")
def pull(
    source: Annotated[
        str, typer.Argument(help="A known name, folder, zip, https://….zip or hf://owner/name.")
    ],
    target: Annotated[Path, typer.Argument(help="The folder to make.")],
    as_json: AsJson = False,
) -> None:
    """Fetch a model folder and check it."""
    from visavis.models import hub

    card = hub.pull(source, target)
    if as_json:
        show.print_json({"name": card.name, "folder": str(target), "fingerprint": card.fingerprint})
    else:
        show.say(f"{card.name} is in {target}; use it with --model {target}")


@app.command("push")
def push(
    model: Annotated[str, typer.Argument(help="A known name or a model folder.")],
    target: Annotated[str, typer.Argument(help="A new folder, a .zip, or hf://owner/name.")],
    as_json: AsJson = False,
) -> None:
    """Copy a model folder to where others can pull it."""
    from visavis.models import hub

    where = hub.push(model, target)
    if as_json:
        show.print_json({"model": model, "target": where})
    else:
        show.say(f"{model} is at {where}")
