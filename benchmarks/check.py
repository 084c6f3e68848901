"""`visavis gallery check`: its time and memory on planted people, and what it finds on LFW.

python benchmarks/check.py --faces 1000 10000 [--lfw data/lfw --people 496]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

from cold import FOLDER, plant, run_once


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--lfw", help="the unpacked LFW folder, with its lists")
    parser.add_argument("--people", type=int, default=496, help="of devTest, with two photos")
    options = parser.parse_args()
    print("| people | photos | check | CPU time | memory | found |\n" + "| --- " * 6 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for faces in options.faces:
            gallery = Path(folder) / f"{faces}.db"
            plant(gallery, faces)
            tell("planted", gallery)
        if options.lfw:
            gallery = Path(folder) / "lfw.db"
            enrol(gallery, options.lfw, options.people)
            for why in tell("LFW devTest", gallery):
                print(f"- {why}")


def tell(people: str, gallery: Path) -> list[str]:
    """A line of the table; what is found of other kinds than weak and single photos."""
    command = [str(FOLDER / "visavis"), "gallery", "check", "--gallery", str(gallery), "--json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    run = run_once(command)
    kinds = Counter(finding["kind"] for finding in said["findings"])
    found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "nothing"
    times = f"{run.wall:.2f} s | {run.cpu:.2f} s | {run.memory:.0f} MiB"
    print(f"| {said['people']:,} {people} | {said['photos']:,} | {times} | {found} |", flush=True)
    return [f["why"] for f in said["findings"] if f["kind"] not in ("weak", "single")]


def enrol(gallery: Path, lfw: str, people: int) -> None:
    from visavis.data.source import open_source
    from visavis.matching.gallery.gallery import Gallery

    faces = open_source(f"lfw:{lfw}", view=1).faces
    rows = (faces.split == "devTest").nonzero()[0]
    counts = Counter(faces.people[rows].tolist())
    some = set(islice((person for person, count in counts.items() if count > 1), people))
    listed = [
        (faces.names[faces.people[row]], faces.photos[row])
        for row in rows
        if int(faces.people[row]) in some
    ]
    with Gallery(gallery) as made:
        for _ in made.enrol_many(listed, force=True, faces="central"):
            pass


if __name__ == "__main__":
    main()
