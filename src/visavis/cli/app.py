"""The command: verbs, one file each, and how their errors reach the shell."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Annotated, NoReturn

import typer

from visavis.cli import calibrate, data, doctor, embed, evaluate, explain, models, verify
from visavis.cli.exits import INTERRUPTED
from visavis.errors import VisavisError
from visavis.version import __version__

app = typer.Typer(
    name="visavis",
    help="Do these photos show the same person? A calibrated answer, and what it rests on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("verify")(verify.verify)
app.command("explain")(explain.explain)
app.command("embed")(embed.embed)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"visavis {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Shared by all verbs."""


def main() -> NoReturn:
    """Run a verb; every error ends in one sentence and its exit code."""
    warnings.filterwarnings("ignore", category=Warning, module="PIL")  # errors say it better
    try:
        app(standalone_mode=True)
    except VisavisError as error:
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output left, as `visavis … | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def _report(error: VisavisError) -> None:
    """One sentence to stderr; with ``--json`` also one object to stdout."""
    if "--json" in sys.argv:
        print(json.dumps({"error": {"kind": type(error).__name__, "message": str(error)}}))
    print(f"visavis: {error}", file=sys.stderr)
