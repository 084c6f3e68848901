"""``visavis.train``: from a recipe and data to a model folder that everything else can use."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    ModelCheckpoint,
    Timer,
)
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader, IterableDataset

from visavis.data.faceset import Source
from visavis.errors import DataError
from visavis.files import write_output
from visavis.training.batches import Batch, Batches, share
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.inputs import make_batches, read_inputs, usable_pairs
from visavis.training.material import Material, prepare
from visavis.training.parts import Parts, build_loss, build_parts
from visavis.training.recipe import Recipe
from visavis.training.twin import Twin, pair_loss

Progress = Callable[[str, int, int], None]
PRECISIONS: dict[str, Any] = {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}
RECIPE, HISTORY = "recipe.json", "history.json"


@dataclass(frozen=True)
class Resources:
    """What a run may use; nothing here changes what is trained.

    Attributes:
        devices, nodes: processes; more than one train in step (DDP).
        threads: CPU threads for cropping and embedding.
        budget: seconds after which the run ends with the best epoch so far; ``None`` for no end.
    """

    devices: int = 1
    nodes: int = 1
    threads: int | None = None
    budget: float | None = None


ALONE = Resources()


@dataclass
class Fitted:
    """A trained network before it is made into a model folder.

    Attributes:
        parts: network and head with the weights of the best epoch.
        material: what they were trained on.
        history: figures of each epoch.
        best_epoch: counted from 1.
        seconds: of training, resumed runs together.
        stopped: why: ``all epochs``, ``patience`` or ``budget``.
        warnings: what looked wrong.
    """

    parts: Parts
    material: Material
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    stopped: str
    warnings: list[str] = field(default_factory=list)


def fit(
    recipe: Recipe,
    source: Source,
    folder: Path,
    *,
    resume: bool = False,
    resources: Resources = ALONE,
    progress: Progress | None = None,
) -> Fitted:
    """Train a recipe's network.

    Args:
        recipe: what to train.
        source: what on.
        folder: of the run: crops, checkpoints and logs go there. A run that was killed goes on
            from its last whole epoch with ``resume`` and ends as if it had never stopped.
        resume: go on with the run in ``folder``.
        resources: what it may use.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DataError: the recipe does not fit the source or contradicts itself, the folder holds
            another run, or the loss is no longer a number.
    """
    claim(folder, recipe, resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    material = prepare(source, recipe.data, recipe.seed)
    parts = build_parts(recipe, resources.threads)
    inputs, usable = read_inputs(parts, material, folder, resources.threads, progress)
    batches = make_batches(recipe, material.train, usable[0])
    loss = build_loss(recipe, parts.head, len(material.train.faces.names), parts.size)
    if recipe.schedule.monitor == "loss" and pair_loss(loss) is None:
        raise DataError(
            f"recipe {recipe.name}: {recipe.loss[0].kind} has no loss on validation pairs; set "
            "schedule.monitor to accuracy or auc"
        )
    validation = usable_pairs(material.validation, usable[1])
    twin = Twin(
        recipe,
        None if parts.cached else parts.encoder,
        parts.head,
        loss,
        inputs=inputs[0],
        validation=(validation, inputs[1]),
        steps=-(-len(batches) // recipe.batch.accumulate),
    )
    watch = _Watch(folder / HISTORY, resume, progress)
    trainer, best = _trainer(recipe, folder, resources, watch)
    last = folder / "checkpoints" / "last.ckpt"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's advice on loaders and loggers
            trainer.fit(
                twin,
                DataLoader(_Epochs(batches, trainer), batch_size=None),
                ckpt_path=str(last) if resume and last.exists() else None,
            )
    except FloatingPointError as error:
        raise DataError(str(error)) from None
    if trainer.interrupted:
        raise KeyboardInterrupt
    state = SafeCheckpoints().load_checkpoint(best.best_model_path)["state_dict"]
    twin.load_state_dict(state)
    twin.cpu().eval()
    stopped = _why(trainer, recipe)
    number = int(Path(best.best_model_path).stem.split("-")[-1]) + 1
    return Fitted(parts, material, watch.history, number, watch.seconds, stopped, list(twin.warned))


def claim(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Make the run's folder this recipe's, or see that it is.

    Raises:
        DataError: it holds another run, or one that ``resume`` was not asked to go on with.
    """
    path = folder / RECIPE
    text = recipe.model_dump_json(indent=1)
    if path.exists():
        if not resume:
            raise DataError(f"{folder} holds a run already; go on with --resume or name another")
        if json.loads(path.read_text(encoding="utf-8")) != json.loads(text):
            raise DataError(f"{folder} holds the run of another recipe; name another folder")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}") from None
    write_output(path, text.encode())


class _Epochs(IterableDataset[Batch]):
    """The batches of the trainer's epoch: this process's part of each."""

    def __init__(self, batches: Batches, trainer: lightning.Trainer) -> None:
        self._batches, self._trainer = batches, trainer

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        rank, world = self._trainer.global_rank, self._trainer.world_size
        for batch in self._batches.epoch(self._trainer.current_epoch):
            yield share(batch, rank, world)


class _Watch(Checkpoint):
    """Writes each epoch's figures and time, so that a resumed run has the whole history.

    A ``Checkpoint`` only because Lightning runs those last, when validation has been logged.
    """

    def __init__(self, path: Path, resume: bool, progress: Progress | None) -> None:
        self._path, self._progress = path, progress
        known = resume and path.exists()
        self.history: list[dict[str, float]] = (
            json.loads(path.read_text(encoding="utf-8")) if known else []
        )
        self._start = 0.0

    @property
    def seconds(self) -> float:
        return sum(epoch["seconds"] for epoch in self.history)

    def on_train_epoch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._start = time.perf_counter()
        del self.history[trainer.current_epoch :]  # of an epoch that was cut off

    def on_train_batch_end(self, trainer: lightning.Trainer, *arguments: Any) -> None:
        if self._progress:
            steps, (*_, index) = int(trainer.num_training_batches), arguments
            done = trainer.current_epoch * steps + index + 1
            self._progress("training", done, int(trainer.max_epochs or 1) * steps)

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = {"epoch": trainer.current_epoch + 1.0, **metrics}
        row["seconds"] = time.perf_counter() - self._start
        self.history.append(row)
        if trainer.is_global_zero:
            write_output(self._path, json.dumps(self.history).encode())


def _trainer(
    recipe: Recipe, folder: Path, resources: Resources, watch: Callback
) -> tuple[lightning.Trainer, ModelCheckpoint]:
    plan = recipe.schedule
    monitor, mode = f"val_{plan.monitor}", "min" if plan.monitor == "loss" else "max"
    best = ModelCheckpoint(
        folder / "checkpoints",
        filename="best-{epoch}",
        auto_insert_metric_name=False,
        monitor=monitor,
        mode=mode,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    last = ModelCheckpoint(  # not save_last, which waits for a better epoch
        folder / "checkpoints",
        filename="last",
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [watch, best, last]
    if plan.patience is not None:
        callbacks.append(
            EarlyStopping(monitor, mode=mode, patience=plan.patience, check_on_train_epoch_end=True)
        )
    if resources.budget is not None:
        callbacks.append(Timer(timedelta(seconds=resources.budget), interval="epoch"))
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=resources.devices,
        num_nodes=resources.nodes,
        strategy="ddp" if resources.devices * resources.nodes > 1 else "auto",
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


def _why(trainer: lightning.Trainer, recipe: Recipe) -> str:
    if trainer.current_epoch >= recipe.schedule.epochs:
        return "all epochs"
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]
    out_of_time = any((timer.time_remaining() or 1) <= 0 for timer in timers)
    return "budget" if out_of_time else "patience"
