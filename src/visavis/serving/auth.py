"""Who asks, and whether they may."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from visavis.serving.errors import ApiError
from visavis.serving.service import Service
from visavis.serving.tokens import Scope, Token

_bearer = HTTPBearer(auto_error=False, description="A token of `visavis tokens new`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def service_of(request: Request) -> Service:
    """The service that the application belongs to."""
    service: Service = request.app.state.service
    return service


def needs(scope: Scope | None = None) -> Callable[..., Awaitable[Token]]:
    """What lets a request pass that has a token of a scope, at the token's rate.

    Args:
        scope: ``None`` for any token.

    Raises:
        ApiError: 401, 403 or 429.
    """

    async def check(request: Request, credentials: Credentials) -> Token:
        service = service_of(request)
        token = credentials and service.tokens.find(credentials.credentials)
        if not token:
            raise ApiError(
                401,
                "no_token",
                "send a valid token: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request.state.token = token.id
        if scope and not token.may(scope):
            raise ApiError(
                403, "wrong_scope", f"this token may not do that; it needs the scope {scope}"
            )
        wait = service.buckets.take(token.id)
        if wait:
            raise ApiError(
                429,
                "too_many_requests",
                "this token asks too often; slow down",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        return token

    return check
