"""What the tests share: the built-in model, the sample portraits, the real data where it is."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import visavis
from generated_evaluation import CALIBRATION, draw_scores
from postgres_server import new_database, running_postgres
from visavis.models.model import Model
from visavis.photos.face import Face
from visavis.photos.photo import Photo

# A first example may compile a network or fill a cache: time says nothing about correctness.
settings.register_profile("visavis", deadline=None)
settings.load_profile("visavis")

# Tests run side by side, a core each; more threads than cores wait for each other most of the time.
# Processes that tests start inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample portraits."""
    return REPOSITORY / "samples"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real LFW and AT&T; a test that needs it is skipped without it."""
    folder = Path(os.environ.get("VISAVIS_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real data: set VISAVIS_DATA to the folder of LFW and AT&T")
    return folder


@pytest.fixture(scope="session")
def model() -> Model:
    """The built-in model."""
    return visavis.load("sface")


@pytest.fixture(scope="session")
def calibrated(model: Model) -> Model:
    """The built-in network under a made-up calibration, which no measurement moves."""
    twin = copy.copy(model)
    twin.card = model.card.model_copy(
        update={"calibration": CALIBRATION, "scores": draw_scores(), "name": "drawn"}
    )
    return twin


@pytest.fixture(scope="session")
def sample_faces(model: Model, samples: Path) -> dict[str, Face]:
    """The face of each sample portrait, by the file's stem."""
    photos = {path.stem: Photo.open(path) for path in sorted(samples.glob("*.jpg"))}
    return {stem: model.detector.detect(photo)[0] for stem, photo in photos.items()}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server; a test that needs it is skipped without it.

    Not in pytest's own folder: run by root the server is another user's, and each start of pytest
    closes that folder to all others again, under a server that is running already.
    """
    with (
        tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder,
        running_postgres(Path(folder) / "data") as server,
    ):
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that does not exist yet: the same behaviour on SQLite and PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'people.db'}"
        return
    with new_database(request.getfixturevalue("postgres")) as address:
        yield address
