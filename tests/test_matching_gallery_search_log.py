"""Searches in the audit log."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from visavis.errors import DataError
from visavis.matching.gallery import search_log
from visavis.matching.gallery.search_log import SearchLog


class Written:
    """A store that keeps its log's lines, or cannot."""

    def __init__(self) -> None:
        self.lines: list[tuple[int | None, int]] = []
        self.full = False
        self.database = self

    @contextmanager
    def writing(self):
        if self.full:
            raise DataError("the disk is full")
        yield None

    def log(self, _, what, person, searches):
        assert what == "identified"
        self.lines.append((person, searches))


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=5.0)
    monkeypatch.setattr(search_log.time, "monotonic", lambda: clock.now)
    return clock


def test_everybody_who_is_found_is_logged_at_once_and_then_once_a_minute(clock):
    store = Written()
    log = SearchLog(store)
    for _ in range(100):  # ten seconds before a camera
        log.add([7, None])
        clock.now += 0.1
    assert store.lines == [(7, 1), (None, 1)]
    clock.now += 60
    log.add([8])  # whoever searches next writes what is due
    assert store.lines[2:] == [(7, 99), (None, 99), (8, 1)]
    clock.now += 60
    log.add([8])
    assert store.lines[5:] == [(8, 1)]
    log.add([8, 8])
    log.flush()
    log.flush()
    assert store.lines[6:] == [(8, 2)]


def test_what_cannot_be_written_is_told_and_written_with_the_next(clock):
    store = Written()
    log = SearchLog(store)
    store.full = True
    for _ in range(2):
        with pytest.raises(DataError, match="full"):
            log.add([7])
    store.full = False
    log.add([7])
    assert store.lines == [(7, 3)]
