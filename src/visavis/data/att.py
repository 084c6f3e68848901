"""The AT&T (ORL) Database of Faces: 40 people, ten grey photos each, 92 x 112 pixels.

Samaria and Harter, "Parameterisation of a stochastic model for human face identification", 1994.
"""

from __future__ import annotations

from pathlib import Path

from visavis.data.faceset import FaceSet, Source
from visavis.data.known import known_sets
from visavis.data.sampling import sample_pairs
from visavis.errors import DataError


def open_att(path: Path, view: int | None = None, seed: int = 0) -> Source:  # noqa: ARG001
    """All 1,800 genuine pairs of AT&T, and 1,800 impostor pairs drawn by the seed.

    Args:
        path: the folder that holds ``s1/1.pgm``, or the folder around it.
        view: not used; AT&T has one protocol.
        seed: draws the impostor pairs.

    Raises:
        DataError: an archive instead of a folder, or missing photos.
    """
    if path.is_file():
        raise DataError(
            f"{path} is still packed: run 'visavis data prepare att --archive {path}' first"
        )
    root = _photos_folder(path)
    table = [(f"s{person}", f"{photo}.pgm") for person in range(1, 41) for photo in range(1, 11)]
    photos = [root / person / photo for person, photo in table]
    missing = [photo for photo in photos if not photo.is_file()]
    if missing:
        shown = ", ".join(str(photo.relative_to(root)) for photo in missing[:3])
        raise DataError(
            f"{root}: {len(missing)} of AT&T's 400 photos are missing ({shown}"
            f"{', ...' if len(missing) > 3 else ''}); get it {known_sets()['att'].where}"
        )
    faces = FaceSet.from_names("att", photos, [person for person, _ in table])
    pairs = sample_pairs(faces, "AT&T", seed)
    protocol = f"AT&T: all genuine pairs, and as many impostor pairs drawn with seed {seed}"
    return Source("att", protocol, faces, pairs)


def looks_like_att(path: Path) -> bool:
    """Whether a folder holds ``s1/1.pgm``, itself or in AT&T's own folder."""
    return (_photos_folder(path) / "s1" / "1.pgm").is_file()


def _photos_folder(path: Path) -> Path:
    return next((path / f for f in known_sets()["att"].folders if (path / f).is_dir()), path)
