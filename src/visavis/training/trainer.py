"""Lightning's trainer as a recipe and its resources want it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from visavis.training.budget import Budget
from visavis.training.checkpoints import Last, SafeCheckpoints
from visavis.training.memory import KeptMemory
from visavis.training.processes import Resources
from visavis.training.recipe import Recipe

PRECISIONS: dict[str, Any] = {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}


def make_trainer(
    recipe: Recipe,
    folder: Path,
    resources: Resources,
    watch: Callback,
    others: Sequence[Callback] = (),
) -> tuple[lightning.Trainer, ModelCheckpoint]:
    """The trainer of a run in ``folder``, and what knows its best checkpoint."""
    plan = recipe.schedule
    monitor, mode = f"val_{plan.monitor}", "min" if plan.monitor == "loss" else "max"
    best = ModelCheckpoint(
        folder / "checkpoints",
        filename="best-{epoch}",
        auto_insert_metric_name=False,
        monitor=monitor,
        mode=mode,
        save_weights_only=True,  # what goes on is the last
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    last = Last(folder / "checkpoints")
    callbacks: list[Callback] = [KeptMemory(), watch, best, last, *others]
    if plan.patience is not None:
        callbacks.append(
            EarlyStopping(monitor, mode=mode, patience=plan.patience, check_on_train_epoch_end=True)
        )
    if resources.budget is not None:
        callbacks.append(Budget(resources.budget))
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Determinism also fills all new memory, in case somebody reads it: a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    trainer = lightning.Trainer(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=resources.devices,
        num_nodes=resources.nodes,
        strategy="ddp" if resources.processes > 1 else "auto",
        sync_batchnorm=torch.cuda.is_available(),
        precision=PRECISIONS[recipe.precision],
        max_epochs=plan.epochs,
        accumulate_grad_batches=recipe.batch.accumulate,
        gradient_clip_val=recipe.optimiser.clip,
        callbacks=callbacks,
        plugins=[SafeCheckpoints()],
        logger=[
            CSVLogger(folder, "logs", ""),
            TensorBoardLogger(folder, "tensorboard", ""),
        ],
        default_root_dir=folder,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=False,  # ours goes to stderr, as everywhere
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        deterministic="warn",
    )
    return trainer, best


def why_stopped(trainer: lightning.Trainer, recipe: Recipe) -> str:
    """``all epochs``, ``budget`` or ``patience``."""
    if trainer.current_epoch >= recipe.schedule.epochs:
        return "all epochs"
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    spent = any(callback.spent for callback in callbacks if isinstance(callback, Budget))
    return "budget" if spent else "patience"
