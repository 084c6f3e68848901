"""Memory between training steps."""

import subprocess
import sys

import pytest

from visavis.training import memory

FAULTS = """
import resource
from contextlib import nullcontext
from visavis.training.memory import kept_memory

size = 2**26

def faults(around):
    with around:
        b"x" * size
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            b"x" * size
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(nullcontext()), faults(kept_memory()), faults(nullcontext()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked to keep memory")
def test_kept_memory_is_not_filled_by_the_system_again() -> None:
    # In a process of its own: how memory is kept holds for the whole of it.
    command = [sys.executable, "-c", FAULTS]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    before, kept, after = map(int, ran.stdout.split())

    assert before > 10 * max(kept, 1)
    assert after > 10 * max(kept, 1), "afterwards everything is as before"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_keep_memory_as_they_do(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(memory.ctypes, "CDLL", None)  # calling it would fail

    with memory.kept_memory():
        pass
