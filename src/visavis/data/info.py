"""What a source holds, at a glance: people, photos, sizes, pairs, and duplicates."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from visavis.data.faceset import FaceSet, PairSet, Source

SIZE_SAMPLE = 1000


@dataclass(frozen=True)
class PairCount:
    """Pairs of one list, or of one fold of it: how many are genuine, how many impostor."""

    name: str
    genuine: int
    impostor: int


@dataclass(frozen=True)
class Duplicate:
    """Photos that are the same file, byte for byte; who is on them, and the splits they are in.

    Across splits, a model is tested on what it was fitted on; across people, a label is wrong.
    """

    photos: tuple[str, ...]
    people: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class SourceInfo:
    """The outcome of ``describe``.

    Attributes:
        name, protocol, lfw_category: of the source.
        n_photos, n_people: in all; photos_by_split, people_by_split: in each named split.
        photos_per_person: min, median and max.
        people_by_photos: how many people have so many photos, by number of photos.
        sizes: "width x height" in pixels and how many photos have it, most frequent first.
        n_sized: photos whose header was read; unreadable: those of them that are no image.
        pairs: genuine and impostor pairs of each list and fold.
        duplicates: groups of identical files.
    """

    name: str
    protocol: str
    lfw_category: str
    n_photos: int
    n_people: int
    photos_by_split: dict[str, int]
    people_by_split: dict[str, int]
    photos_per_person: dict[str, float]
    people_by_photos: dict[int, int]
    sizes: dict[str, int]
    n_sized: int
    unreadable: tuple[str, ...]
    pairs: tuple[PairCount, ...]
    duplicates: tuple[Duplicate, ...]

    @property
    def leaks(self) -> tuple[Duplicate, ...]:
        """The duplicates that lie in more than one split."""
        return tuple(group for group in self.duplicates if len(group.splits) > 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON, with ``leaks`` counted."""
        return {**asdict(self), "leaks": len(self.leaks)}


def describe(source: Source, size_sample: int = SIZE_SAMPLE) -> SourceInfo:
    """Count and measure a source.

    Args:
        source: any opened source.
        size_sample: image sizes are read from the headers of so many photos, spread evenly.
    """
    faces = source.faces
    per_person = np.bincount(faces.people)
    rows = np.unique(np.linspace(0, len(faces) - 1, min(size_sample, len(faces)), dtype=np.int64))
    sizes, unreadable = _sizes([faces.photos[row] for row in rows])
    splits = [str(split) for split in dict.fromkeys(faces.split.tolist()) if split]
    lists = [source.pairs] + ([] if source.fitting is None else [source.fitting])
    return SourceInfo(
        name=source.name,
        protocol=source.protocol,
        lfw_category=source.lfw_category,
        n_photos=len(faces),
        n_people=len(faces.names),
        photos_by_split={split: int((faces.split == split).sum()) for split in splits},
        people_by_split={
            split: len(np.unique(faces.people[faces.split == split])) for split in splits
        },
        photos_per_person={
            "min": int(per_person.min()),
            "median": float(np.median(per_person)),
            "max": int(per_person.max()),
        },
        people_by_photos=dict(sorted(Counter(per_person.tolist()).items())),
        sizes=dict(sizes.most_common()),
        n_sized=len(rows),
        unreadable=tuple(unreadable),
        pairs=tuple(count for pairs in lists for count in _count(pairs)),
        duplicates=tuple(_duplicates(faces)),
    )


def _count(pairs: PairSet) -> list[PairCount]:
    genuine = int(pairs.same.sum())
    counts = [PairCount(pairs.name, genuine, len(pairs) - genuine)]
    folds = np.unique(pairs.fold)
    for fold in folds if len(folds) > 1 else ():
        same = pairs.same[pairs.fold == fold]
        name = f"{pairs.name}, fold {fold}"
        counts.append(PairCount(name, int(same.sum()), int((~same).sum())))
    return counts


def _sizes(photos: list[Path]) -> tuple[Counter[str], list[str]]:
    sizes: Counter[str] = Counter()
    unreadable = []
    for photo in photos:
        try:
            # Only the header is read, so a decompression bomb does no harm here.
            with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
                sizes[f"{image.width} x {image.height}"] += 1
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            unreadable.append(str(photo))
    return sizes, unreadable


def _duplicates(faces: FaceSet) -> list[Duplicate]:
    """Groups of byte-identical files; only files of equal length are read."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for row, photo in enumerate(faces.photos):
        by_length[photo.stat().st_size].append(row)
    by_content: dict[bytes, list[int]] = defaultdict(list)
    for rows in by_length.values():
        for row in rows if len(rows) > 1 else ():
            with suppress(OSError), faces.photos[row].open("rb") as file:
                by_content[hashlib.file_digest(file, "sha256").digest()].append(row)
    return [
        Duplicate(
            photos=tuple(str(faces.photos[row]) for row in rows),
            people=tuple(dict.fromkeys(faces.names[faces.people[row]] for row in rows)),
            splits=tuple(str(s) for s in dict.fromkeys(faces.split[rows].tolist()) if s),
        )
        for rows in by_content.values()
        if len(rows) > 1
    ]
