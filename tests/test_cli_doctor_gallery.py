"""``visavis doctor`` tries a gallery: written, read, searched; one mend for each failure."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from generated_gallery import PlantedModel
from visavis.cli import doctor
from visavis.errors import DataError
from visavis.matching.gallery import changes
from visavis.matching.gallery import trial as trials
from visavis.matching.gallery.cipher import Aes256Gcm
from visavis.matching.gallery.faces_table import FacesTable
from visavis.matching.gallery.searching import Searcher
from visavis.models.model import Model


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    model = PlantedModel()
    monkeypatch.setattr(Model, "load", lambda *_, **__: model)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(trials, "PEOPLE", 3)
    return tmp_path


def outcomes() -> list[tuple[str, bool]]:
    return [(check.name, check.good) for check in doctor._gallery()]


def test_all_is_well(temporary: Path) -> None:
    checks = doctor._gallery()
    steps = ["gallery write", "gallery read", "gallery decrypt", "gallery search"]
    assert [check.name for check in checks] == steps
    assert all(check.good for check in checks)
    assert checks[0].outcome.endswith("ms a person of 5 photos, each kept for good")
    assert checks[1].outcome.endswith("ms for 15 photos")
    assert checks[2].outcome.endswith("ms for 15 embeddings")
    assert " ms a search" in checks[3].outcome
    assert list(temporary.iterdir()) == []  # nothing is left


def test_no_room_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(store, *_, **__):
        raise DataError(f"{store.database.name} cannot grow: the disk is full; free some space")

    monkeypatch.setattr(changes, "enrol", full)
    (check,) = doctor._gallery()  # what follows is not tried
    assert (check.name, check.good) == ("gallery write", False)
    assert "the disk is full; free some space" in check.outcome


def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    (check,) = doctor._gallery()
    assert (check.name, check.good) == ("gallery", False)
    assert "set TMPDIR to a folder that you may write to" in check.outcome


def test_other_faces_are_read_than_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    read = FacesTable.embeddings

    def garbled(table, connection):
        owners, rows = read(table, connection)
        rows = rows.copy()
        rows[0, 0] = np.nextafter(rows[0, 0], np.float32(9))
        return owners, rows

    monkeypatch.setattr(FacesTable, "embeddings", garbled)
    assert outcomes() == [("gallery write", True), ("gallery read", False)]
    assert "check the disk" in doctor._gallery()[-1].outcome


def test_something_else_is_decrypted_than_was_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aes256Gcm, "open", lambda *_: b"something else")
    assert outcomes()[-1] == ("gallery decrypt", False)
    assert "pip install --force-reinstall cryptography" in doctor._gallery()[-1].outcome


def test_a_search_that_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Searcher.search

    def strange(searcher, probe, rule):
        turned = type(probe)(probe.source, probe.faces, -probe.embeddings, 1)
        return search(searcher, turned, rule)

    monkeypatch.setattr(Searcher, "search", strange)
    assert outcomes()[-1] == ("gallery search", False)
    assert "reinstall numpy and visavis" in doctor._gallery()[-1].outcome


def test_faiss_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert outcomes()[-1] == ("gallery search", False)
    assert "pip install --force-reinstall faiss-cpu" in doctor._gallery()[-1].outcome
