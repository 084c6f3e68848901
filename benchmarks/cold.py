"""One comparison from the shell: a process that starts, compares two photos, and ends."""

from __future__ import annotations

import os
import statistics
import sys
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


def cold_runs(first: str, second: str, runs: int) -> dict[str, list[Run]]:
    """Each library's command, ``runs`` times in turn, after a round that warms the caches."""
    folder = Path(sys.executable).parent
    commands = {
        "visavis": [str(folder / "visavis"), "verify", first, second],
        "verifyface": [str(folder / "verifyface"), "compare", first, second],
        "face_recognition": [sys.executable, "-c", FACE_RECOGNITION, first, second],
    }
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            run = _run(command)
            if number:
                measured[name].append(run)
    return measured


def median(runs: list[Run]) -> Run:
    """Field by field."""
    return Run(*(statistics.median(field) for field in zip(*map(_fields, runs), strict=True)))


def _fields(run: Run) -> tuple[float, float, float]:
    return run.wall, run.cpu, run.memory


def _run(command: list[str]) -> Run:
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
