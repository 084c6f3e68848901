"""What ``visavis evaluate`` and ``visavis train`` print of an evaluation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generated_evaluation import draw_evaluation, draw_figures, draw_pairs
from visavis.cli.evaluate import _show, decisions
from visavis.evaluation.evaluation import Evaluation


@pytest.fixture
def evaluation() -> Evaluation:
    pairs = draw_pairs([Path(f"{i}.jpg") for i in range(12)], list("abcdef"), 10, 5)
    similarity = np.array([0.9] * 6 + [0.1] * 3 + [np.nan] + [0.1] * 3 + [0.9, np.nan])
    threshold = np.full(15, 0.5)
    return replace(
        draw_evaluation(pairs),
        similarity=similarity,
        threshold=threshold,
        figures=draw_figures(pairs, similarity, threshold),
    )


def test_decisions_are_counted_by_kind_and_a_missed_face_is_an_error(evaluation):
    assert decisions(evaluation) == (
        "genuine pairs: 6 accepted, 4 refused; impostor pairs: 2 accepted, 3 refused"
    )


def test_the_halfway_threshold_is_printed_below_the_rates(evaluation, capsys):
    _show(evaluation)
    lines = capsys.readouterr().out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("FMR asked\t"))
    rows = [line.split("\t") for line in lines[header : header + 7]]
    point = evaluation.halfway
    assert [row[0] for row in rows[1:]] == ["0.01", "0.001", "0.0001", "1e-05", "1e-06", "half-way"]
    assert rows[-1][1:] == ["0.3450", str(point.fmr), str(point.fnmr), str(point.accuracy)]
    _show(replace(evaluation, halfway=None, operating=[]))
    assert "FMR asked" not in capsys.readouterr().out
