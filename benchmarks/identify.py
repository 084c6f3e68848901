"""Who is this, or nobody we know: identification among the people of LFW's devTest, View 1.

Thresholds come from the model's card alone, which was fitted on devTrain's people. Galleries of 100
and of 1,000 people are drawn again and again: people with two photos or more first, filled with
people of one; the others are strangers. Somebody who is enrolled is searched for by a photo that is
not; a stranger by one photo, drawn too.

    python benchmarks/identify.py --lfw data/lfw
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw_embeddings import embed_once
from visavis.data.source import open_source
from visavis.matching.gallery.decide import SearchRule
from visavis.models.model import Model

SIZES = (100, 1000)
COLUMNS = (
    "people", "photos of each", "threshold", "FPIR, asked", "FPIR", "its spread", "rank 1",
    "detected and identified",
)  # fmt: skip


@dataclass(frozen=True)
class Draw:
    """A gallery and what is searched for in it, as rows of the embeddings.

    Attributes:
        gallery: the enrolled photos; owner: (len(gallery),) whose they are, 0 to n - 1, ascending.
        probes: photos of enrolled people; wanted: whose each is.
        strangers: photos of people who are not enrolled.
    """

    gallery: NDArray[np.int64]
    owner: NDArray[np.int64]
    probes: NDArray[np.int64]
    wanted: NDArray[np.int64]
    strangers: NDArray[np.int64]


@dataclass
class Outcomes:
    """By person: how often searched for, and how often it ended so, over all draws."""

    searched: NDArray[np.float64]
    ended: NDArray[np.float64]

    @classmethod
    def none(cls, people: int) -> Outcomes:
        """Nobody searched for yet."""
        return cls(np.zeros(people), np.zeros(people))

    def add(self, people: NDArray[np.int64], ended: NDArray[np.bool_]) -> float:
        """Count one draw; its rate."""
        np.add.at(self.searched, people, 1)
        np.add.at(self.ended, people, ended)
        return float(ended.mean())

    def words(self, times: int = 2000) -> str:
        """The rate with its 95 % interval by resampling people."""
        rng = np.random.default_rng(0)
        count = len(self.searched)
        weights = rng.multinomial(count, np.full(count, 1 / count), size=times)
        rates = (weights @ self.ended) / (weights @ self.searched)
        low, high = np.quantile(rates, [0.025, 0.975])
        rate = self.ended.sum() / self.searched.sum()
        return f"{rate:.4f} [{low:.4f}, {high:.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", required=True, help="the unpacked LFW folder, with its lists")
    parser.add_argument("--model", default="sface")
    parser.add_argument("--cache", type=Path, help="where embeddings are kept; the user's cache")
    parser.add_argument("--fpir", type=float, default=0.01)
    parser.add_argument("--draws", type=int, default=100)
    arguments = parser.parse_args()

    model, rule = Model.load(arguments.model), SearchRule(arguments.fpir)
    faces = open_source(f"lfw:{arguments.lfw}", view=1).faces
    embeddings = embed_once(model, faces, arguments.cache)
    usable = (faces.split == "devTest") & ~np.isnan(embeddings).any(axis=1)
    people = np.unique(faces.people[usable], return_inverse=True)[1]
    photos = [np.flatnonzero(people == person) for person in range(people.max() + 1)]
    embeddings = embeddings[usable]
    print(
        f"{model.name} on {len(embeddings):,} photos of {len(photos):,} devTest people, of "
        f"{sum(len(p) > 1 for p in photos)} more than one photo; {arguments.draws} draws, 95 % "
        "intervals by resampling people, the spread is the standard deviation of the draws.\n"
    )
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for size in SIZES:
        for several in (False, True):
            rng = np.random.default_rng(0)
            draws = [draw(rng, photos, size, several=several) for _ in range(arguments.draws)]
            cells = measure(model, rule, embeddings, people, draws)
            enrolled = "all but one" if several else "one"
            print(f"| {size:,} | {enrolled} | {' | '.join(cells)} |")


def draw(
    rng: np.random.Generator, photos: Sequence[NDArray[np.int64]], size: int, *, several: bool
) -> Draw:
    """A gallery of ``size`` people, each by one photo, or by all but the one that is searched."""
    order = rng.permutation(len(photos))
    alone = np.array([len(photos[person]) == 1 for person in order])
    enrolled = np.concatenate([order[~alone], order[alone]])[:size]
    strangers = np.setdiff1d(order, enrolled)
    gallery, owner, probes, wanted = [], [], [], []
    for number, person in enumerate(enrolled):
        probe, *kept = rng.permutation(photos[person])
        if kept:
            probes.append(probe)
            wanted.append(number)
        mine = (kept if several else kept[:1]) or [probe]
        gallery += mine
        owner += [number] * len(mine)
    asked = [rng.choice(photos[person]) for person in strangers]
    return Draw(*(np.array(rows) for rows in (gallery, owner, probes, wanted, asked)))


def measure(
    model: Model,
    rule: SearchRule,
    embeddings: NDArray[np.float32],
    people: NDArray[np.int64],
    draws: Sequence[Draw],
) -> list[str]:
    """The cells of one row of the table."""
    count = int(people.max()) + 1
    false, first, found = (Outcomes.none(count) for _ in range(3))
    spread, thresholds = [], []
    for one in draws:
        thresholds.append(rule.cut_off(model, len(one.gallery)).value)
        decided = replace(rule, threshold=thresholds[-1])
        _, named = search(model, decided, embeddings, one, one.strangers)
        spread.append(false.add(people[one.strangers], named))
        best, named = search(model, decided, embeddings, one, one.probes)
        right = best == one.wanted
        first.add(people[one.probes], right)
        found.add(people[one.probes], right & named)
    return [
        f"{np.mean(thresholds):.3f}",
        f"{rule.fpir:g}",
        false.words(),
        f"{np.std(spread):.4f}",
        first.words(),
        found.words(),
    ]


def search(
    model: Model,
    rule: SearchRule,
    embeddings: NDArray[np.float32],
    one: Draw,
    probes: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The most alike person of each probe, and whether they are named."""
    similarity = model.similarity_matrix(embeddings[probes], embeddings[one.gallery])
    starts = np.flatnonzero(np.diff(one.owner, prepend=-1))
    by_person = np.maximum.reduceat(similarity, starts, axis=1)
    best = by_person.argmax(axis=1)
    second, highest = np.sort(by_person, axis=1)[:, -2:].T
    ahead = highest - second >= rule.margin_for(model)
    return best, (highest >= rule.threshold) & ahead


if __name__ == "__main__":
    main()
