"""The application: endpoints, errors, the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from visavis.errors import VisavisError
from visavis.serving.envelope import Envelope
from visavis.serving.errors import ApiError, answer_error
from visavis.serving.routes import about, comparing, identifying, pairing, people, runs
from visavis.serving.service import Service
from visavis.version import __version__

PAGE = Path(__file__).parent / "page"
OPENAPI = "/v1/openapi.json"

_ROUTERS = (comparing, pairing, identifying, people, runs, about)


def build_app(service: Service, hosts: Iterable[str] | None = None) -> FastAPI:
    """The application of a service.

    Args:
        service: is closed when the application ends.
        hosts: the names under which it may be asked for; ``None`` for any.
    """
    app = FastAPI(
        title="visavis",
        version=__version__,
        summary="Do these photos show the same person, and who is it?",
        docs_url=None,  # both fetch their scripts from elsewhere
        redoc_url=None,
        openapi_url=OPENAPI,
        lifespan=_lifespan,
    )
    app.state.service = service
    for module in _ROUTERS:
        app.include_router(module.router)
    app.include_router(about.outside)
    app.router.routes.append(_Page("/", _Files(directory=PAGE, html=True), name="page"))
    for kind in (ApiError, VisavisError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer_error)
    app.add_middleware(Envelope, metrics=service.metrics, hosts=hosts)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await asyncio.to_thread(app.state.service.close)


class _Files(StaticFiles):
    """Files that a browser may keep, and asks about each time: they hold nobody's data."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Page(Mount):
    """The page's files, everywhere but where the API is: its unknown paths are its own."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"].startswith(("/v1", "/metrics")):
            return Match.NONE, {}
        return super().matches(scope)
