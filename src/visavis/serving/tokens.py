"""Who may ask for what: secrets, of which only the hashes are kept."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from visavis.errors import DataError
from visavis.files import write_atomically

Scope = Literal["verify", "identify", "enrol", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

OWNER = "owner"
"""The token that is made on first run. Its secret is kept, so that the address that the server
prints stays the same; the file is for its owner's eyes only."""


@dataclass(frozen=True)
class Token:
    """Leave to ask.

    Attributes:
        id: stands for it in logs and limits.
        name: what the operator calls it.
        scopes: what it may do; ``admin`` may do everything.
        sha256: of its secret, in hexadecimal.
        created: when, in UTC.
        secret: of the owner's token only.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    sha256: str
    created: str
    secret: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it covers a scope."""
        return scope in self.scopes or "admin" in self.scopes

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the secret and its hash."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": list(self.scopes),
            "created": self.created,
        }


def default_path() -> Path:
    """The tokens' file in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("visavis", appauthor=False)) / "tokens.json"


class TokenFile:
    """The tokens in a file that only its owner may read; read anew when it changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def all(self) -> list[Token]:
        """Every token, oldest first.

        Raises:
            DataError: the file cannot be read.
        """
        return list(self._current().values())

    def find(self, secret: str) -> Token | None:
        """The token of a secret."""
        return self._current().get(_digest(secret))

    def owner(self) -> str:
        """The secret of the owner's token, which is made where there is none.

        Raises:
            DataError: the file cannot be read or written.
        """
        for token in self.all():
            if token.secret:
                return token.secret
        return self._add(OWNER, ["admin"], keep=True)

    def new(self, name: str, scopes: Iterable[str]) -> str:
        """Make a token.

        Args:
            name: one that no other token has.
            scopes: some of ``SCOPES``.

        Returns:
            Its secret, which is kept nowhere.

        Raises:
            DataError: the name is taken or a scope unknown, or the file cannot be written.
        """
        return self._add(name, scopes, keep=False)

    def _add(self, name: str, scopes: Iterable[str], *, keep: bool) -> str:
        secret = "vis_" + secrets.token_urlsafe(32)
        token = Token(
            id=secrets.token_hex(4),
            name=name,
            scopes=_known(scopes),
            sha256=_digest(secret),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            secret=secret if keep else None,
        )
        with self._changing() as tokens:
            if any(other.name == name for other in tokens):
                raise DataError(f"there is a token {name} already; revoke it or name another")
            tokens.append(token)
        return secret

    def revoke(self, which: str) -> Token:
        """Take a token back; a server that runs refuses it from then on.

        Args:
            which: its name or id.

        Raises:
            DataError: there is none.
        """
        with self._changing() as tokens:
            found = next((token for token in tokens if which in (token.name, token.id)), None)
            if found is None:
                raise DataError(f"there is no token {which}; see `visavis tokens list`")
            tokens.remove(found)
        return found

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        tokens = self.all()
        yield tokens
        rows = [asdict(token) for token in tokens]
        content = json.dumps({"tokens": rows}, indent=1).encode()
        try:
            write_atomically(self.path, content, 0o600)
        except OSError as error:
            raise DataError(
                f"cannot write the tokens to {self.path} ({error.strerror}); name another file "
                "with --tokens"
            ) from None

    def _current(self) -> dict[str, Token]:
        with self._lock:
            try:
                status = self.path.stat()
            except FileNotFoundError:
                self._read_at, self._tokens = None, {}
                return {}
            version = status.st_mtime_ns, status.st_size, status.st_ino
            if version != self._read_at:
                self._tokens = {token.sha256: token for token in _read(self.path)}
                self._read_at = version
            return self._tokens


def _read(path: Path) -> list[Token]:
    try:
        rows = json.loads(path.read_bytes())["tokens"]
        return [Token(**{**row, "scopes": _known(row["scopes"])}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no tokens that can be read: {error}") from None


def _known(scopes: Iterable[str]) -> tuple[Scope, ...]:
    asked = set(scopes)
    if unknown := sorted(asked.difference(SCOPES)):
        raise DataError(f"there is no scope {unknown[0]}; the scopes are {', '.join(SCOPES)}")
    if not asked:
        raise DataError(f"a token needs a scope: {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in asked)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
