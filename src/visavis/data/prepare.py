"""Public data sets made ready to open: fetched, checked, unpacked, with their lists beside."""

from __future__ import annotations

import shutil
from pathlib import Path

from visavis.data.download import Progress, fetch
from visavis.data.known import KnownSet, known_sets
from visavis.data.unpack import unpack
from visavis.errors import DataError


def prepare(
    name: str,
    target: Path,
    archive: Path | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Make a public data set ready in ``target``, for ``open_source(f"{name}:{target}")``.

    What is already there is left alone, so a run that was interrupted or lacked something is
    simply run again. Lists (``*.txt``) that lie beside the archive are copied.

    Args:
        name: ``lfw`` or ``att``.
        target: folder to make or to complete.
        archive: the user's own copy of the photos, ``.tgz`` or ``.zip``.
        download: fetch what is still missing from the known addresses.
        progress: called with what is being done, bytes done and bytes in all.

    Returns:
        The folder of photos in ``target``.

    Raises:
        DataError: an unknown name, nothing to make it from, lists that are still missing, or what
            ``fetch`` and ``unpack`` raise.
    """
    known = {kind: one for kind, one in known_sets().items() if one.by_person}
    if name not in known:
        public = known_sets().get(name)
        where = f"; get it {public.where}" if public else ""
        raise DataError(
            f"{name!r} is not a data set that can be prepared: {', '.join(known)}{where}"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{target} cannot be made: {error.strerror}") from error
    photos = _photos(known[name], target, archive, download, progress)
    if archive is not None:
        _copy_lists(archive.parent, target)
    for file in known[name].lists:
        if download and not (target / file.name).is_file():
            fetch(file.url, target / file.name, file.sha256, progress)
    missing = [file.name for file in known[name].lists if not (target / file.name).is_file()]
    if missing:
        raise DataError(
            f"{target}: the photos are unpacked, but {', '.join(missing)} are missing; put them "
            f"there, or run 'visavis data prepare {name} --download' to fetch them"
        )
    return photos


def _photos(
    known: KnownSet, target: Path, archive: Path | None, download: bool, progress: Progress | None
) -> Path:
    there = next((target / f for f in known.folders if (target / f).is_dir()), None)
    if there is not None:
        return there
    if archive is not None:
        return unpack(archive, target, known.folders, progress)
    if not download or known.archive is None:
        raise DataError(f"{target} holds no photos yet; get {known.title} {known.where}")
    file = known.archive
    packed = fetch(file.url, target / file.name, file.sha256, progress)
    photos = unpack(packed, target, known.folders, progress)
    packed.unlink()
    return photos


def _copy_lists(folder: Path, target: Path) -> None:
    for pattern in ("pairs*.txt", "people*.txt"):
        for path in sorted(folder.glob(pattern)):
            if not (target / path.name).exists():
                try:
                    shutil.copyfile(path, target / path.name)
                except OSError as error:
                    (target / path.name).unlink(missing_ok=True)
                    raise DataError(f"{path} cannot be copied: {error.strerror}") from error
