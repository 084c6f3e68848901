"""Opening a source of photos by its kind and path."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from visavis.data.att import looks_like_att, open_att
from visavis.data.celeba import looks_like_celeba, open_celeba
from visavis.data.csv_source import open_csv
from visavis.data.faceset import Source
from visavis.data.folder import open_folder
from visavis.data.known import known_sets
from visavis.data.lfw import looks_like_lfw, open_lfw
from visavis.errors import DataError

__all__ = ["SOURCES", "Opener", "Source", "open_source"]

Opener = Callable[[Path, int | None, int], Source]  # path, view, seed

SOURCES: dict[str, Opener] = {
    "lfw": open_lfw,
    "att": open_att,
    "celeba": open_celeba,
    "folder": open_folder,
    "csv": open_csv,
}


def open_source(spec: str, view: int | None = None, seed: int = 0) -> Source:
    """Open ``lfw:DIR``, ``att:DIR``, ``celeba:DIR``, ``folder:DIR``, ``csv:FILE``, or a bare path.

    A bare path is LFW where it is named or listed as LFW, AT&T where it holds ``s1/1.pgm``, CelebA
    where it holds ``identity_CelebA.txt``, a CSV of pairs by its suffix, and else a folder of
    people.

    Args:
        spec: kind and path, or a path; ``~`` is the home folder.
        view: 1 or 2, for LFW only.
        seed: draws the pairs of sources that list none.

    Raises:
        DataError: an unknown kind, a missing path, a view for a source without views, or what the
            source's own opener raises.
    """
    kind, colon, rest = spec.partition(":")
    if not (colon and kind in SOURCES):
        kind, rest = "", spec
    path = Path(os.path.expanduser(rest))  # noqa: PTH111 - leaves an unknown ~user as it is
    if not os.path.exists(path):  # noqa: PTH110 - False where a name is too long for a file
        raise DataError(_not_found(spec, kind, path))
    kind = kind or _guess(path)
    if view is not None and kind != "lfw":
        raise DataError(f"{spec} has no View {view}: views belong to LFW; leave the view out")
    return SOURCES[kind](path, view, seed)


def _guess(path: Path) -> str:
    if path.is_file():
        suffixes = {".csv": "csv", ".zip": "att", ".tgz": "lfw", ".gz": "lfw", ".tar": "lfw"}
        if path.suffix.lower() not in suffixes:
            raise DataError(f"{path} is neither a folder nor a CSV of pairs")
        return suffixes[path.suffix.lower()]
    if looks_like_lfw(path):
        return "lfw"
    if looks_like_att(path):
        return "att"
    return "celeba" if looks_like_celeba(path) else "folder"


def _not_found(spec: str, kind: str, path: Path) -> str:
    known = ", ".join(f"{name}:PATH" for name in SOURCES)
    if kind:
        public = known_sets().get(kind)
        return f"{path} does not exist" + (f"; get {public.title} {public.where}" if public else "")
    where = "; ".join(f"{name}: get it {public.where}" for name, public in known_sets().items())
    return f"{spec!r} is neither a path that exists nor one of {known} ({where})"
