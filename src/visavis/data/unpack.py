"""Unpacking an archive of photos: safely, and whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath, PureWindowsPath

from visavis.data.download import Progress
from visavis.errors import DataError
from visavis.photos.photo import SUFFIXES

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, LZMAError, RuntimeError)


def unpack(
    archive: Path, target: Path, names: tuple[str, ...], progress: Progress | None = None
) -> Path:
    """Unpack the folder of people that a tar or zip archive holds into ``target``.

    All happens in ``target/.unpacking``, which is renamed at the end and removed on any failure,
    so a folder of photos is never half there.

    Args:
        archive: ``.tgz``, ``.tar`` or ``.zip``.
        target: existing folder.
        names: that the new folder may have; one of another name, or none, gets the last of them.
        progress: called with bytes of the archive.

    Returns:
        The new folder of people in ``target``.

    Raises:
        DataError: not an archive, damaged or truncated, with members that point outside of it,
            without photos in folders, the folder already there, or a full disk.
    """
    work = target / ".unpacking"
    shutil.rmtree(work, ignore_errors=True)  # left by a run that was killed
    with _explained(archive, target):
        try:
            work.mkdir()
            if zipfile.is_zipfile(archive):
                _unzip(archive, work, progress)
            else:
                _untar(archive, work, progress)
            people = _folder_of_people(work, archive)
            made = target / (people.name if people.name in names else names[-1])
            if made.exists():
                raise DataError(f"{made} is already there; remove it to unpack {archive} again")
            return people.rename(made)
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _explained(archive: Path, target: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} does not exist") from error
    except tarfile.FilterError as error:
        raise DataError(f"{archive} is not safe to unpack: {error}") from error
    except _DAMAGED as error:
        raise DataError(
            f"{archive} is damaged, truncated or no archive ({error}); fetch it again"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            message = f"{target}: the disk is full; free some space and run this again"
        elif error.errno is None:  # gzip's own: not a gzip file, wrong checksum
            message = f"{archive} is damaged ({error}); fetch it again"
        else:
            message = f"{archive} cannot be unpacked into {target}: {error.strerror}"
        raise DataError(message) from error


def _untar(archive: Path, work: Path, progress: Progress | None) -> None:
    size = archive.stat().st_size
    with archive.open("rb") as raw, tarfile.open(fileobj=raw) as tar:
        for member in tar:
            tar.extract(member, work, filter="data")
            if progress:
                progress(f"unpacking {archive.name}", raw.tell(), size)
        while tar.fileobj and tar.fileobj.read(1 << 20):
            pass  # to the end of the stream, whose checksum only then is checked


def _unzip(archive: Path, work: Path, progress: Progress | None) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        for member in members:
            inside = PurePosixPath(member.filename), PureWindowsPath(member.filename)
            if any(path.is_absolute() or ".." in path.parts for path in inside):
                raise DataError(f"{archive} is not safe to unpack: {member.filename!r} leads out")
        total, done = sum(member.file_size for member in members), 0
        for member in members:
            packed.extract(member, work)
            done += member.file_size
            if progress:
                progress(f"unpacking {archive.name}", done, total)


def _folder_of_people(work: Path, archive: Path) -> Path:
    """The folder two levels above the topmost photo: the photo's person lies between."""
    photos = (
        path
        for path in work.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    photo = min(photos, key=lambda path: (len(path.parts), path), default=None)
    if photo is None or photo.parent == work:
        raise DataError(f"{archive} holds no photos laid out as person/photo.jpg; is it another?")
    return photo.parent.parent
