"""``visavis tokens``: who may ask the server for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.options import AsJson
from visavis.serving.tokens import SCOPES, TokenFile, default_path

app = typer.Typer(help="Make, list and revoke tokens of the server.", no_args_is_help=True)

TokensPath = Annotated[
    Path | None,
    typer.Option(
        "--tokens",
        envvar="VISAVIS_TOKENS",
        help="The tokens' file; in your data folder by default.",
    ),
]


def token_file(path: Path | None) -> TokenFile:
    """The file that is meant."""
    return TokenFile(path or default_path())


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    scope: Annotated[
        list[str], typer.Option("--scope", "-s", help=f"One of {', '.join(SCOPES)}; repeatable.")
    ],
    tokens: TokensPath = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    secret = token_file(tokens).new(name, scope)
    if as_json:
        show.print_json({"name": name, "scopes": scope, "token": secret})
    else:
        show.say(secret)


@app.command("list")
def list_tokens(tokens: TokensPath = None, as_json: AsJson = False) -> None:
    """The tokens, without their secrets."""
    everything = token_file(tokens).all()
    if as_json:
        show.print_json({"tokens": [token.as_dict() for token in everything]})
        return
    rows = [(t.id, t.name, ", ".join(t.scopes), t.created) for t in everything]
    show.table(("id", "token", "scopes", "since"), rows)


@app.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(help="A token's name or id.")],
    tokens: TokensPath = None,
    as_json: AsJson = False,
) -> None:
    """Take a token back; a server that runs refuses it at once.

    Without the owner's token, the next start makes another.
    """
    token = token_file(tokens).revoke(which)
    if as_json:
        show.print_json({"revoked": token.as_dict()})
    else:
        show.say(f"{token.name} is revoked")
