"""A run ends within its budget."""

from types import SimpleNamespace

import pytest
from pytorch_lightning.callbacks import timer

from visavis.training.budget import Budget


@pytest.mark.parametrize(
    ("budget", "epochs"),
    [(10.0, 1), (24.9, 2), (25.0, 3), (1.0, 1)],
    ids=["one", "a second, but no third", "a third just fits", "the first overruns"],
)
def test_no_epoch_begins_that_would_not_end_in_time(
    monkeypatch: pytest.MonkeyPatch, budget: float, epochs: int
) -> None:
    """Epochs of 8 seconds and a start that takes one."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(timer.time, "monotonic", lambda: clock.now)
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(broadcast=lambda value: value), should_stop=False
    )
    limit, done = Budget(budget), 0
    limit.on_fit_start(trainer)
    limit.on_train_start(trainer, None)
    clock.now += 1
    while not trainer.should_stop:
        limit.on_train_epoch_start(trainer, None)
        clock.now += 8
        limit.on_train_epoch_end(trainer, None)
        done += 1
    assert done == epochs
    assert limit.spent


def test_a_resumed_run_may_have_nothing_left() -> None:
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(broadcast=lambda value: value), should_stop=False
    )
    limit = Budget(60)
    limit.load_state_dict({"time_elapsed": {"train": 61.0}})
    limit.on_fit_start(trainer)
    assert trainer.should_stop
    assert limit.spent
