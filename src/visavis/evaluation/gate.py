"""Bounds on figures, for continuous integration: ``fnmr<=0.02``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from visavis.errors import DataError, GateError
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import LABELS

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BOUND = re.compile(rf"\s*(\w+)\s*(<=|>=|<|>)\s*({_NUMBER})\s*")
_RATIOS = {"worst_to_best_fmr": "fmr", "worst_to_best_fnmr": "fnmr"}
_NO_RATIO = "n/a: the best group's rate is 0, or fewer than two groups are large enough"


@dataclass(frozen=True)
class Gate:
    """A bound that a figure must hold.

    Attributes:
        figure: a field of ``Figures``, ``worst_to_best_fmr`` or ``worst_to_best_fnmr``.
        relation: ``<=``, ``>=``, ``<`` or ``>``.
        bound: the number on its right.
    """

    figure: str
    relation: str
    bound: float

    def check(self, evaluation: Evaluation) -> None:
        """Pass in silence where the bound holds.

        Raises:
            GateError: it does not, or the figure has no value.
            DataError: a ratio of groups where no groups were asked for.
        """
        value, note = self._value(evaluation)
        wanted = f"{self.figure}{self.relation}{self.bound:g}"
        if value is None:
            raise GateError(f"the gate {wanted} does not hold: {self.figure} is {note}")
        if not _COMPARE[self.relation](value, self.bound):
            raise GateError(f"the gate {wanted} does not hold: {self.figure} is {value:.6g}")

    def _value(self, evaluation: Evaluation) -> tuple[float | None, str]:
        if self.figure in _RATIOS:
            if not evaluation.groups:
                raise DataError(f"the gate on {self.figure} needs groups; add --by TAG")
            return evaluation.worst_to_best[_RATIOS[self.figure]], _NO_RATIO
        estimate = dict(evaluation.figures.estimates()).get(self.figure)
        if estimate is None:
            return None, "n/a, not measured here"
        return estimate.value, estimate.note or "n/a"


def parse_gate(text: str) -> Gate:
    """Read such as ``tar_at_far_1e3 > 0.9``.

    Raises:
        DataError: another form, or an unknown figure.
    """
    found = _BOUND.fullmatch(text)
    if found is None:
        raise DataError(
            f"the gate {text!r} is not of the form 'fnmr<=0.02': a figure, <=, >=, < or >, "
            "and a number"
        )
    figure, relation, bound = found.groups()
    known = [*LABELS, *_RATIOS]
    if figure not in known:
        raise DataError(f"the gate {text!r} names no known figure; they are {', '.join(known)}")
    return Gate(figure, relation, float(bound))


def check_gates(gates: Iterable[Gate], evaluation: Evaluation) -> None:
    """Check each gate in turn; see ``Gate.check``."""
    for gate in gates:
        gate.check(evaluation)
