"""``visavis doctor``: does it work here, how fast, and if not, what mends it?"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from visavis.cli import show
from visavis.cli.options import AsJson
from visavis.errors import DataError, ModelError, VisavisError
from visavis.version import __version__

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from visavis.matching.gallery.store import Store

AGREEMENT = 0.999
FACES = 1000
OF_EACH = 10


@dataclass(frozen=True)
class Check:
    """One thing that was tried: its outcome in words, and whether it went well."""

    name: str
    good: bool
    outcome: str


def doctor(as_json: AsJson = False) -> None:
    """Check the installation step by step; exits with 1 where something is broken."""
    checks = [
        _try("python", _python),
        _try("cache folder", _cache),
        _try("detector", _detector),
        _try("default model", _model),
        _try("runtimes agree", _agreement),
        _try("speed", _speed),
        _try("gallery", _gallery),
    ]
    if as_json:
        show.print_json({"version": __version__, "checks": [vars(check) for check in checks]})
    else:
        show.say(f"visavis {__version__}")
        for check in checks:
            show.say(f"  {'ok  ' if check.good else 'FAIL'}  {check.name}: {check.outcome}")
    raise typer.Exit(0 if all(check.good for check in checks) else 1)


def _try(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except (VisavisError, OSError) as error:
        return Check(name, False, str(error))
    except ImportError as error:
        return Check(name, False, f"{error}; install visavis again")


def _python() -> str:
    cores = os.cpu_count()
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}, {cores} cores"


def _cache() -> str:
    from visavis.files import write_atomically
    from visavis.runtime.cache import cache_folder

    probe = cache_folder() / "doctor"
    write_atomically(probe, b"visavis")
    probe.unlink()
    return str(cache_folder())


def _detector() -> str:
    import numpy as np

    from visavis.photos.detect import Detector
    from visavis.photos.photo import Photo

    found = Detector().detect(Photo(np.full((64, 64, 3), 128, np.uint8), "grey"))
    return f"YuNet runs; {len(found)} faces in a grey picture"


def _model() -> str:
    from visavis.models.folder import ENCODER, fingerprint
    from visavis.models.model import Model

    model = Model.load()
    if fingerprint(model.card, (model.folder / ENCODER).read_bytes()) != model.card.fingerprint:
        raise ModelError(f"{model.folder} is not what its card says; remove it, it is made again")
    return f"{model.name} by {model.encoder.runtime}, fingerprint {model.card.fingerprint[:12]}"


def _agreement() -> str:
    import numpy as np

    from visavis.models.model import Model

    crops = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8)
    default, fallback = Model.load(), Model.load(runtime="onnxruntime")
    lowest = float(default.similarity(default.encode(crops), fallback.encode(crops)).min())
    names = f"{default.encoder.runtime} and {fallback.encoder.runtime}"
    if lowest < AGREEMENT:
        raise ModelError(f"{names} differ (cosine {lowest:.4f}); reinstall openvino, onnxruntime")
    return f"{names}, cosine at least {lowest:.5f}"


def _speed() -> str:
    import numpy as np

    from visavis.models.model import Model

    model = Model.load(threads=1)
    crops = np.zeros((32, 112, 112, 3), dtype=np.uint8)
    model.encode(crops)
    start = time.perf_counter()
    model.encode(crops)
    return f"{(time.perf_counter() - start) / len(crops) * 1e3:.1f} ms a face on one thread"


def _gallery() -> str:
    """Write, open and search an encrypted gallery of planted faces, where it leaves no trace."""
    import tempfile

    import numpy as np

    from visavis.matching.gallery.index import FaceIndex

    drawn = np.random.default_rng(0).standard_normal((FACES, 128)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        times = [time.perf_counter()]
        people, store = _planted(Path(folder), drawn)
        times.append(time.perf_counter())
        with store.database.reading() as connection:
            owners, vectors = store.faces.embeddings(connection)
        times.append(time.perf_counter())
        found = FaceIndex(owners, vectors, by_product=False).nearest_people(drawn[7 * OF_EACH], 1)
        times.append(time.perf_counter())
        store.database.close()
    if found != people[7:8] or not np.array_equal(vectors, drawn):
        raise DataError("a gallery does not give back what was written; install visavis again")
    wrote, opened, searched = np.diff(times) * 1e3
    return (
        f"{FACES:,} faces written encrypted in {wrote:.0f} ms, read and decrypted in "
        f"{opened:.0f} ms, one searched for in {searched:.1f} ms"
    )


def _planted(folder: Path, embeddings: NDArray[np.float32]) -> tuple[list[int], Store]:
    from visavis.matching.gallery.database import Database
    from visavis.matching.gallery.key import GalleryKey, new_key_file
    from visavis.matching.gallery.rows import SeenFace
    from visavis.matching.gallery.store import Store

    new_key_file(folder / "key")
    key = GalleryKey.from_file(folder / "key")
    size = embeddings.shape[1]
    store = Store.create(Database(folder / "people.db"), "doctor", "0" * 64, size, key)
    people = []
    with store.database.writing() as connection:
        for start in range(0, len(embeddings), OF_EACH):
            people.append(store.people.add(connection, f"Person {start}", None, None))
            some = embeddings[start : start + OF_EACH]
            seen = [SeenFace(one, b"", "", (0, 0, 1, 1), 1, 1, 0, 1) for one in some]
            store.faces.add(connection, people[-1], seen)
    return people, store
