"""How the rate changes over a run."""

import math

import pytest

from visavis.training.optimiser import rate_of_steps
from visavis.training.recipe import SchedulePart


def rates(**plan: object) -> list[float]:
    rate = rate_of_steps(SchedulePart(epochs=4, **plan), steps=10)
    return [rate(step) for step in range(40)]


def test_constant_from_the_first_step() -> None:
    assert rates(rate="constant") == [1.0] * 40


def test_warmed_up_in_equal_parts() -> None:
    first = rates(rate="constant", warmup=1)[:11]
    assert first == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0])


def test_a_cosine_falls_from_all_to_nearly_nothing() -> None:
    found = rates(rate="cosine")
    assert found[0] == 1.0
    assert found[20] == pytest.approx(0.5)
    assert found[39] == pytest.approx((1 + math.cos(math.pi * 39 / 40)) / 2)
    assert found == sorted(found, reverse=True)


def test_a_cosine_begins_where_the_warm_up_ends() -> None:
    found = rates(rate="cosine", warmup=2)
    assert found[19] == found[20] == 1.0
    assert found[30] == pytest.approx(0.5)
