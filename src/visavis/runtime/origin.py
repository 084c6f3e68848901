"""Where a published file comes from: an installed wheel, else an address; always checked."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import ModelError


@dataclass(frozen=True)
class Origin:
    """One file that somebody else published.

    Attributes:
        sha256: of its content, or where its publisher states no more the first eight digits or
            more; a copy with another hash is refused.
        url: where it can be downloaded; empty where it cannot.
        package: an installed package that carries it (it is read, never imported); may be empty.
        resource: its path inside that package.
    """

    sha256: str
    url: str = ""
    package: str = ""
    resource: str = ""

    def read(self) -> bytes:
        """The file's bytes, from the first source that has them unchanged.

        Raises:
            ModelError: no source has it; the message says what was tried.
        """
        tried: list[str] = []
        if self.package and (path := package_file(self.package, self.resource)):
            content = path.read_bytes()
            if self._matches(content):
                return content
            tried.append(f"{path} has another sha256 than it should")
        elif self.package:
            tried.append(f"the package {self.package} is not installed")
        if self.url:
            try:
                content = download(self.url)
            except OSError as error:
                tried.append(f"{self.url} cannot be reached ({error})")
            else:
                if self._matches(content):
                    return content
                tried.append(f"{self.url} serves a file with another sha256 than it should")
        mend = (
            f"; reinstall it: pip install --force-reinstall {self.package}" if self.package else ""
        )
        raise ModelError("a model file is missing: " + " and ".join(tried) + mend)

    def _matches(self, content: bytes) -> bool:
        return hashlib.sha256(content).hexdigest().startswith(self.sha256)


def package_file(package: str, resource: str) -> Path | None:
    """The path of a file inside an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / resource
        if path.is_file():
            return path
    return None


def download(url: str, timeout: float = 60.0) -> bytes:
    """The bytes at an ``https`` (or, for tests and intranets, ``http``) address.

    Raises:
        OSError: it is no such address, cannot be reached, answers with an error or breaks off.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    if not url.startswith(("https://", "http://")):
        raise OSError(f"{url} is not an http address")
    try:
        with urlopen(url, timeout=timeout) as response:  # noqa: S310 - the scheme is checked above
            content: bytes = response.read()
    except HTTPError as error:
        error.close()
        raise
    except (HTTPException, ValueError) as error:
        raise OSError(str(error) or type(error).__name__) from None
    return content
