"""What a search costs: what belongs to the gallery is asked for once, not for each face."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from generated_gallery import PlantedModel, planted_face
from visavis.errors import UnsupportedRateError
from visavis.matching.gallery import threshold
from visavis.matching.gallery.database import Database
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.gallery import Gallery

THREADS = 8


@pytest.fixture
def gallery(tmp_path):
    with Gallery(tmp_path / "people.db", PlantedModel()) as made:
        for person in range(3):
            made.enrol(f"Person {person}", [planted_face(person, 0), planted_face(person, 1)])
        yield made


@contextmanager
def told(target, name):
    """What SQLAlchemy tells of, call by call."""
    calls = []

    def note(*arguments):
        calls.append(arguments)

    event.listen(target, name, note)
    yield calls
    event.remove(target, name, note)


def test_a_search_asks_the_database_no_more_than_it_must(gallery):
    gallery.identify(planted_face(1, 2))
    with told(gallery._store.database.engine, "before_cursor_execute") as calls:
        assert gallery.identify(planted_face(1, 3)).name == "Person 1"
    statements = [call[2] for call in calls if call[2].startswith("SELECT")]
    assert len(statements) <= 4, statements  # whole? of which generation? who is expired? names
    assert not any("count(" in statement for statement in statements)


def test_a_threshold_is_computed_once_for_a_size_of_the_gallery(gallery, monkeypatch):
    sizes = []
    fmr_for = threshold.fmr_for

    def noted(fpir, photos):
        sizes.append(photos)
        return fmr_for(fpir, photos)

    monkeypatch.setattr(threshold, "fmr_for", noted)
    for number in (2, 3, 4):
        assert gallery.identify(planted_face(0, number)).threshold.photos == 6
    assert sizes == [6]
    gallery.enrol("Person 0", [planted_face(0, 9)])
    assert gallery.identify(planted_face(0, 5)).threshold.photos == 7
    assert sizes == [6, 7]


def test_a_rule_that_is_none_is_refused_before_a_photo_is_opened(gallery):
    for _ in range(2):  # also where the gallery is loaded already
        with pytest.raises(UnsupportedRateError, match="between 0 and 1"):
            next(gallery.identify_many(["nowhere.jpg"], SearchRule(fpir=2)))
        gallery.identify(planted_face(0, 2))


def test_a_new_name_is_told_at_once(gallery):
    gallery.identify(planted_face(1, 2))
    gallery.rename("Person 1", "Ada")
    assert gallery.identify(planted_face(1, 2)).name == "Ada"


def test_threads_keep_their_connections(tmp_path):
    database = Database(tmp_path / "people.db")
    together = threading.Barrier(THREADS)

    def read() -> None:
        with database.reading():
            together.wait()  # all are open at once

    with told(database.engine, "connect") as opened:
        for _ in range(3):
            threads = [threading.Thread(target=read) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    database.close()
    assert len(opened) == THREADS
