"""The page's Live view in Chromium: frames labelled a second, and how old a label is.

Chromium and the server share this machine's cores, as on a laptop at a door. The camera is a film
of one or two sample portraits at 640x480 and 30 frames a second; two people are enrolled.

    python benchmarks/live.py [--seconds 30]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import visavis
from visavis.matching.gallery.gallery import Gallery
from visavis.models.model import Model
from visavis.photos.photo import Photo

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
ENROLLED = {"Barack Obama": ("obama_2010", "obama_2012"), "Joe Biden": ("biden_2010",)}
FILMS = {"one face": ("obama_2009",), "two faces": ("obama_2009", "collins")}
WARM_UP = 5  # seconds
GOALS = "at least 10 frames a second, and p95 under 300 ms"

sys.path.insert(
    0, str(ROOT / "tests")
)  # the film, the browser and the server are those of the tests
from browser import chromium, open_page, serving, write_film  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    model = visavis.load("sface")
    busy = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {busy:.1f} before the start; goals: {GOALS}\n")
    print("| in view | frames | frames/s | p50 | p95 |\n| --- | --- | --- | --- | --- |")
    for name, portraits in FILMS.items():
        with tempfile.TemporaryDirectory() as folder:
            enrol(Path(folder), model)
            faces = [find_face(model, portrait) for portrait in portraits]
            film = write_film(Path(folder) / "film.mjpeg", *faces)
            print(f"| {name} | {measure(Path(folder), film, options.seconds)} |", flush=True)


def enrol(folder: Path, model: Model) -> None:
    with Gallery(f"sqlite:///{folder / 'people.db'}", "sface") as gallery:
        gallery.use(model)
        for name, photos in ENROLLED.items():
            gallery.enrol(name, [SAMPLES / f"{photo}.jpg" for photo in photos])


def find_face(model: Model, portrait: str):
    return model.detector.detect(Photo.open(SAMPLES / f"{portrait}.jpg"))[0]


def measure(folder: Path, film: Path, seconds: float) -> str:
    with serving(folder) as address, chromium(film) as browser:
        page = open_page(browser, address, viewport={"width": 1280, "height": 800}).page
        page.goto(f"{address.partition('#')[0]}#/live")
        page.get_by_role("button", name="Start the camera").click()
        time.sleep(WARM_UP)
        # Each label tells its own age, so that the figures are of all frames, not of a sample.
        page.evaluate(
            """() => {
                window.ages = [];
                addEventListener("labelled", (event) => ages.push(event.detail));
            }"""
        )
        begun = time.perf_counter()
        time.sleep(seconds)
        ages = sorted(page.evaluate("ages"))
        took = time.perf_counter() - begun
    p50, p95 = (ages[int(share * len(ages))] for share in (0.5, 0.95))
    return f"{len(ages)} | {len(ages) / took:.1f} | {p50:.0f} ms | {p95:.0f} ms"


if __name__ == "__main__":
    main()
