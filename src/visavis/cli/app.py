"""The command: verbs, one file each, and how their errors reach the shell."""

from __future__ import annotations

import json
import os
import sys
import warnings
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from visavis.cli.exits import INTERRUPTED
from visavis.errors import VisavisError
from visavis.version import __version__

VERBS = (
    "verify", "explain", "embed", "evaluate", "calibrate", "train", "distil", "tune", "sweep",
    "export", "recipes", "compare", "group", "match", "enrol", "identify", "serve",
    "doctor",
)  # fmt: skip
GROUPS = ("models", "data", "people", "gallery", "tokens")
"""A verb is the function of its name in its module; a group is its module's ``app``."""


def build_app(asked: str | None) -> typer.Typer:
    """The command with the verb that is asked for, or with all where it is none of them.

    One verb is imported in a tenth of a second less than all.
    """
    app = typer.Typer(
        name="visavis",
        help="Do these photos show the same person? A calibrated answer, and what it rests on.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for verb in [asked] if asked in VERBS else VERBS:
        app.command(verb)(getattr(import_module(f"visavis.cli.{verb}"), str(verb)))
    for group in () if asked in VERBS else GROUPS:
        app.add_typer(import_module(f"visavis.cli.{group}").app, name=group)
    return app


def main() -> NoReturn:
    """Run a verb; every error ends in one sentence and its exit code."""
    warnings.filterwarnings("ignore", category=Warning, module="PIL")  # errors say it better
    try:
        build_app(sys.argv[1] if len(sys.argv) > 1 else None)(standalone_mode=True)
    except VisavisError as error:
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output left, as `visavis … | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def console() -> NoReturn:
    """The installed command: ``main``, but ``verify`` and ``identify`` leave at once.

    They hold nothing that needs tidying up, and taking a network's memory apart piece by piece
    takes as long as the comparison.
    """
    try:
        main()
    except SystemExit as stopped:
        if sys.argv[1:2] not in (["verify"], ["identify"]) or not isinstance(stopped.code, int):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(stopped.code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"visavis {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Do these photos show the same person? A calibrated answer, and what it rests on."""


def _report(error: VisavisError) -> None:
    """One sentence to stderr; with ``--json`` also one object to stdout."""
    if "--json" in sys.argv:
        print(json.dumps({"error": {"kind": type(error).__name__, "message": str(error)}}))
    print(f"visavis: {error}", file=sys.stderr)
