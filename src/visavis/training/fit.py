"""From a recipe and a source to a trained network."""

from __future__ import annotations

import errno
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Callback
from torch.utils.data import DataLoader, IterableDataset

from visavis.data.download import Progress
from visavis.data.faceset import Source
from visavis.errors import DataError
from visavis.files import write_output
from visavis.training.batches import Batch, Batches
from visavis.training.checkpoints import SafeCheckpoints
from visavis.training.inputs import Reading, make_batches, read_inputs, usable_pairs
from visavis.training.material import Material, prepare
from visavis.training.parts import Parts, build_loss, build_parts, doubts
from visavis.training.processes import ALONE, Resources, is_first, started, together
from visavis.training.recipe import Recipe
from visavis.training.trainer import make_trainer, why_stopped
from visavis.training.twin import Twin, pair_loss
from visavis.training.watch import Watch

RECIPE, HISTORY = "recipe.json", "history.json"


@dataclass(frozen=True)
class Fitted:
    """A trained network before it is made into a model folder.

    Attributes:
        parts: network and head with the weights of the best epoch.
        material: what they were trained on.
        history: figures of each epoch.
        best_epoch: counted from 1; ``None`` where the recipe has no loss.
        seconds: of training, resumed runs together.
        stopped: why: ``all epochs``, ``patience``, ``budget`` or ``nothing to learn``.
        unreadable: photos to train and to validate on that could not be read.
        warnings: what looked wrong.
    """

    parts: Parts
    material: Material
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    seconds: float = 0.0
    stopped: str = "nothing to learn"
    unreadable: int = 0
    warnings: list[str] = field(default_factory=list)


def fit(
    recipe: Recipe,
    source: Source,
    folder: Path,
    *,
    resume: bool = False,
    resources: Resources = ALONE,
    progress: Progress | None = None,
    crops: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> Fitted:
    """Train a recipe's network.

    Of several processes each calls it; the first alone writes, tells of progress, and returns.

    Args:
        recipe: what to train.
        source: what on.
        folder: of the run: crops, checkpoints and logs go there. A run that was killed goes on
            from its last whole epoch with ``resume`` and ends as if it had never stopped.
        resume: go on with the run in ``folder``.
        resources: what it may use.
        progress: called with a stage, steps done and steps in all; for training these are pairs,
            see ``Watch``.
        crops: the folder whose crops are used, where several runs share them; ``folder`` by
            default.
        callbacks: further ones of Lightning's.

    Raises:
        DataError: the recipe does not fit the source or contradicts itself, the folder holds
            another run, the loss is no longer a number, the processes asked for cannot be started,
            or one of them ended.
        SystemExit: in another process than the first, when the network is trained.
    """
    resources = started(resources)
    first = is_first(resources)
    if first:
        claim(folder, recipe, resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    material = prepare(source, recipe.data, recipe.seed)
    parts = build_parts(recipe, resources.threads)
    told = progress if first else None
    shared = crops or folder
    reading = read_inputs(recipe, parts, material, shared, threads=resources.threads, progress=told)
    fitted = Fitted(
        parts,
        material,
        unreadable=sum(part.unreadable for part in reading),
        warnings=[part.left_out for part in reading if part.left_out] + doubts(recipe, parts),
    )
    if not recipe.loss:
        if not first:
            raise SystemExit
        return fitted
    batches = make_batches(recipe, material.train, reading[0].usable)
    twin = _twin(recipe, parts, material, reading, batches)
    watch = Watch(folder / HISTORY, batches.pairs, resume, progress)
    trainer, best = make_trainer(recipe, folder, resources, watch, callbacks)
    last = folder / "checkpoints" / "last.ckpt"
    _train(trainer, twin, batches, last if resume and last.exists() else None, folder)
    if not first:
        raise SystemExit
    # By name: the folder may have been moved since the checkpoint was written.
    chosen = folder / "checkpoints" / Path(best.best_model_path).name
    twin.load_state_dict(SafeCheckpoints().load_checkpoint(chosen)["state_dict"])
    twin.cpu().eval()
    return replace(
        fitted,
        history=watch.history,
        best_epoch=int(chosen.stem.split("-")[-1]) + 1,
        seconds=watch.seconds,
        stopped=why_stopped(trainer, recipe),
        warnings=[*fitted.warnings, *twin.warned],
    )


def _twin(
    recipe: Recipe,
    parts: Parts,
    material: Material,
    reading: tuple[Reading, Reading],
    batches: Batches,
) -> Twin:
    """The network in training, with its loss and what it reads."""
    loss = build_loss(recipe, parts.head, len(material.train.faces.names), parts.size)
    if recipe.schedule.monitor == "loss" and pair_loss(loss) is None and not recipe.teacher:
        raise DataError(
            f"recipe {recipe.name}: {recipe.loss[0].kind} has no loss on validation pairs; set "
            "schedule.monitor to accuracy or auc"
        )
    training, validation = reading
    return Twin(
        recipe,
        None if parts.cached else parts.encoder,
        parts.head,
        loss,
        training=training,
        validation=(usable_pairs(material.validation, validation.usable), validation),
        steps=-(-len(batches) // recipe.batch.accumulate),
    )


def _train(
    trainer: lightning.Trainer, twin: Twin, batches: Batches, checkpoint: Path | None, folder: Path
) -> None:
    """Run the epochs that are left."""
    try:
        with together(trainer), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's advice on loaders and loggers
            trainer.fit(
                twin,
                DataLoader(_Epochs(batches, trainer), batch_size=None),
                ckpt_path=str(checkpoint) if checkpoint else None,
            )
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DataError(
            f"{folder}: the disk is full; free some space and go on with --resume"
        ) from None


def claim(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Make the run's folder this recipe's, or see that it is.

    Raises:
        DataError: it holds another run, or one that ``resume`` was not asked to go on with.
    """
    path = folder / RECIPE
    text = recipe.model_dump_json(indent=1)
    if (folder / HISTORY).exists():  # before the first epoch there is nothing to lose
        if not resume:
            raise DataError(f"{folder} holds a run already; go on with --resume or name another")
        # Read, not compared as text: one of before a key was thought of is the same still.
        known, asked = (
            Recipe.from_dict(json.loads(each), str(path))
            for each in (path.read_text(encoding="utf-8"), text)
        )
        if known != asked:
            raise DataError(f"{folder} holds the run of another recipe; name another folder")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}") from None
    write_output(path, text.encode())


class _Epochs(IterableDataset[Batch]):
    """The batches of the trainer's epoch, whole; each process takes its part in its step."""

    def __init__(self, batches: Batches, trainer: lightning.Trainer) -> None:
        self._batches, self._trainer = batches, trainer

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        # A generator: iterators are made early, and the epoch is known with the first batch.
        yield from self._batches.epoch(self._trainer.current_epoch)
