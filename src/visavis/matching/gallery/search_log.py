"""What the audit log says of searches."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from visavis.errors import DataError
from visavis.matching.gallery.store import Store

EVERY = 60.0
"""Seconds. Somebody in front of a camera is found ten times a second, and is a line a minute."""


@dataclass
class _Seen:
    """Of one person, or of nobody: when the last line was written, and how many searches since."""

    written: float
    since: int = 0


class SearchLog:
    """Writes who was found by whose searches: at once, and again after a minute, with their number.

    A process that is killed loses the count of the last minute's repetitions, never who was found.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: dict[int | None, _Seen] = {}

    def add(self, found: Iterable[int | None]) -> None:
        """Note searches by the numbers of whom they found; ``None`` for nobody.

        Raises:
            DataError: a line that is due cannot be written.
        """
        now = time.monotonic()
        with self._lock:
            for person in found:
                self._seen.setdefault(person, _Seen(-EVERY)).since += 1
        self._write(before=now - EVERY)

    def flush(self) -> None:
        """Write what has not been written yet.

        Raises:
            DataError: it cannot be written.
        """
        self._write(before=float("inf"))

    def _write(self, before: float) -> None:
        """Write a line for each whose last one was written before a time, and has had searches."""
        now = time.monotonic()
        with self._lock:
            past = {person: seen for person, seen in self._seen.items() if seen.written <= before}
            due = {person: seen.since for person, seen in past.items() if seen.since}
            for person in past:
                del self._seen[person]
            self._seen |= {person: _Seen(now) for person in due}
        if not due:
            return
        try:
            with self._store.database.writing() as connection:
                for person, searches in due.items():
                    self._store.log(connection, "identified", person, searches)
        except DataError:
            with self._lock:  # the next search tries again
                self._seen |= {person: _Seen(-EVERY, searches) for person, searches in due.items()}
            raise
