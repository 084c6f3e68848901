from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import DataError, GateError
from visavis.evaluation.figures import LABELS, Estimate, Figures
from visavis.evaluation.gate import Gate, check_gates, parse_gate


def evaluation(groups=(), worst_to_best=None, **values):
    estimates = {name: Estimate(0.5) for name in LABELS if name != "loss"}
    estimates |= {n: v if isinstance(v, Estimate) else Estimate(v) for n, v in values.items()}
    counts = dict.fromkeys(("n_genuine", "n_impostor", "n_people", "n_missed"), 1)
    figures = Figures(
        **estimates,
        **counts,
        threshold=0.5,
        threshold_fitted_on="",
        calibration_fitted_on="",
    )
    return SimpleNamespace(figures=figures, groups=groups, worst_to_best=worst_to_best or {})


@given(
    st.sampled_from(sorted(LABELS)),
    st.sampled_from(["<=", ">=", "<", ">"]),
    st.floats(0, 1e6),
    st.sampled_from(["", " ", "  "]),
)
def test_a_gate_is_read_with_or_without_spaces(figure, relation, bound, space):
    gate = parse_gate(f"{space}{figure}{space}{relation}{space}{bound!r}{space}")
    assert gate == Gate(figure, relation, bound)


@pytest.mark.parametrize("text", ["", "fnmr", "fnmr=0.1", "fnmr<=", "fnmr<=x", "<=3", "a<=1<=2"])
def test_another_form_is_refused_with_an_example(text):
    with pytest.raises(DataError, match=r"fnmr<=0\.02"):
        parse_gate(text)


def test_an_unknown_figure_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match=r"accuracy, .*tar_at_far_1e3.*worst_to_best_fmr"):
        parse_gate("acuracy>=0.9")


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("fnmr<=0.02", 0.02, True),
        ("fnmr<0.02", 0.02, False),
        ("fnmr<=0.02", 0.021, False),
        ("fnmr>=0.02", 0.02, True),
        ("fnmr>0.02", 0.02, False),
        ("fnmr>2e-2", 0.03, True),
    ],
)
def test_a_bound_holds_or_the_error_names_value_and_bound(text, value, holds):
    gates = [parse_gate(text)]
    if holds:
        check_gates(gates, evaluation(fnmr=value))
    else:
        with pytest.raises(GateError, match=rf"0\.02.*fnmr is {value}") as error:
            check_gates(gates, evaluation(fnmr=value))
        assert error.value.exit_code == 1


def test_a_figure_without_a_value_fails_with_its_note():
    withheld = Estimate(None, note="n/a, needs 30,000 comparisons")
    with pytest.raises(GateError, match="needs 30,000 comparisons"):
        parse_gate("tar_at_far_1e3>0").check(evaluation(tar_at_far_1e3=withheld))
    with pytest.raises(GateError, match="not measured"):
        parse_gate("loss<=1").check(evaluation())


def test_a_ratio_of_groups_needs_groups():
    gate = parse_gate("worst_to_best_fmr<=3")
    with pytest.raises(DataError, match="--by"):
        gate.check(evaluation())
    gate.check(evaluation(groups=[1], worst_to_best={"fmr": 2.9}))
    with pytest.raises(GateError, match=r"3\.1"):
        gate.check(evaluation(groups=[1], worst_to_best={"fmr": np.float64(3.1)}))
    with pytest.raises(GateError, match="best group's rate is 0"):
        gate.check(evaluation(groups=[1], worst_to_best={"fmr": None}))
