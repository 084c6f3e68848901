"""Downloads that go on where they stopped and are checked by hash."""

from __future__ import annotations

import errno
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from visavis.errors import DataError
from visavis.version import __version__

Progress = Callable[[str, int, int], None]
"""Called with what is being done, bytes done, and bytes in all (0 where unknown)."""

_CHUNK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte


def fetch(url: str, target: Path, sha256: str, progress: Progress | None = None) -> Path:
    """Fetch ``url`` into ``target``, unless it is there with the right hash.

    Bytes gather in ``target`` with ``.part`` added; a second call asks the server for the rest
    only (RFC 9110, section 14.2). ``target`` appears whole or not at all.

    Args:
        url: an http or https address, from ``known.toml``.
        target: file to make; its folder exists.
        sha256: of the whole file, in hexadecimal.
        progress: called after every chunk.

    Returns:
        ``target``.

    Raises:
        DataError: no connection, refused by the server, broken off, a wrong hash, a full disk.
    """
    if target.is_file() and _sha256(target) == sha256:
        return target
    part = target.with_name(target.name + ".part")
    try:
        _append(url, part, progress)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{url} answered {error.code} {error.reason}; try again later") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            part.unlink(missing_ok=True)
            raise DataError(
                f"{target.parent}: the disk is full; free some space and run this again"
            ) from error
        reason = getattr(error, "reason", error)
        raise DataError(f"{url} cannot be fetched ({reason}); run this again to go on") from error
    found = _sha256(part)
    if found != sha256:
        part.unlink()
        raise DataError(
            f"{url} is not the expected file: its sha256 is {found}, not {sha256}; "
            "it was thrown away"
        )
    return part.replace(target)


def _append(url: str, part: Path, progress: Progress | None) -> None:
    """Append to ``part`` what it lacks."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"visavis/{__version__}"}
    if done:
        headers["Range"] = f"bytes={done}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own list of addresses
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not done:
            raise
        error.close()
        return  # nothing is left to send: the hash tells whether the part is the file
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0  # the server sends the whole file again
        total = done + int(response.headers.get("Content-Length") or 0)
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(f"fetching {part.name.removesuffix('.part')}", done, total)
    if done < total:
        raise http.client.HTTPException(f"broken off at {done} of {total} bytes")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
