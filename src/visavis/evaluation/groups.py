"""Error rates by group: whether a model works as well for everyone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.evaluation import GroupRates
from visavis.evaluation.figures import Estimate
from visavis.evaluation.intervals import MIN_PEOPLE
from visavis.evaluation.reported import Reported


def group_rates(
    reported: Reported, tag: str, values: NDArray[np.str_], threshold: list[float]
) -> list[GroupRates]:
    """FMR and FNMR within each group at the one threshold.

    Both photos of a comparison are of the group. A group that is too small for an interval says
    so in its estimates' notes.

    Args:
        reported: pairs or comparisons.
        tag: the groups' name.
        values: (n,) str, the group of each photo; empty where unknown, which is no group.
        threshold: of each fold.
    """
    rows = []
    for group in np.unique(values[values != ""]):
        within = reported.group(values, group)
        genuine, impostor, people = within.counts
        found = within.rates({tag: threshold})[tag]
        rows.append(GroupRates(tag, str(group), found.fmr, found.fnmr, genuine, impostor, people))
    return rows


def worst_to_best(groups: list[GroupRates]) -> dict[str, float | None]:
    """For FMR and FNMR, the worst group's rate over the best's.

    Only groups of at least 20 people take part: the rate of a handful says nothing of its group.
    ``None`` where the best rate is 0, or fewer than two groups are large enough.
    """
    large = [group for group in groups if group.n_people >= MIN_PEOPLE]
    return {
        "fmr": _ratio([group.fmr for group in large]),
        "fnmr": _ratio([group.fnmr for group in large]),
    }


def _ratio(rates: list[Estimate]) -> float | None:
    values = [rate.value for rate in rates if rate.value is not None]
    return max(values) / min(values) if len(values) > 1 and min(values) > 0 else None
