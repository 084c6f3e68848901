"""The training loop's body: one encoder forward for a batch, a loss on all its pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as lightning
import torch
from numpy.typing import NDArray
from torch import Tensor

from visavis.data.faceset import PairSet
from visavis.evaluation.fit import best_accuracy_threshold
from visavis.nets.collapse import collapse
from visavis.nets.encoder import Encoder
from visavis.nets.heads import Head
from visavis.nets.input import to_images
from visavis.nets.losses import BatchLoss, Distil, InBatch, PairLoss
from visavis.training.augment import Augment
from visavis.training.batches import Batch, share
from visavis.training.optimiser import build_optimiser, rate_of_steps
from visavis.training.recipe import Recipe

Inputs = Callable[[NDArray[np.int64]], Tensor]
"""Rows to what the network takes: crops (n, h, w, c) uint8, or cached embeddings (n, d) float32."""


class Lessons(Protocol):
    """How photos are read.

    Attributes:
        inputs: rows to what the network takes.
        taught: rows to what the teacher says of them, (n, d) float32; ``None`` without a teacher.
    """

    @property
    def inputs(self) -> Inputs: ...  # noqa: D102 - above

    @property
    def taught(self) -> Inputs | None: ...  # noqa: D102 - above


class Twin(lightning.LightningModule):
    """A Siamese network in training.

    Args:
        recipe: what is trained.
        encoder: crops to embeddings; ``None`` where embeddings are cached and only a head learns.
        head: embeddings to similarity.
        loss: on listed pairs (a ``PairLoss``), on batches of people (a ``BatchLoss``) or on what a
            teacher says of each photo (``Distil``).
        training: how to read the training photos.
        validation: pairs, and how to read their photos.
        steps: optimiser steps of an epoch, for the schedule.
    """

    def __init__(
        self,
        recipe: Recipe,
        encoder: Encoder | None,
        head: Head,
        loss: PairLoss | BatchLoss | Distil,
        *,
        training: Lessons,
        validation: tuple[PairSet, Lessons],
        steps: int,
    ) -> None:
        super().__init__()
        self.recipe, self.steps = recipe, steps
        self.encoder, self.head, self.loss = encoder, head, loss
        if encoder is not None:  # as images come; convolutions are a sixth to a third faster
            encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.augment = Augment(recipe.augment)
        self._training, self._validation = training, validation
        self.warned: list[str] = []
        self._seen: list[tuple[Tensor, NDArray[np.bool_]]] = []

    def embed(self, values: Tensor) -> Tensor:
        """Embeddings of crops, augmented in training; cached embeddings pass through."""
        if self.encoder is None:
            return values
        return self.encoder.encode_images(self.augment(to_images(values)))

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, index: int) -> Batch:
        """Rows stay where they are; what they stand for is read and moved by the step."""
        del device, index
        return batch

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The loss of one batch; each of several processes encodes its share.

        The first of an epoch seeds it, so that a resumed run draws what an unbroken one would have
        drawn. Not earlier: when the trainer makes its iterators, which draw too, depends on
        whether it was resumed. Processes draw apart, or they would augment alike.
        """
        if index == 0:
            seed = self.recipe.seed * 100_003 + self.current_epoch
            torch.manual_seed(seed + 1_000_003 * self.global_rank)
        loss = self._loss(batch, share(batch, self.global_rank, self.trainer.world_size))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"{self.recipe.name}: the loss is {loss.item()} in epoch {self.current_epoch + 1}; "
                "lower optimiser.rate, set optimiser.clip, or train in fp32"
            )
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.rows))
        return loss

    def _loss(self, batch: Batch, part: Batch) -> Tensor:
        """The loss of the whole batch, in every process: what it compares is gathered."""
        embeddings = self.embed(self._training.inputs(part.rows).to(self.device))
        if isinstance(self.loss, PairLoss):
            first, second = (
                torch.from_numpy(ends).to(self.device) for ends in (part.first, part.second)
            )
            similarity = gather(
                self, self.head(embeddings[first], embeddings[second]), len(batch.same)
            )
            self._seen.append((similarity.detach(), batch.same))
            listed: Tensor = self.loss(similarity, torch.from_numpy(batch.same).to(self.device))
            return listed
        taught = self._training.taught
        known = torch.from_numpy(batch.people) if taught is None else taught(batch.rows)
        embeddings = gather(self, embeddings, len(batch.rows))
        in_batch: Tensor = self.loss(embeddings, known.to(self.device))
        return in_batch

    @torch.no_grad()
    def embed_rows(self, inputs: Inputs, rows: NDArray[np.int64], size: int = 128) -> Tensor:
        """(n, d) embeddings of rows, in evaluation mode, on the CPU."""
        self.eval()
        parts = [
            self.embed(inputs(rows[i : i + size]).to(self.device)).float().cpu()
            for i in range(0, len(rows), size)
        ]
        return torch.cat(parts)

    def validate(self) -> dict[str, float]:
        """Loss, best accuracy and AUC on the validation pairs; a teacher's loss on their photos."""
        pairs, lessons = self._validation
        rows, position = np.unique(np.concatenate([pairs.first, pairs.second]), return_inverse=True)
        embeddings = self.embed_rows(lessons.inputs, rows)
        first, second = (torch.from_numpy(part) for part in np.split(position, 2))
        with torch.no_grad():
            head = self.head.to("cpu").eval()
            similarity = head(embeddings[first], embeddings[second])
            self.head.to(self.device)
            loss = math.nan
            if on_pairs := pair_loss(self.loss):
                loss = float(on_pairs(similarity, torch.from_numpy(pairs.same)))
            elif lessons.taught is not None:
                loss = float(self.loss(embeddings, lessons.taught(rows)))
        self._watch(embeddings, loss)
        return {"loss": loss, **verification(similarity.numpy().astype(float), pairs.same)}

    def on_train_epoch_end(self) -> None:
        """Validate; early stopping and checkpoints look at what is logged here.

        The first process validates for all, so that all stop after the same epoch.
        """
        figures: dict[str, float] = {}
        if self.trainer.is_global_zero:
            figures = self._training_figures()
            figures |= {f"val_{name}": value for name, value in self.validate().items()}
        self._seen.clear()
        figures = self.trainer.strategy.broadcast(figures)
        self.train()
        self.log_dict(figures)

    def _training_figures(self) -> dict[str, float]:
        """Accuracy on the listed pairs as they were trained on, by weights that moved meanwhile."""
        if not self._seen:  # batches of people have no list
            return {}
        similarity = torch.cat([part for part, _ in self._seen]).float().cpu().numpy()
        same = np.concatenate([part for _, part in self._seen])
        return {"accuracy": verification(similarity.astype(float), same)["accuracy"]}

    def _watch(self, embeddings: Tensor, loss: float) -> None:
        margin = getattr(self.loss, "margin", None)
        known = None if math.isnan(loss) else loss
        reason = collapse(embeddings, known, margin)
        if reason and reason not in self.warned:
            self.warned.append(reason)

    def on_train_start(self) -> None:
        """Lay the optimiser's memory out as the weights lie; a checkpoint holds it flat.

        A fused step goes through both by address and would mix their numbers up.
        """
        for optimiser in self.trainer.optimizers:
            for weight, state in optimiser.state.items():
                for name, value in state.items():
                    if isinstance(value, Tensor) and value.shape == weight.shape:
                        state[name] = torch.empty_like(weight).copy_(value)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser and schedule."""
        part = self.recipe.optimiser
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        # In mixed precision a fused step scales gradients back itself, too late to clip before.
        fused = self.recipe.precision == "fp32" or part.clip is None
        optimiser = build_optimiser(part, trained, fused)
        rate = rate_of_steps(self.recipe.schedule, self.steps)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def pair_loss(loss: PairLoss | BatchLoss | Distil) -> PairLoss | None:
    """The loss on pairs that a loss is made of; ``None`` for one that needs whole batches."""
    if isinstance(loss, InBatch):
        return loss.loss
    return loss if isinstance(loss, PairLoss) else None


def gather(module: lightning.LightningModule, values: Tensor, count: int) -> Tensor:
    """The shares of all processes, (k, …) each, as the batch that they are of: (count, …).

    Gradients flow back to each process, summed over the losses of all, which are the same: where
    gradients are then averaged over processes they are those of one process with the whole batch.
    """
    if module.trainer.world_size == 1:
        return values
    gathered = module.all_gather(values, sync_grads=True)
    assert isinstance(gathered, Tensor)  # noqa: S101 - of a tensor
    return gathered.transpose(0, 1).flatten(0, 1)[:count]


def verification(similarity: NDArray[np.float64], same: NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy at the best threshold and AUC: what one epoch is compared with another by."""
    from sklearn.metrics import roc_auc_score

    if not np.isfinite(similarity).all():
        return {"accuracy": 0.0, "auc": 0.0}
    threshold = best_accuracy_threshold(similarity, same, "validation").value
    return {
        "accuracy": float(((similarity >= threshold) == same).mean()),
        "auc": float(roc_auc_score(same, similarity)),
    }
