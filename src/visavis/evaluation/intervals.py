"""95 % intervals by resampling people.

Comparisons are not independent: one person's photos are in many. So people are drawn with
replacement, never comparisons (the subsets bootstrap of Bolle, Ratha and Pankanti, 2004). Where a
person is drawn w times, a genuine pair of theirs counts w_a times and an impostor pair w_a w_b
times (the pigeonhole bootstrap of Owen, 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.figures import Estimate
from visavis.evaluation.rates import Shares

REPLICATES = 1000
LEVEL = 0.95
MIN_PEOPLE = 20
TOO_FEW_PEOPLE = f"no interval: fewer than {MIN_PEOPLE} people"

PeopleWeights = NDArray[np.float32]  # (people, r); float32 is exact, and twice as fast
Measure = Callable[[PeopleWeights], Shares]


@dataclass(frozen=True)
class Support:
    """What a figure rests on.

    Attributes:
        people: who are in the comparisons that the figure counts.
        units: how many of them repeat no other: people for a figure on genuine pairs, pairs of
            people for one on impostor pairs, both together for one on both. Two photos more of
            the same people are no new evidence of an error rate that was never seen to fail.
    """

    people: int
    units: int


def clopper_pearson(errors: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a share of which ``errors`` in ``n`` were seen.

    From Clopper and Pearson, 1934. ``n`` counts independent trials; (0, 1) where it is 0.
    """
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = 0.0 if errors == 0 else float(beta.ppf(tail, errors, n - errors + 1))
    high = 1.0 if errors >= n else float(beta.ppf(1 - tail, errors + 1, n - errors))
    return low, high


def of_share(share: float, n: int) -> Estimate:
    """A share of ``n`` independent trials with its exact interval, for want of who they were."""
    return Estimate(share, *clopper_pearson(round(share * n), n))


def draw_people(people: int, replicates: int = REPLICATES, seed: int = 0) -> PeopleWeights:
    """(people, replicates) how often each person is drawn, each column summing to ``people``."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(people, np.full(people, 1 / people), size=replicates)
    return np.ascontiguousarray(counts.T, dtype=np.float32)


def estimates(
    measure: Measure,
    people: int,
    support: Callable[[str], Support],
    *,
    chunk: int = REPLICATES,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each figure of ``measure`` with its interval.

    Args:
        measure: from (people, r) weights to figures of shape (r,) each.
        people: how many there are to draw from.
        support: what each figure rests on, by its name.
        chunk: replicates measured at a time, which bounds the memory.
        replicates: how many, in all.
        seed: of the draws.
    """
    values = measure(np.ones((people, 1), dtype=np.float32))
    drawn: Shares = {name: np.empty(0) for name in values}
    if people >= MIN_PEOPLE:
        weights = draw_people(people, replicates, seed)
        parts = [measure(weights[:, i : i + chunk]) for i in range(0, replicates, chunk)]
        drawn = {name: np.concatenate([part[name] for part in parts]) for name in values}
    return {
        name: estimate(name, float(value[0]), drawn[name], support(name))
        for name, value in values.items()
    }


def estimate(
    name: str, value: float, replicates: NDArray[np.float64], support: Support
) -> Estimate:
    """A figure with its interval: of the replicates, or exact where none erred or all did."""
    if np.isnan(value):
        return Estimate(None, note=_UNDEFINED.get(name.partition("@")[0], "n/a"))
    if support.people < MIN_PEOPLE:
        return Estimate(value, note=TOO_FEW_PEOPLE)
    if min(abs(value), abs(1 - value)) < 1e-12:  # sums of float weights miss by a hair
        return Estimate(float(round(value)), *_exact(name, round(value), support.units))
    valid = replicates[~np.isnan(replicates)]
    low, high = np.quantile(valid, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # Resampling biases some figures, ECE above all; no interval may leave its own figure out.
    return Estimate(value, min(float(low), value), max(float(high), value))


def _exact(name: str, value: int, units: int) -> tuple[float, float]:
    """The interval of a figure at 0 or 1.

    A share is Clopper and Pearson's own case. So are AUC and EER at their ends, over pairs of
    comparisons that share no person, and Brier score and ECE, which no more than the share of
    pairs with any loss at all. F1 is 2 J / (1 + J) of the share J of comparisons called or being
    the same that are both.
    """
    low, high = clopper_pearson(value * units, units)
    return (2 * low / (1 + low), 2 * high / (1 + high)) if name == "f1" else (low, high)


_NO_GENUINE = "n/a, there is no genuine comparison"
_NO_IMPOSTOR = "n/a, there is no impostor comparison"
_ONE_CLASS = "n/a, needs both genuine and impostor comparisons"
_UNDEFINED = {
    "accuracy": "n/a, there is no comparison",
    "precision": "n/a, nothing was accepted",
    "recall": _NO_GENUINE,
    "fnmr": _NO_GENUINE,
    "f1": "n/a, nothing was or should be accepted",
    "fmr": _NO_IMPOSTOR,
    **dict.fromkeys(("auc", "eer", "tar_at_far_1e2", "tar_at_far_1e3", "brier", "ece"), _ONE_CLASS),
}
