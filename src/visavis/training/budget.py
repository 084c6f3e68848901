"""A limit to the time of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Timer


class Budget(Timer):
    """Ends a run before an epoch for which, going by the one before, there is no time left.

    Args:
        seconds: of training, those before a run was resumed included. The first epoch is always
            finished.

    Attributes:
        spent: whether that was the end.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(timedelta(seconds=seconds), interval="epoch")
        self._seconds, self._began = seconds, 0.0
        self.spent = False

    def on_train_epoch_start(self, *_: Any) -> None:
        """Look at the clock."""
        self._began = self.time_elapsed()

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """Look again, in all processes at once."""
        now = self.time_elapsed()
        self._end(trainer, too_late=2 * now - self._began > self._seconds)

    def on_fit_start(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """A resumed run may have spent everything before."""
        self._end(trainer, too_late=self.time_elapsed() >= self._seconds)

    def _end(self, trainer: lightning.Trainer, *, too_late: bool) -> None:
        self.spent = bool(trainer.strategy.broadcast(too_late))
        trainer.should_stop = trainer.should_stop or self.spent
