"""What each step sees, as rows of a face set: batches of people, of listed pairs, or of photos."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import DataError


@dataclass(frozen=True)
class Batch:
    """Rows to encode, each once, and what is known of them.

    Attributes:
        rows: (n,) int64, distinct rows of a face set.
        people: (n,) int64, whose photo each is.
        first, second: (p,) int64, positions in ``rows``; empty where every pair counts.
        same: (p,) bool.
    """

    rows: NDArray[np.int64]
    people: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]


class Batches(Protocol):
    """Batches of one epoch, the same for the same epoch.

    Attributes:
        pairs: that an epoch trains on; on average, where epochs differ.
    """

    pairs: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``, which seeds their order."""
        ...

    def __len__(self) -> int: ...


class PeopleBatches:
    """A few photos of each of many people.

    People with a single photo serve as impostors. Each epoch goes through the people in a new
    order; one with many photos comes up as often as one with few, with other photos each time.

    Args:
        faces: the photos; rows without a face are left out by ``usable``.
        people, photos: so many people with at most so many photos each.
        steps: batches of an epoch; by default as many as show as many photos as there are.
        usable: (n,) bool.
        seed: of the order.

    Raises:
        DataError: fewer people than a batch holds.
    """

    def __init__(
        self,
        faces: FaceSet,
        people: int,
        photos: int,
        *,
        steps: int | None = None,
        usable: NDArray[np.bool_] | None = None,
        seed: int = 0,
    ) -> None:
        rows = np.flatnonzero(np.ones(len(faces), bool) if usable is None else usable)
        order = rows[np.argsort(faces.people[rows], kind="stable")]
        self._groups = np.split(order, np.flatnonzero(np.diff(faces.people[order])) + 1)
        if len(self._groups) < 2:
            raise DataError(f"{faces.name}: there is one person to train on; it takes two or more")
        self._labels = faces.people
        self._people, self._photos = min(people, len(self._groups)), photos
        self._steps = steps or max(1, round(len(rows) / (self._people * photos)))
        self._seed = seed
        shown = self._people * np.mean([min(len(group), photos) for group in self._groups])
        self.pairs = max(1, round(self._steps * shown * (shown - 1) / 2))

    def __len__(self) -> int:
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        """See ``Batches``."""
        rng = np.random.default_rng([self._seed, number])
        queue: list[int] = []
        for _ in range(self._steps):
            while len(queue) < self._people:  # nobody twice in a batch
                fresh = [g for g in rng.permutation(len(self._groups)).tolist() if g not in queue]
                queue.extend(fresh)
            chosen, queue = queue[: self._people], queue[self._people :]
            rows = np.concatenate([self._some(self._groups[group], rng) for group in chosen])
            none = np.empty(0, dtype=np.int64)
            yield Batch(rows, self._labels[rows], none, none, none.astype(bool))

    def _some(self, group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        return rng.permutation(group)[: self._photos]


class PairBatches:
    """Listed pairs in a new order each epoch; a photo that several pairs hold is encoded once.

    Args:
        pairs: the list; pairs of photos without a face are left out by ``usable``.
        size: pairs of a batch.
        usable: (n,) bool over ``pairs.faces``.
        shuffle: whether the order changes; not for validation.
        seed: of the order.

    Raises:
        DataError: no pair is left.
    """

    def __init__(
        self,
        pairs: PairSet,
        size: int,
        *,
        usable: NDArray[np.bool_] | None = None,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        good = np.ones(len(pairs), bool)
        if usable is not None:
            good = usable[pairs.first] & usable[pairs.second]
        self._pairs = pairs.select(good, pairs.name)
        if not len(self._pairs):
            raise DataError(f"{pairs.name}: there is no pair to train on")
        self._size, self._shuffle, self._seed = size, shuffle, seed
        self.pairs = len(self._pairs)

    def __len__(self) -> int:
        return math.ceil(len(self._pairs) / self._size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """See ``Batches``."""
        order = np.arange(len(self._pairs))
        if self._shuffle:
            order = np.random.default_rng([self._seed, number]).permutation(order)
        for start in range(0, len(order), self._size):
            some = self._pairs.select(order[start : start + self._size], self._pairs.name)
            both = np.concatenate([some.first, some.second])
            rows, position = np.unique(both, return_inverse=True)
            first, second = np.split(position.astype(np.int64), 2)
            yield Batch(rows, some.faces.people[rows], first, second, some.same)


class PhotoBatches:
    """Photos in a new order each epoch, each at most once, whoever they show.

    Args:
        faces: the photos; rows without a face are left out by ``usable``.
        size: photos of a batch, at most.
        steps: batches of an epoch, at most; by default as many as show each photo.
        usable: (n,) bool.
        seed: of the order.

    Attributes:
        pairs: of an epoch: of a photo's embedding and the one that is taught of it.

    Raises:
        DataError: fewer than two photos.
    """

    def __init__(
        self,
        faces: FaceSet,
        size: int,
        *,
        steps: int | None = None,
        usable: NDArray[np.bool_] | None = None,
        seed: int = 0,
    ) -> None:
        self._rows = np.flatnonzero(np.ones(len(faces), bool) if usable is None else usable)
        if len(self._rows) < 2:
            raise DataError(f"{faces.name}: it takes two photos or more to train on")
        self._labels, self._seed = faces.people, seed
        self._parts = math.ceil(len(self._rows) / size)
        self._steps = min(steps or self._parts, self._parts)
        self.pairs = len(self._rows) * self._steps // self._parts

    def __len__(self) -> int:
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        """See ``Batches``."""
        order = np.random.default_rng([self._seed, number]).permutation(self._rows)
        none = np.empty(0, dtype=np.int64)
        # Of nearly equal size: batch norm has nothing to go by where one photo is left over.
        for rows in np.array_split(order, self._parts)[: self._steps]:
            yield Batch(rows, self._labels[rows], none, none, none.astype(bool))


def share(batch: Batch, rank: int, world: int) -> Batch:
    """One process's part of a batch: every so-manyth photo, or every so-manyth pair.

    All get equally many: where they do not divide, the last processes take some of the first again,
    which whoever puts the shares together leaves out. So they do where each would get one photo,
    in which batch norm has nothing to go by; a pair has two.
    """
    if world == 1:
        return batch
    total = len(batch.same) or len(batch.rows)
    mine = (np.arange(-(-total // world)) * world + rank) % total
    if not len(batch.same):
        if len(mine) == 1:
            mine = (rank + np.arange(min(2, total))) % total
        rows, people = batch.rows[mine], batch.people[mine]
        return Batch(rows, people, batch.first, batch.second, batch.same)
    used, position = np.unique(
        np.concatenate([batch.first[mine], batch.second[mine]]), return_inverse=True
    )
    first, second = np.split(position.astype(np.int64), 2)
    return Batch(batch.rows[used], batch.people[used], first, second, batch.same[mine])
