"""visavis: Siamese networks for faces.

>>> import visavis
>>> verdict = visavis.verify("a.jpg", "b.jpg")
>>> verdict.same, verdict.probability
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from visavis.errors import (
    CrowdError,
    DataError,
    ModelError,
    NoFaceError,
    PhotoError,
    UnsupportedRateError,
    VisavisError,
)
from visavis.version import __version__

if TYPE_CHECKING:
    from visavis.learning import distil, sweep, train, tune
    from visavis.matching.face_model import FaceModel, load
    from visavis.matching.gallery.gallery import Gallery
    from visavis.matching.gallery.key import GalleryKey
    from visavis.matching.verdict import Verdict
    from visavis.matching.verify import verify, verify_all
    from visavis.photos.face import Face
    from visavis.photos.photo import Photo
    from visavis.training.quantise import quantise

__all__ = [
    "CrowdError",
    "DataError",
    "Face",
    "FaceModel",
    "Gallery",
    "GalleryKey",
    "ModelError",
    "NoFaceError",
    "Photo",
    "PhotoError",
    "UnsupportedRateError",
    "Verdict",
    "VisavisError",
    "__version__",
    "distil",
    "load",
    "quantise",
    "sweep",
    "train",
    "tune",
    "verify",
    "verify_all",
]

_HOMES = {
    "Face": "visavis.photos.face",
    "FaceModel": "visavis.matching.face_model",
    "Gallery": "visavis.matching.gallery.gallery",
    "GalleryKey": "visavis.matching.gallery.key",
    "Photo": "visavis.photos.photo",
    "Verdict": "visavis.matching.verdict",
    "distil": "visavis.learning",
    "load": "visavis.matching.face_model",
    "quantise": "visavis.training.quantise",
    "sweep": "visavis.learning",
    "train": "visavis.learning",
    "tune": "visavis.learning",
    "verify": "visavis.matching.verify",
    "verify_all": "visavis.matching.verify",
}


def __getattr__(name: str) -> Any:
    """Import each room on first use, so that ``import visavis`` costs nothing (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'visavis' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
