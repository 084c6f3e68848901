"""The impostor comparisons kept for resampling, out of many millions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEEP_ALL = 400_000  # comparisons; of larger populations only a part is kept for resampling
KEEP_TOP = 150_000  # of the highest, all
KEEP_DRAWN = 125_000  # of the rest of the highest 3 %, and again of all below them
TOP_SHARE = 0.03


@dataclass(frozen=True)
class Pairs:
    """Comparisons of two photos.

    Attributes:
        similarity: (k,) float32.
        first, second: (k,) int64, row of each photo, or the person on it.
    """

    similarity: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Pairs:
        return Pairs(self.similarity[rows], self.first[rows], self.second[rows])

    def of(self, people: NDArray[np.int64]) -> Pairs:
        """The same comparisons with the person on each photo instead of its row."""
        return Pairs(self.similarity, people[self.first], people[self.second])

    @classmethod
    def join(cls, parts: list[Pairs]) -> Pairs:
        """All of them, in order."""
        none = cls(np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64))
        columns = [vars(part).values() for part in (none, *parts)]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))


class Keeper:
    """Keeps the highest comparisons of a stream of blocks, and a random draw of them all.

    Args:
        total: how many comparisons will come.
        seed: of the draw.
    """

    def __init__(self, total: int, seed: int) -> None:
        self.everything = total <= KEEP_ALL
        self._most = total if self.everything else max(KEEP_TOP, round(TOP_SHARE * total))
        self._share = 0.0 if self.everything else KEEP_DRAWN / total
        self._rng = np.random.default_rng(seed)
        self._cut = -np.inf
        self._top: list[Pairs] = []
        self._drawn: list[Pairs] = []

    def add(self, block: NDArray[np.float32], start: int) -> None:
        """Take a block whose first row and column are photo ``start``; -inf is no comparison."""
        flat = block.ravel()
        self._top.append(_taken(block, np.flatnonzero(flat > self._cut), start))
        if sum(len(part.similarity) for part in self._top) > 2 * self._most:
            self._top = [_highest(Pairs.join(self._top), self._most)]
            self._cut = float(self._top[0].similarity.min())
        drawn = self._rng.integers(0, flat.size, round(self._share * flat.size))
        self._drawn.append(_taken(block, drawn[np.isfinite(flat[drawn])], start))

    def top(self) -> Pairs:
        """The highest, descending: all, the highest 3 %, or 150,000 where that is more."""
        top = _highest(Pairs.join(self._top), self._most)
        return top[np.argsort(-top.similarity, kind="stable")]

    def sample(self, top: Pairs) -> tuple[Pairs, int]:
        """What to resample: comparisons, and how many of the first are complete.

        The others are drawn: from the rest of ``top``, and from what lies below it.
        """
        if self.everything:
            return top, len(top.similarity)
        rest = np.arange(KEEP_TOP, len(top.similarity))
        if len(rest) > KEEP_DRAWN:
            rest = self._rng.choice(rest, KEEP_DRAWN, replace=False)
        drawn = Pairs.join(self._drawn)
        below = drawn[drawn.similarity < top.similarity[-1]]
        return Pairs.join([top[:KEEP_TOP], top[rest], below]), KEEP_TOP


def _taken(block: NDArray[np.float32], flat: NDArray[np.int64], start: int) -> Pairs:
    row, column = np.divmod(flat, block.shape[1])
    return Pairs(block[row, column], row + start, column + start)


def _highest(pairs: Pairs, most: int) -> Pairs:
    if len(pairs.similarity) <= most:
        return pairs
    return pairs[np.argpartition(-pairs.similarity, most - 1)[:most]]
