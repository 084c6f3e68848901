"""Leave to see one report for a minute: a frame fetches by its address, and can send no token.

A pass is signed by the hash of the token that it stands for, which every server with the same
tokens knows. It opens nothing else, and goes with its token.
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256

from visavis.serving.tokens import Scope, Token, TokenFile

LASTS = 60
"""Seconds."""


def new_pass(token: Token, what: str) -> str:
    """A pass of a token for one thing."""
    until = int(time.time()) + LASTS
    return f"{token.id}.{until}.{_signed(token, what, until)}"


def pass_holds(tokens: TokenFile, given: str, what: str, scope: Scope) -> bool:
    """Whether a pass is for this, in its time, and of a token that is not revoked.

    Whoever has a token can sign by its hash, so its scope is asked for here as well.

    Raises:
        DataError: the tokens cannot be read.
    """
    name, _, rest = given.partition(".")
    until, _, signature = rest.partition(".")
    token = next((token for token in tokens.all() if token.id == name), None)
    if token is None or not token.may(scope) or not (until.isascii() and until.isdigit()):
        return False
    right = _signed(token, what, until).encode()
    return hmac.compare_digest(right, signature.encode()) and time.time() < int(until)


def _signed(token: Token, what: str, until: int | str) -> str:
    return hmac.new(bytes.fromhex(token.sha256), f"{until} {what}".encode(), sha256).hexdigest()
