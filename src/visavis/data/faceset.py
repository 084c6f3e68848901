"""The tables that every source of photos becomes: faces, pairs of them, and both together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.errors import DataError


@dataclass(frozen=True)
class FaceSet:
    """A frozen table: one row a photo, and who is on it.

    Attributes:
        name: short name of the source, such as ``lfw``.
        photos: path of each photo, length n.
        people: (n,) int64, index into ``names``.
        names: name of each person; every person has at least one photo.
        split: (n,) str, such as ``train``, ``test`` or ``fold 3``; empty where the source has none.
        tags: further columns, each (n,) str; an empty string where unknown.
        choose: which face of a photo is the subject, see ``visavis.photos.choose``.
        boxes: (n, 4) float32, the subject's face as left, top, width and height in pixels of the
            photo; NaN where the source does not say.
    """

    name: str
    photos: tuple[Path, ...]
    people: NDArray[np.int64]
    names: tuple[str, ...]
    split: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    tags: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    choose: str = "largest"
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), dtype=np.float32))

    def __post_init__(self) -> None:
        n = len(self.photos)
        if self.boxes.size == 0:
            object.__setattr__(self, "boxes", np.full((n, 4), np.nan, dtype=np.float32))
        if self.split.size == 0:
            object.__setattr__(self, "split", np.full(n, "", dtype=np.str_))
        columns = {"people": self.people, "split": self.split, **self.tags}
        for name, column in columns.items():
            if column.shape != (n,):
                raise DataError(f"{self.name}: column {name} has {column.size} rows for {n} photos")
        if self.boxes.shape != (n, 4):
            raise DataError(f"{self.name}: boxes are {self.boxes.shape}, not (photos, 4)")
        if n and not np.array_equal(np.unique(self.people), np.arange(len(self.names))):
            raise DataError(f"{self.name}: every person needs at least one photo, and a name")

    @classmethod
    def from_names(
        cls,
        name: str,
        photos: Sequence[Path],
        persons: Sequence[str],
        split: Sequence[str] = (),
        choose: str = "largest",
    ) -> FaceSet:
        """A face set from the person's name on each photo, numbered in order of appearance.

        Args:
            name: short name of the source.
            photos: path of each photo.
            persons: name of the person on each photo.
            split: split of each photo; empty where the source has none.
            choose: which face of a photo is the subject.
        """
        index = {person: i for i, person in enumerate(dict.fromkeys(persons))}
        return cls(
            name=name,
            photos=tuple(photos),
            people=np.array([index[person] for person in persons], dtype=np.int64),
            names=tuple(index),
            split=np.array(split, dtype=np.str_),
            choose=choose,
        )

    def __len__(self) -> int:
        return len(self.photos)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> FaceSet:
        """The rows given by index or mask, with people numbered anew (names kept)."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, dtype=np.int64)
        present, people = np.unique(self.people[index], return_inverse=True)
        return FaceSet(
            name=self.name,
            photos=tuple(self.photos[i] for i in index),
            people=people.astype(np.int64),
            names=tuple(self.names[p] for p in present),
            split=self.split[index],
            tags={name: column[index] for name, column in self.tags.items()},
            choose=self.choose,
            boxes=self.boxes[index],
        )

    def assert_identity_disjoint(self) -> None:
        """Raise ``DataError`` where a person has photos in two splits."""
        pairs = np.unique(np.stack([self.people.astype(np.str_), self.split]), axis=1)
        people, counts = np.unique(pairs[0], return_counts=True)
        if (counts > 1).any():
            person = self.names[int(people[counts > 1][0])]
            raise DataError(f"{self.name}: {person} is in more than one split")


@dataclass(frozen=True)
class PairSet:
    """Pairs of photos of one ``FaceSet``: the only input of verification figures.

    Attributes:
        name: what the pairs are, such as ``LFW View 1 devTest``; printed with every figure.
        faces: the photos, and the population that all cross-person comparisons are made over.
        first, second: (m,) int64, rows of ``faces``.
        same: (m,) bool, whether both rows are of one person.
        fold: (m,) int64, the fold of each pair; all 0 where the source has no folds.
    """

    name: str
    faces: FaceSet
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if self.fold.size == 0:
            object.__setattr__(self, "fold", np.zeros(len(self.first), dtype=np.int64))
        people = self.faces.people
        if not np.array_equal(people[self.first] == people[self.second], self.same):
            raise DataError(f"{self.name}: a pair is called same or different against its people")

    def __len__(self) -> int:
        return len(self.first)

    def select(self, pairs: NDArray[np.int64] | NDArray[np.bool_], name: str) -> PairSet:
        """The pairs given by index or mask, over the same faces."""
        return PairSet(
            name,
            self.faces,
            self.first[pairs],
            self.second[pairs],
            self.same[pairs],
            self.fold[pairs],
        )

    def assert_both_classes(self) -> None:
        """Raise ``DataError`` where genuine or impostor pairs are lacking altogether.

        A source of one person is fine to look at or to train on, so it opens without
        complaint; whoever needs error rates asks here first.
        """
        if not self.same.any():
            raise DataError(
                f"{self.name}: no genuine pair, so nothing can be measured or fitted; "
                "add a second photo of at least one person"
            )
        if self.same.all():
            raise DataError(
                f"{self.name}: no impostor pair, so nothing can be measured or fitted; "
                "add photos of at least one more person"
            )


@dataclass(frozen=True)
class Source:
    """Photos opened by ``visavis.data.source.open_source``, with the pairs to report on.

    Attributes:
        name: kind of source: ``lfw``, ``att``, ``folder`` or ``csv``.
        protocol: what is reported and what may be fitted on, in words; printed with every figure.
        faces: all photos of the source.
        pairs: the pairs to report on; folds 0 to 9 for LFW View 2.
        fitting: pairs of other people than ``pairs``, to fit threshold and calibration on. Where
            it is ``None``, the model card's own are applied, or, where ``pairs`` has several
            folds, each fold's are fitted on the others.
        lfw_category: official category of an LFW result, in words; empty for other sources.
    """

    name: str
    protocol: str
    faces: FaceSet
    pairs: PairSet
    fitting: PairSet | None = None
    lfw_category: str = ""
