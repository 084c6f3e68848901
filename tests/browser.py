"""A real Chromium before a real server: what the tests of the page share.

The browser's camera is a film of two sample portraits beside each other, so that one frame shows
somebody who may be enrolled and somebody who never is.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from visavis.photos.face import Face

HOW_TO_GET_IT = (
    "the page's tests need Chromium: apt-get install chromium, or say where it is in CHROMIUM"
)
FILM = (640, 480)
FRAMES = 30
PATIENCE = 30_000
"""Milliseconds for one step: a machine that trains beside the tests is slow, not broken."""


def find_chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    pytest.importorskip(
        "playwright", reason="the page's tests need playwright: pip install '.[dev]'"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(HOW_TO_GET_IT)
    return found


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """A server with an empty gallery in ``folder``; yields the page's address with its token."""
    command = [sys.executable, "-m", "visavis", "serve", "--port", "0", "--json"]
    command += ["--gallery", str(folder / "people.db"), "--tokens", str(folder / "tokens.json")]
    command += options
    (folder / "temporary").mkdir()
    # Whatever it would keep of a photo beside the gallery would lie there.
    environment = {**os.environ, "TMPDIR": str(folder / "temporary")}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line, (folder / "log").read_text()
            yield json.loads(line)["address"]
        finally:
            server.terminate()
            server.communicate(timeout=30)


def write_film(path: Path, left: Face, right: Face | None = None) -> Path:
    """A film for Chromium's fake camera: faces that sway a little, the left one larger."""
    portraits = [(_portrait(left, 340), 15, 70)]
    if right:
        portraits.append((_portrait(right, 230), 390, 130))
    with path.open("wb") as film:
        for number in range(FRAMES):
            sway = round(5 * math.sin(2 * math.pi * number / FRAMES))
            frame = Image.new("RGB", FILM, (188, 196, 204))
            for portrait, x, y in portraits:
                frame.paste(portrait, (x + sway, y))
            frame.save(film, "JPEG", quality=88, subsampling="4:2:0")
    return path


def _portrait(face: Face, side: int) -> Image.Image:
    left, top, width, height = face.box
    reach = max(width, height)
    x, y = left + width / 2, top + height / 2
    photo = Image.fromarray(face.photo.pixels)
    return photo.crop((int(x - reach), int(y - reach), int(x + reach), int(y + reach))).resize(
        (side, side)
    )


@contextmanager
def chromium(film: Path) -> Iterator[Any]:
    """One browser whose camera shows a film."""
    from playwright.sync_api import sync_playwright

    camera = f"--use-file-for-fake-video-capture={film}"
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", camera]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", *fake]
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what a user does not see of it.

    Attributes:
        page: of Playwright.
        requests: the address of each request, data and blob addresses apart.
        wrong: errors and warnings of the console, and exceptions of scripts.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def open_page(browser: Any, address: str, script: str = "", **context: Any) -> Watched:
    """A new page in a context of its own, watched from its first request on.

    Args:
        browser: of ``chromium``.
        address: with the token.
        script: runs before those of the page.
        context: of Playwright, such as ``viewport``.
    """
    page = browser.new_context(permissions=["camera"], **context).new_page()
    watched = Watched(page)
    page.set_default_timeout(PATIENCE)
    page.add_init_script(script)
    page.on("request", lambda request: watched.requests.append(request.url))
    page.on("pageerror", lambda error: watched.wrong.append(str(error)))
    page.on("console", lambda said: _note(watched, said))
    page.goto(address)
    return watched


def _note(watched: Watched, said: Any) -> None:
    if said.type in ("error", "warning"):
        watched.wrong.append(f"{said.text} ({said.location.get('url')})")
