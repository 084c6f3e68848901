"""The crop store: every photo decoded, cropped and scaled once, then read by row.

A store lies in a folder that the caller names, such as a run's own, and never in a cache that
nobody thinks of: crops are pictures of people. Deleting the folder deletes the crops, all of them.

A store's name in that folder is a hash of all that shapes it: the photos' paths, the input spec,
which face is meant, its box, the detector and the alignment. Each row carries the size and the
time of change of its photo's file, and is made again where these differ. Of two processes that
open one store, one fills it while the other waits, by a lock on a file in it. A store should not
be opened again with changed photos while somebody still reads from it: rows change in place.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.data.crop_files import FOUND, MISSED, UNREADABLE, CropFiles
from visavis.data.cropping import Walk, crop_in_batches
from visavis.data.download import Progress
from visavis.data.faceset import FaceSet
from visavis.data.lock import locked
from visavis.errors import DataError
from visavis.photos.align import ALIGNMENT_VERSION
from visavis.photos.detect import Detector, detector_digest
from visavis.photos.input_spec import InputSpec

STORE_VERSION = 1
STAGE = "cropping photos"


@dataclass(frozen=True, eq=False)
class CropStore:
    """The crops of a face set, row by row.

    Attributes:
        faces: whose.
        spec: their size, colour and template.
        folder: the store's own.
        crops: (n, height, width, channels) uint8, mapped from the disk, read-only; black where
            there is none.
        found: (n,) bool, which rows have a crop.
        missed: photos in which no face was found, or none where the source's box is.
        unreadable: photos that could not be used otherwise, with the reason.
        digest: changes with all that shapes the crops, and with any of the photos.
    """

    faces: FaceSet
    spec: InputSpec
    folder: Path
    crops: NDArray[np.uint8]
    found: NDArray[np.bool_]
    missed: list[Path]
    unreadable: list[tuple[Path, str]]
    digest: str

    def __len__(self) -> int:
        return len(self.faces)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(k, height, width, channels) uint8 crops of those rows, in their order, in memory."""
        return np.asarray(self.crops)[rows]


def open_store(
    faces: FaceSet,
    spec: InputSpec,
    folder: Path,
    *,
    detector: Callable[[], Detector] = Detector,
    threads: int | None = None,
    progress: Progress | None = None,
) -> CropStore:
    """Open the store of a face set's crops in ``folder``; make what it lacks first.

    ``whole`` needs no face. ``box`` takes the face set's box where it has one. Otherwise faces are
    detected; where the face set has a box, the face that overlaps it most is meant, else that of
    ``faces.choose``.

    Args:
        faces: the photos.
        spec: of the crops.
        folder: holds stores; made where it is missing.
        detector: makes the detector, where one is needed.
        threads: that decode, detect and crop; all cores by default.
        progress: called after each batch with photos done and photos in all.

    Raises:
        DataError: no photos, a folder that cannot be written, or a full disk; what was done is
            kept, and the same call goes on from there.
    """
    if not len(faces):
        raise DataError(f"{faces.name}: there is no photo to crop")
    place = folder / f"crops-{_key(faces, spec)}"
    stamps = _stamps(faces)
    try:
        files = CropFiles(place, (len(faces), *spec.shape))
        if files.outdated(stamps).size:
            place.mkdir(parents=True, exist_ok=True)
            with locked(place / "lock"):
                files.load()  # another process may have filled it by now
                files.create()
                _fill(files, Walk(faces, spec, detector), stamps, threads, progress)
    except OSError as error:
        raise DataError(_reason(place, error)) from None
    state = files.rows["state"]
    missed, unreadable = (np.flatnonzero(state == kind).tolist() for kind in (MISSED, UNREADABLE))
    return CropStore(
        faces,
        spec,
        place,
        files.crops(),
        state == FOUND,
        [faces.photos[row] for row in missed],
        [(faces.photos[row], files.reasons[row]) for row in unreadable],
        hashlib.sha256(place.name.encode() + files.rows.tobytes()).hexdigest(),
    )


def _fill(
    files: CropFiles,
    walk: Walk,
    stamps: NDArray[np.uint64],
    threads: int | None,
    progress: Progress | None,
) -> None:
    todo = files.outdated(stamps)
    total = len(stamps)
    done = total - len(todo)
    walk.prepare(todo)
    for batch in crop_in_batches(walk, todo, threads or os.cpu_count() or 1):
        files.write(batch.rows, batch.crops, stamps[batch.rows], batch.states, batch.reasons)
        done += len(batch.rows)
        if progress:
            progress(STAGE, done, total)


def _key(faces: FaceSet, spec: InputSpec) -> str:
    parts = (
        STORE_VERSION,
        spec.model_dump_json(),
        detector_digest(),
        ALIGNMENT_VERSION,
        faces.choose,
        [str(photo.absolute()) for photo in faces.photos],
        faces.boxes.tobytes(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _stamps(faces: FaceSet) -> NDArray[np.uint64]:
    """(n,) of each photo's size and time of change; 0 where it is missing."""
    stamps = np.zeros(len(faces), dtype=np.uint64)
    for row, photo in enumerate(faces.photos):
        try:
            status = photo.stat()
        except (OSError, ValueError):
            continue
        text = f"{status.st_size} {status.st_mtime_ns}"
        stamps[row] = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
    return stamps


def _reason(place: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}: the disk is full; free some space and run this again to go on"
    return f"the crops cannot be kept in {place}: {error.strerror or error}; name another folder"
