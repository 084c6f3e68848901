"""Training runs and their reports, where the server was told of their folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from visavis.errors import DataError
from visavis.report.run_file import RUN, load_run
from visavis.serving.answers_people import PassAnswer, RunsAnswer
from visavis.serving.asking import gives, look, reply
from visavis.serving.auth import needs, service_of
from visavis.serving.errors import ApiError
from visavis.serving.passes import LASTS, new_pass, pass_holds
from visavis.serving.service import Service
from visavis.serving.tokens import Token

router = APIRouter(prefix="/v1/runs", tags=["runs"])

ADMIN = Depends(needs("admin"))
REPORT = "report.html"
REPORT_HEADERS = {
    # A report carries its style and its pictures inside. Sandboxed, it runs nothing, and is of no
    # origin: nothing of the page around it is in its reach.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}
THEME = b"(prefers-color-scheme: dark)"


@router.get("", summary="Training runs", dependencies=[ADMIN], responses=gives(RunsAnswer))
async def runs(request: Request) -> JSONResponse:
    """Each with its figures, the latest first."""
    return reply(request, await look(request, _runs))


def _runs(service: Service) -> dict[str, Any]:
    if service.runs is None:
        return {"runs": []}
    found = [_summary(file.parent) for file in service.runs.glob(f"*/{RUN}")]
    kept = [run for run in found if run is not None]
    return {"runs": sorted(kept, key=lambda run: run["modified"], reverse=True)}


def _summary(folder: Path) -> dict[str, Any] | None:
    """A run in a few figures; ``None`` for one that is being written or of another version."""
    try:
        run = load_run(folder)
        modified = (folder / RUN).stat().st_mtime
    except (DataError, OSError):
        return None
    return {
        "name": folder.name,
        "protocol": run.protocol,
        "backbone": run.backbone,
        **{name: run.figures.get(name) for name in ("accuracy", "auc", "eer")},
        "seconds": run.seconds,
        "parameters": run.parameters,
        "modified": datetime.fromtimestamp(modified, UTC).isoformat(timespec="seconds"),
        "report": (folder / REPORT).is_file(),
    }


SHOWN: dict[Any, Any] = {
    200: {"description": "A page that stands by itself.", "content": {"text/html": {}}}
}


@router.get(
    "/{name}/report",
    summary="A run's report",
    dependencies=[ADMIN],
    response_class=Response,
    responses={**gives(None, 404), **SHOWN},
)
async def report(request: Request, name: str) -> HTMLResponse:
    """One HTML file, with its pictures inside."""
    content = await look(request, lambda service: _report(service, name))
    return HTMLResponse(content, headers=REPORT_HEADERS)


@router.post(
    "/{name}/pass", summary="Leave to show a report in a frame", responses=gives(PassAnswer, 404)
)
async def let_pass(request: Request, name: str, token: Annotated[Token, ADMIN]) -> JSONResponse:
    """An address that needs no token for a minute: a frame cannot send one."""
    await look(request, lambda service: _report_file(service, name))
    address = f"/v1/runs/{quote(name, safe='')}/frame?{urlencode({'pass': new_pass(token, name)})}"
    return reply(request, {"address": address, "seconds": LASTS})


@router.get(
    "/{name}/frame",
    summary="A run's report, for a frame",
    response_class=Response,
    responses={**gives(None, 404, 422), **SHOWN},
)
async def frame(
    request: Request,
    name: str,
    given: Annotated[str, Query(alias="pass", max_length=200, description="Of `pass`.")],
    theme: Annotated[
        Literal["light", "dark"] | None,
        Query(description="Whatever the system says; by default as it says."),
    ] = None,
) -> HTMLResponse:
    """As `report`, without a token."""
    if not pass_holds(service_of(request).tokens, given, name, "admin"):
        raise ApiError(403, "wrong_pass", "this address has had its time; open the report anew")
    content = await look(request, lambda service: _report(service, name))
    if theme:
        content = content.replace(THEME, b"all" if theme == "dark" else b"not all")
    return HTMLResponse(content, headers=REPORT_HEADERS)


def _report(service: Service, name: str) -> bytes:
    return _report_file(service, name).read_bytes()


def _report_file(service: Service, name: str) -> Path:
    # Only names that the folder really has: what a client sends never becomes a path.
    folders = service.runs.iterdir() if service.runs is not None and service.runs.is_dir() else ()
    file = next((folder / REPORT for folder in folders if folder.name == name), None)
    if file is None or not file.is_file():
        raise ApiError(404, "unknown_run", "there is no run of that name with a report")
    return file
