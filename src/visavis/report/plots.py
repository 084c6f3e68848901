"""Every plot of a report, in the order in which it is read."""

from __future__ import annotations

from visavis.evaluation.evaluation import Evaluation
from visavis.report.error_plots import det, roc
from visavis.report.outcome_plots import confusion, folds, groups
from visavis.report.plot import Plot
from visavis.report.score_plots import histograms, reliability

PLOTS = (histograms, confusion, roc, det, reliability, folds)
"""Each takes an ``Evaluation`` and returns a ``Plot``, or ``None`` where it has nothing to show."""


def all_plots(evaluation: Evaluation) -> list[Plot]:
    """The plots that the evaluation has something for."""
    drawn = [plot(evaluation) for plot in PLOTS]
    return [plot for plot in drawn if plot is not None] + groups(evaluation)
