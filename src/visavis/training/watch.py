"""What a run tells of itself: progress in pairs, a line for an epoch, and the history on disk."""

from __future__ import annotations

import json
import math
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Checkpoint

from visavis.data.download import Progress
from visavis.files import write_output

STAGE = "training"
APART = 5.0
"""Seconds between two epochs' lines, at least: a head has a hundred epochs in as many seconds."""


class Watch(Checkpoint):
    """Writes each epoch's figures and time, so that a resumed run has the whole history.

    A ``Checkpoint`` only because Lightning runs those last, when validation has been logged.

    Args:
        path: of the history.
        pairs: of an epoch.
        resume: whether ``path`` holds the epochs before.
        progress: told ``training`` with the pairs done and in all, and after an epoch also
            ``training: `` and how it went; by the first of several processes.
    """

    def __init__(self, path: Path, pairs: int, resume: bool, progress: Progress | None) -> None:
        self._path, self._pairs, self._progress = path, pairs, progress
        known = resume and path.exists()
        self.history: list[dict[str, float]] = (
            json.loads(path.read_text(encoding="utf-8")) if known else []
        )
        self._start = self._trained = 0.0
        self._told = -math.inf

    @property
    def seconds(self) -> float:
        """Of all epochs, resumed runs together."""
        return sum(epoch["seconds"] for epoch in self.history)

    def on_train_epoch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Forget an epoch that was cut off."""
        self._start = time.perf_counter()
        del self.history[trainer.current_epoch :]

    def on_train_batch_end(self, trainer: lightning.Trainer, *arguments: Any) -> None:
        """Tell the pairs done."""
        *_, index = arguments
        steps = int(trainer.num_training_batches)
        self._trained = time.perf_counter() - self._start
        self._tell(trainer, STAGE, trainer.current_epoch + (index + 1) / steps)

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Write the history, and tell how the epoch went."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = {"epoch": trainer.current_epoch + 1.0, **metrics}
        row["seconds"] = time.perf_counter() - self._start
        self.history.append(row)
        if trainer.is_global_zero:
            write_output(self._path, json.dumps(self.history).encode())
        last = len(self.history) == trainer.max_epochs
        if last or time.perf_counter() - self._told >= APART:
            self._told = time.perf_counter()
            self._tell(trainer, f"{STAGE}: {self._words(trainer)}", trainer.current_epoch + 1)

    def _tell(self, trainer: lightning.Trainer, stage: str, epochs: float) -> None:
        if self._progress and trainer.is_global_zero:
            total = self._pairs * int(trainer.max_epochs or 1)
            self._progress(stage, round(self._pairs * epochs), total)

    def _words(self, trainer: lightning.Trainer) -> str:
        row, epochs = self.history[-1], int(trainer.max_epochs or 1)
        figures = [
            f"{name.replace('val_', 'validation ')} {row[name]:.4g}"
            for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_auc")
            if math.isfinite(row.get(name, math.nan))
        ]
        # The median: an epoch in which the machine slept says nothing of those to come.
        usual = statistics.median(epoch["seconds"] for epoch in self.history)
        left = usual * (epochs - len(self.history))
        return ", ".join(
            (
                f"epoch {len(self.history)} of {epochs}",
                *figures,
                f"{self._pairs / self._trained:,.0f} pairs/s",
                *([f"at most {timedelta(seconds=round(left))} left"] if left else []),
            )
        )
