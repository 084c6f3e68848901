"""``visavis doctor``: does it work here, how fast, and if not, what mends it?"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import typer

from visavis.cli import show
from visavis.cli.options import AsJson
from visavis.errors import ModelError, VisavisError
from visavis.version import __version__

AGREEMENT = 0.999


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
        *_gallery(),
        _try("API", _api),
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


def _gallery() -> list[Check]:
    """The steps of a gallery's life; what follows one that fails would only fail as well."""
    from visavis.matching.gallery.trial import trial
    from visavis.models.model import Model

    checks: list[Check] = []
    try:
        with trial(Model.load()) as tried:
            for name, step in tried.steps.items():
                checks.append(_try(name, step))
                if not checks[-1].good:
                    break
    except (VisavisError, OSError) as error:
        checks.append(Check("gallery", False, str(error)))
    return checks


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


def _api() -> str:
    from visavis.serving.check import check_api

    return check_api()
