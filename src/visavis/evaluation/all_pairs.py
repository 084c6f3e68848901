"""All comparisons of a population: every photo with every other, in one bounded pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.kept import Keeper, Pairs
from visavis.models.model import Model
from visavis.models.scores import Scores

BINS = 4000  # of width 5e-4 over the range of a cosine
ROWS = 256  # photos compared with all others at a time
RANGE_SAMPLE = 1000  # photos


@dataclass(frozen=True)
class Comparisons:
    """What all comparisons of a population gave.

    A population may be cut into segments (folds), so that the scores without one of them follow
    from a single pass.

    Attributes:
        low, high: range of the bins; what lies outside is counted in the end bins.
        photos, missed: (p,) int64, photos of each person with and without a face.
        segment: (p,) int64, of each person.
        genuine: (s, BINS) int64, comparisons of one person, by segment.
        impostor: (s, s, BINS) int64, of two people, by the segments of both, the lower first.
        own: all genuine comparisons; ``first`` and ``second`` are the one person.
        top: the highest impostor comparisons, descending, with the person on each side.
        kept: impostor comparisons to resample; kept_weight: (k,) how many each stands for. The
            highest are all there with weight 1, the others are drawn and weighted to their bin's
            count, so that their sums are the histogram's.
    """

    low: float
    high: float
    photos: NDArray[np.int64]
    missed: NDArray[np.int64]
    segment: NDArray[np.int64]
    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]
    own: Pairs
    top: Pairs
    kept: Pairs
    kept_weight: NDArray[np.float64]

    def scores(self, fitted_on: str, without: int | None = None) -> Scores:
        """The histograms and the exact tail, of all people or without one segment's.

        Missed photos are in none of it, as no threshold mends them.
        """
        inside = np.arange(len(self.genuine)) != without
        impostor = self.impostor[inside][:, inside].sum(axis=(0, 1))
        ours = inside[self.segment]
        tail = self.top.similarity[ours[self.top.first] & ours[self.top.second]]
        return Scores(
            fitted_on=fitted_on,
            people=int((self.photos[ours] > 0).sum()),
            photos=int(self.photos[ours].sum()),
            low=self.low,
            high=self.high,
            genuine=self.genuine[inside].sum(axis=0).tolist(),
            impostor=impostor.tolist(),
            tail=tail[: tail_length(int(impostor.sum()))].astype(np.float64).tolist(),
        )


def tail_length(comparisons: int) -> int:
    """How many of the impostor similarities a tail holds: 2e-4, within 1,000 and 10,000.

    A coarser rate moves by less than its own uncertainty within a bin.
    """
    return min(10_000, max(1000, int(np.ceil(2e-4 * comparisons))))


def similarity_range(model: Model, embeddings: NDArray[np.float32]) -> tuple[float, float]:
    """The range of the bins: [-1, 1] for a cosine.

    For another distance, from the lowest to the highest similarity among at most 1,000 photos
    evenly spaced over the set, each compared with itself too (nothing is more alike), and 5 % of
    that more at either end.
    """
    seen = embeddings[~np.isnan(embeddings).any(axis=1)]
    if model.card.distance == "cosine" or not len(seen):
        return -1.0, 1.0
    some = seen[np.linspace(0, len(seen) - 1, min(len(seen), RANGE_SAMPLE)).astype(np.int64)]
    blocks = [model.similarity_matrix(some[i : i + ROWS], some) for i in range(0, len(some), ROWS)]
    low, high = min(b.min() for b in blocks), max(b.max() for b in blocks)
    margin = 0.05 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def compare(
    model: Model,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    segments: NDArray[np.int64] | None = None,
    *,
    limits: tuple[float, float] | None = None,
    count: int | None = None,
    seed: int = 0,
) -> Comparisons:
    """Compare every photo with every other, once.

    45 million comparisons take seconds; the memory is bounded by a block of 256 rows, the genuine
    comparisons and 3 % of the others.

    Args:
        model: compares.
        embeddings: (n, d) float32; a row of NaN where no face was found.
        people: (n,) int64, numbers from 0; all photos of a person lie in one segment.
        segments: (n,) int64, numbers from 0; all in one by default.
        limits: range of the bins; ``similarity_range`` by default.
        count: people to number, at least the highest number and one, which is the default.
        seed: of the draw of what is kept.
    """
    segments = np.zeros_like(people) if segments is None else segments
    low, high = limits or similarity_range(model, embeddings)
    seen = ~np.isnan(embeddings).any(axis=1)
    # Sorted, a segment's people and a person's photos are runs: slices instead of masks.
    order = np.flatnonzero(seen)[np.lexsort((people[seen], segments[seen]))]
    embeddings, who, part = embeddings[order], people[order], segments[order]
    count, parts = count or int(people.max(initial=-1)) + 1, int(segments.max(initial=0)) + 1
    photos = np.bincount(who, minlength=count)
    keeper = Keeper(total=(len(who) ** 2 - int((photos**2).sum())) // 2, seed=seed)
    genuine = np.zeros((parts, BINS), dtype=np.int64)
    impostor = np.zeros((parts, parts, BINS), dtype=np.int64)
    own = []
    for start, block in _blocks(model, embeddings):
        row, column = _genuine(who, start, len(block))
        mine = Pairs(block[row, column], who[start + row], who[start + row])
        np.add.at(genuine, (part[start + row], bin_of(mine.similarity, low, high)), 1)
        own.append(mine)
        block[row, column] = -np.inf
        _count(impostor, block, part[start:], low, high)
        keeper.add(block, start)
    top = keeper.top()
    kept, complete = keeper.sample(top)
    return Comparisons(
        low=low,
        high=high,
        photos=photos,
        missed=np.bincount(people[~seen], minlength=count),
        segment=_segment_of(people, segments, count),
        genuine=genuine,
        impostor=impostor,
        own=Pairs.join(own),
        top=top.of(who),
        kept=kept.of(who),
        kept_weight=_weights(
            bin_of(kept.similarity, low, high), complete, impostor.sum(axis=(0, 1))
        ),
    )


def bin_of(similarity: NDArray[np.float32], low: float, high: float) -> NDArray[np.intp]:
    """The bin of each similarity, same shape, in 0 .. BINS - 1."""
    scaled = (similarity - np.float32(low)) * np.float32(BINS / (high - low))
    return np.clip(scaled, 0, BINS - 1, out=scaled).astype(np.intp)


def _blocks(
    model: Model, embeddings: NDArray[np.float32]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Rows of the upper triangle: the photos from ``start`` with those from ``start`` on.

    What is at or below the diagonal is -inf.
    """
    for start in range(0, len(embeddings), ROWS):
        rows = embeddings[start : start + ROWS]
        block = np.array(model.similarity_matrix(rows, embeddings[start:]), dtype=np.float32)
        block[np.tril_indices(len(rows))] = -np.inf
        yield start, block


def _genuine(
    who: NDArray[np.int64], start: int, rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column, within a block, of each comparison of one person."""
    position, ends = np.arange(start, start + rows), _runs(who)
    later = ends[np.searchsorted(ends, position, side="right")] - position - 1
    row = np.repeat(np.arange(rows), later)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(later) - later, later)
    return row, row + 1 + nth


def _runs(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal values ends."""
    return np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, len(values))


def _count(
    impostor: NDArray[np.int64],
    block: NDArray[np.float32],
    part: NDArray[np.int64],
    low: float,
    high: float,
) -> None:
    """Add a block to the histograms; ``part`` is the segment of each of its columns."""
    bins = bin_of(block, low, high)
    bins[np.isneginf(block)] = BINS
    ends = _runs(part)
    starts = np.append(0, ends[:-1])
    for top, bottom in zip(starts, np.minimum(ends, len(block)), strict=True):
        if top >= len(block):
            break
        for left, right in zip(starts, ends, strict=True):
            if left >= top:
                counts = np.bincount(bins[top:bottom, left:right].ravel(), minlength=BINS + 1)
                impostor[part[top], part[left]] += counts[:BINS]


def _segment_of(
    people: NDArray[np.int64], segments: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    segment = np.zeros(count, dtype=np.int64)
    segment[people] = segments
    return segment


def _weights(
    bins: NDArray[np.intp], complete: int, counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How many comparisons each kept one stands for: 1 for the complete ones at the front."""
    left = counts - np.bincount(bins[:complete], minlength=BINS)
    drawn = np.bincount(bins[complete:], minlength=BINS)
    weight = np.ones(len(bins))
    covered = np.flatnonzero(drawn)
    if len(covered):  # a bin of which none was drawn is counted with the next one
        left[covered] = np.add.reduceat(left, np.append(0, covered[:-1] + 1))
        weight[complete:] = (left / np.maximum(drawn, 1))[bins[complete:]]
    return weight
