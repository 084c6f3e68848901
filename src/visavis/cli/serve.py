"""``visavis serve``: the page and the API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli import show
from visavis.cli.gallery_key import KeyFile, gallery_key
from visavis.cli.gallery_options import DEFAULT_URL, GalleryUrl
from visavis.cli.options import DEFAULT_MODEL, AsJson, ModelName, Threads
from visavis.cli.tokens import TokensPath, token_file
from visavis.errors import DataError
from visavis.photos.photo import MAX_PIXELS

LIMITS = "Limits"
"""What an operator may have to change."""


def serve(
    host: Annotated[
        str, typer.Option(help="To listen on; 0.0.0.0 lets other machines ask.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8472,
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    model: ModelName = DEFAULT_MODEL,
    runs: Annotated[
        Path | None, typer.Option(help="Show the training runs of this folder.")
    ] = None,
    tokens: TokensPath = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", help="A certificate's file, in PEM.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key's file.")] = None,
    tls_self_signed: Annotated[
        bool, typer.Option("--tls-self-signed", help="Make a certificate and keep it.")
    ] = False,
    max_rate: Annotated[
        float,
        typer.Option(
            min=0.01, max=1e6, help="Requests a second of one token.", rich_help_panel=LIMITS
        ),
    ] = 200,
    max_queue: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, help="Requests at work or waiting.", rich_help_panel=LIMITS
        ),
    ] = 64,
    max_body: Annotated[
        int, typer.Option(min=1, max=1024, help="MiB of one request.", rich_help_panel=LIMITS)
    ] = 32,
    max_photo: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PIXELS // 1_000_000,
            help="Megapixels of one photo.",
            rich_help_panel=LIMITS,
        ),
    ] = 50,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Serve the page and the API until interrupted.

    Prints the page's address with a token, which is made on first run. Cameras work on
    127.0.0.1, and elsewhere only with TLS.
    """
    file = token_file(tokens)
    certificate, private = _certificate(
        host, tls_cert, tls_key, file.path.parent if tls_self_signed else None
    )
    if runs is not None and not runs.is_dir():
        raise DataError(f"there is no folder {runs}; give the folder that holds the runs")
    _check_extra()

    from visavis.models.model import Model
    from visavis.serving.limits import limits_of
    from visavis.serving.run import Address, listen, serve_until_stopped
    from visavis.serving.service import Service
    from visavis.serving.tls import fingerprint

    address = Address(host, port, certificate, private)
    key = gallery_key(gallery, key_file)
    limits = limits_of(max_rate, max_queue, max_body, max_photo)
    secret = file.owner()
    with listen(address) as listener:
        loaded = Model.load(model, threads=threads)
        service = Service(loaded, gallery, file.path, runs, limits, key=key)
        url = address.url(listener.getsockname()[1])
        told = {
            "address": f"{url}/#token={secret}",
            "url": url,
            "token": secret,
            "gallery": service.gallery.name,
            "model": model,
        }
        if tls_self_signed and certificate:
            told["certificate"] = fingerprint(certificate)
        _tell(told, as_json=as_json)
        if not address.local and certificate is None:
            show.note(
                "warning: photos and tokens travel in the clear, and browsers give no camera; "
                "use --tls-self-signed, or --tls-cert and --tls-key"
            )
        serve_until_stopped(service, address, listener)


def _tell(told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        show.print_json(told)
    else:
        show.say(told["address"])
        show.say(f"  gallery {told['gallery']}, model {told['model']}; stop with Ctrl+C")
        if "certificate" in told:
            show.say(f"  certificate's SHA-256 {told['certificate']}")
    sys.stdout.flush()  # whoever reads it waits for it


def _certificate(
    host: str, certificate: Path | None, key: Path | None, made_in: Path | None
) -> tuple[Path | None, Path | None]:
    if made_in and (certificate or key):
        raise DataError("--tls-self-signed makes a certificate; leave out --tls-cert and --tls-key")
    if (certificate is None) != (key is None):
        raise DataError("--tls-cert and --tls-key go together")
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise DataError(f"there is no file {file}")
    if made_in:
        _check_extra()
        from visavis.serving.tls import self_signed

        return self_signed(made_in, host)
    return certificate, key


def _check_extra() -> None:
    """Say what to install before anything else is done.

    Raises:
        DataError: the packages of the extra are not all there.
    """
    try:
        import cryptography
        import fastapi
        import prometheus_client
        import python_multipart
        import uvicorn
    except ImportError as error:
        raise DataError(f"serving needs {error.name}; pip install 'visavis[serve]'") from None
    del cryptography, fastapi, prometheus_client, python_multipart, uvicorn
