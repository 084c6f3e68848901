"""An application on loopback without a socket, asked as a client asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from visavis.matching.gallery.key import GalleryKey
from visavis.models.model import Model
from visavis.serving.app import build_app
from visavis.serving.limits import Limits
from visavis.serving.service import Service

SAMPLES = Path(__file__).parents[1] / "samples"
OBAMA = [SAMPLES / f"obama_{year}.jpg" for year in (2009, 2010, 2012)]
COLLINS = SAMPLES / "collins.jpg"

Files = list[tuple[str, tuple[str, bytes, str]]]


class Client(TestClient):
    """A client with the owner's token."""

    service: Service

    def photos(self, path: str, photos: dict[str, Any], **fields: Any) -> Any:
        """Post photos and fields as a form; a photo is a path, bytes, or a list of them."""
        return self.post(path, files=form(photos), data=fields)


@contextmanager
def serving(
    model: Model,
    folder: Path,
    limits: Limits | None = None,
    runs: Path | None = None,
    key: GalleryKey | None = None,
) -> Iterator[Client]:
    """A client of a service of its own, with an empty gallery in ``folder``."""
    tokens = folder / "tokens.json"
    service = Service(model, str(folder / "people.db"), tokens, runs, limits, key=key)
    secret = service.tokens.owner()
    app = build_app(service, ["testserver"])
    with Client(
        app, headers={"Authorization": f"Bearer {secret}"}, raise_server_exceptions=False
    ) as client:
        client.service = service
        yield client


def form(photos: dict[str, Any]) -> Files:
    """Photos as the files of a form."""
    files: Files = []
    for field, given in photos.items():
        for photo in given if isinstance(given, list) else [given]:
            name = photo.name if isinstance(photo, Path) else "upload"
            content = photo.read_bytes() if isinstance(photo, Path) else photo
            files.append((field, (name, content, "application/octet-stream")))
    return files


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, which must be of this status, code and shape."""
    assert response.status_code == status, response.text
    answer = response.json()
    assert set(answer) == {"error", "request_id"}
    assert set(answer["error"]) == {"code", "message", "details"}
    assert answer["request_id"] == response.headers["x-request-id"]
    assert answer["error"]["code"] == code, answer
    message = answer["error"]["message"]
    assert message and "\n" not in message and "Traceback" not in message
    return answer["error"]
