"""A writer that is killed at any moment loses nothing it has acknowledged, and leaves no half."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import pytest

from generated_gallery import PlantedModel, planted_face
from visavis.matching.gallery.gallery import Gallery

KILLS = 100
PHOTOS = 3

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it kills its own forks")


def write_until_killed(path, pipe: int, run: int, model: PlantedModel) -> None:
    """Enrol, forget and acknowledge people until the end; in a process of its own."""
    with Gallery(path, model) as gallery:
        for count in range(10**6):
            person = run * 1000 + count
            name = f"Person {person}"
            faces = [planted_face(person, number) for number in range(PHOTOS)]
            gallery.enrol(name, faces, keep_crops=True)
            os.write(pipe, f"+{person}\n".encode())
            if count % 5 == 4:
                os.write(pipe, f"?{person}\n".encode())  # from here on it may be gone
                gallery.forget(name)
                os.write(pipe, f"-{person}\n".encode())


def killed(rng: random.Random, *job, begun: bool) -> list[str]:
    """What a writer acknowledged before it was killed, at a moment drawn by chance.

    Args:
        rng: draws it.
        job: path, run and model.
        begun: kill it only after its first acknowledgement, else perhaps while it begins.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            write_until_killed(job[0], writing, *job[1:])
        finally:
            os._exit(1)  # never back into pytest
    os.close(writing)
    with os.fdopen(reading) as lines:
        first = lines.readline() if begun else ""
        time.sleep(rng.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer failed by itself"
        return (first + lines.read()).splitlines()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_writer_killed_a_hundred_times(tmp_path):
    rng = random.Random(1)
    model = PlantedModel()
    path = tmp_path / "people.db"
    Gallery(tmp_path / "other.db", model).close()  # all is imported before the forks
    there: set[str] = set()
    unknown: set[str] = set()
    acknowledged = 0
    for run in range(KILLS):
        for line in killed(rng, path, run, model, begun=run >= 10):
            kind, name = line[0], f"Person {line[1:]}"
            acknowledged += 1
            if kind == "+":
                there.add(name)
            elif kind == "?":
                unknown.add(name)
            else:
                there.discard(name)
                unknown.discard(name)
        if path.exists() and run % 10 == 9:
            with Gallery(path, model) as gallery:
                assert gallery.verify_integrity() == []
                known = {person.name: person.photos for person in gallery.people()}
            assert there - unknown <= known.keys()
            assert set(known.values()) <= {PHOTOS}  # no half person
    assert acknowledged >= KILLS - 10
    with Gallery(path, model) as gallery:
        known = [person.name for person in gallery.people()]
        gone = {event.person for event in gallery.events() if event.what == "forgotten"}
        enrolled = {event.person for event in gallery.events() if event.what == "enrolled"}
        assert len(known) == len(enrolled - gone)
        # At most the last of each run was enrolled and not acknowledged.
        assert len(set(known) - there) <= KILLS
        person = int(max(there - unknown)[7:])
        assert gallery.identify(planted_face(person, 9)).name == f"Person {person}"
