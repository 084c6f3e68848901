"""What every request gets: an id, safe headers, a line in the log, its metrics, no traceback."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visavis.serving.errors import ApiError, error_response
from visavis.serving.logs import LOG
from visavis.serving.metrics import Metrics

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {  # an answer may bring its own
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Envelope:
    """The outermost layer of the application.

    Args:
        app: what is inside.
        metrics: count the requests.
        hosts: the names under which the server may be asked for; ``None`` for any. On loopback
            that keeps out pages of other sites whose name was made to lead here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, hosts: Iterable[str] | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = uuid.uuid4().hex
        sent: dict[str, Any] = {}
        begun = time.perf_counter()

        async def dress(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            if self._hosts is not None and _host(scope) not in self._hosts:
                wrong = ApiError(400, "bad_request", "this server does not go by that name")
                await error_response(wrong, request_id)(scope, receive, dress)
            else:
                await self._app(scope, receive, dress)
        except Exception:
            LOG.exception("failed", extra={"fields": {"request_id": request_id}})
            if not sent:
                failed = ApiError(500, "failed", "the server failed; its log says where")
                await error_response(failed, request_id)(scope, receive, dress)
        self._note(scope, sent.get("status", 500), time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" or scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        fields = {
            "request_id": scope["state"]["request_id"],
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "token": scope["state"].get("token"),
        }
        LOG.info("request", extra={"fields": fields})


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _host(scope: Scope) -> str:
    """The name without the port, in lower case."""
    host = Headers(scope=scope).get("host", "").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
