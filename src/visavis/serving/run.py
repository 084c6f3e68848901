"""A server on a socket, from its first request to its last."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from visavis.errors import DataError
from visavis.serving.app import build_app
from visavis.serving.logs import log_to
from visavis.serving.service import Service
from visavis.serving.tls import own_address

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GRACE_SECONDS = 30
"""For requests that run when the server is told to stop."""


@dataclass(frozen=True)
class Address:
    """Where to serve.

    Attributes:
        host, port: to listen on; port 0 takes any that is free.
        certificate, key: files in PEM, for TLS.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def local(self) -> bool:
        """Whether only this machine can ask."""
        return self.host in LOOPBACK

    def url(self, port: int) -> str:
        """For people and phones: of all addresses of a machine, that in its network."""
        scheme = "https" if self.certificate else "http"
        host = self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - asked, not bound
            host = own_address() or socket.gethostname()
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def listen(address: Address) -> socket.socket:
    """A socket that queues what asks, before the server is up.

    Raises:
        DataError: the address is not this machine's, taken, or not allowed.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it. Without, a body waits 40 ms for its head to be confirmed.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((address.host, address.port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"cannot serve on {address.host}:{address.port} ({reason}); choose another --port or "
            "--host"
        ) from None
    return listener


def make_server(service: Service, address: Address) -> uvicorn.Server:
    """A server that waits for ``run(sockets=[…])``; it closes the service when it ends."""
    names = (*LOOPBACK[:2], "[::1]") if address.local else None
    config = uvicorn.Config(
        build_app(service, names),
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=65536,
    )
    return uvicorn.Server(config)


def serve_until_stopped(service: Service, address: Address, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; what runs then is finished."""
    log_to()
    service.warm()
    make_server(service, address).run(sockets=[listener])
