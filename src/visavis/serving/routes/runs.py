"""Training runs and their reports, where the server was told of their folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from visavis.errors import DataError
from visavis.report.run_file import RUN, load_run
from visavis.serving.answers_people import RunsAnswer
from visavis.serving.asking import gives, look, reply
from visavis.serving.auth import needs
from visavis.serving.errors import ApiError
from visavis.serving.service import Service

router = APIRouter(prefix="/v1/runs", tags=["runs"], dependencies=[Depends(needs("admin"))])

REPORT = "report.html"


@router.get("", summary="Training runs", responses=gives(RunsAnswer))
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


@router.get(
    "/{name}/report",
    summary="A run's report",
    response_class=Response,
    responses={
        **gives(None, 404),
        200: {"description": "A page that stands by itself.", "content": {"text/html": {}}},
    },
)
async def report(request: Request, name: str) -> HTMLResponse:
    """One HTML file, with its pictures inside."""
    return HTMLResponse(await look(request, lambda service: _report(service, name)))


def _report(service: Service, name: str) -> bytes:
    # Only names that the folder really has: what a client sends never becomes a path.
    folders = service.runs.iterdir() if service.runs is not None and service.runs.is_dir() else ()
    file = next((folder / REPORT for folder in folders if folder.name == name), None)
    if file is None or not file.is_file():
        raise ApiError(404, "unknown_run", "there is no run of that name with a report")
    return file.read_bytes()
