"""A recipe's network, head and loss, built; every mistake in it becomes one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch.nn.modules.batchnorm import _BatchNorm

from visavis.errors import DataError
from visavis.models.card import Card
from visavis.models.folder import CARD, WEIGHTS
from visavis.models.model import Model
from visavis.models.zoo import known_models
from visavis.nets.backbones import BACKBONES, build_backbone
from visavis.nets.backbones.backbone import Backbone
from visavis.nets.encoder import Encoder
from visavis.nets.heads import Head, build_head
from visavis.nets.input import Input
from visavis.nets.losses import (
    PAIR_LOSSES,
    BatchLoss,
    Distil,
    PairLoss,
    WeightedSum,
    build_batch_loss,
    build_pair_loss,
)
from visavis.nets.pretrained import load_state, read_state
from visavis.nets.registry import build
from visavis.photos.input_spec import InputSpec
from visavis.training.fused import FUSED, build_fused
from visavis.training.recipe import Recipe
from visavis.training.weights import public_weights, read_weights


@dataclass(frozen=True)
class Parts:
    """What is trained.

    Attributes:
        base: the finished model whose embeddings a head is trained on; else ``None``.
        encoder: the network in training; ``None`` with a base.
        head: on its embeddings.
        spec: the crops that it takes.
        size: of an embedding.
        teacher: whose embeddings the network learns, where it does.
        starts: the cards of the model folders that the network started from.
    """

    base: Model | None
    encoder: Encoder | None
    head: Head
    spec: InputSpec
    size: int
    teacher: Model | None = None
    starts: tuple[Card, ...] = ()

    @property
    def cached(self) -> bool:
        """Whether no weight of the encoder learns, so that each photo is embedded once."""
        return self.encoder is None or not any(p.requires_grad for p in self.encoder.parameters())


def build_parts(recipe: Recipe, threads: int | None = None) -> Parts:
    """Build a recipe's network and head.

    Raises:
        DataError: a name or option that the recipe gets wrong, or weights that do not fit.
        ModelError: a base model or a teacher that cannot be loaded.
    """
    net = recipe.net
    if is_model(net.backbone):
        base = Model.load(net.backbone, threads=threads)
        size = base.card.embedding_size
        with sentences(recipe):
            if recipe.teacher:
                raise ValueError("a finished model learns nothing of a teacher; name a backbone")
            head = build_head(recipe.head.kind, size, **recipe.head.options)
        return Parts(base, None, head, base.card.input, size)
    with sentences(recipe):
        encoder, starts = build_encoder(recipe)
        head = build_head(recipe.head.kind, encoder.size, **recipe.head.options)
        if net.pretrained:
            starts += _start_from(net.pretrained, net.backbone, encoder, head)
        encoder.freeze(net.frozen)
    spec = encoder.spec
    crops = InputSpec(
        width=spec.width, height=spec.height, colour=spec.colour, template=spec.template
    )
    teacher = Model.load(recipe.teacher, threads=threads) if recipe.teacher else None
    parts = Parts(None, encoder, head, crops, encoder.size, teacher, starts)
    with sentences(recipe):
        _check_teacher(parts)
    return parts


def build_encoder(recipe: Recipe) -> tuple[Encoder, tuple[Card, ...]]:
    """Build a recipe's network with fresh weights, or of others; with the cards of those.

    Raises:
        ValueError: a name or option that the recipe gets wrong.
    """
    net = recipe.net
    cards: tuple[Card, ...] = ()
    backbone: Backbone
    if net.backbone == FUSED:
        backbone, cards = build_fused(net.options)
    else:
        backbone = build_backbone(net.backbone, _input(recipe), **net.options)
    encoder = Encoder(
        backbone,
        net.embedding,
        batchnorm=net.batchnorm,
        normalise=net.normalise,
        flip=net.flip,
    )
    return encoder, cards


def build_loss(recipe: Recipe, head: Head, people: int, size: int) -> PairLoss | BatchLoss | Distil:
    """Build a recipe's loss: on pairs, on photos that a teacher knows, or on batches of people."""
    with sentences(recipe):
        if recipe.teacher:
            part = recipe.loss[0]
            return build("loss", {"distil": Distil}, part.kind, part.options)
        if recipe.data.pairs != "batch":
            part = recipe.loss[0]
            if part.kind not in PAIR_LOSSES:
                known = ", ".join(PAIR_LOSSES)
                raise ValueError(f"loss {part.kind!r} needs batches of people; for pairs: {known}")
            return build_pair_loss(part.kind, head, **part.options)
        terms = [
            (
                part.weight,
                build_batch_loss(part.kind, people=people, size=size, head=head, **part.options),
            )
            for part in recipe.loss
        ]
        return terms[0][1] if len(terms) == 1 else WeightedSum(terms)


def doubts(recipe: Recipe, parts: Parts) -> list[str]:
    """What in a recipe is likely not meant, in sentences."""
    batch = recipe.batch
    modules = parts.encoder.modules() if parts.encoder else []
    normalised = any(isinstance(module, _BatchNorm) and module.training for module in modules)
    if not (normalised and batch.accumulate > 1 and recipe.loss):
        return []
    told = (
        f"batch norm sees one batch at a time, not the {batch.accumulate} whose gradients make a "
        "step; set batch.accumulate to 1, or leave batch norm out"
    )
    return [told]


def is_model(name: str) -> bool:
    """Whether a recipe's backbone is a finished model rather than an architecture."""
    return name not in BACKBONES and (name in known_models() or (Path(name) / CARD).is_file())


@contextmanager
def sentences(recipe: Recipe) -> Iterator[None]:
    """Turn what ``visavis.nets`` finds wrong into one sentence with the recipe's name."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise DataError(f"recipe {recipe.name}: {error}") from None


def _input(recipe: Recipe) -> Input:
    if recipe.net.backbone not in BACKBONES:
        known = ", ".join([*BACKBONES, FUSED, *known_models()])
        raise ValueError(f"there is no backbone {recipe.net.backbone!r}; there are: {known}")
    default = BACKBONES[recipe.net.backbone].default_input
    if recipe.crop is None:
        return default
    crop = recipe.crop
    return Input(crop.width, crop.height, crop.colour, crop.template, default.mean, default.std)


def _check_teacher(parts: Parts) -> None:
    """Whether a student can learn its teacher's embeddings."""
    if parts.teacher is None:
        return
    card = parts.teacher.card
    if card.distance != "cosine" and not card.unit_length:
        raise ValueError(
            f"teacher {card.name} compares by {card.distance}; a student learns the angles of "
            "embeddings, so take a teacher that compares by cosine"
        )
    if parts.size != card.embedding_size:
        raise ValueError(
            f"teacher {card.name} has embeddings of {card.embedding_size} numbers, and the student "
            f"of {parts.size}; set net.embedding to {card.embedding_size}"
        )
    if parts.cached:
        raise ValueError("all of the student is frozen; set net.frozen to none")


def _start_from(pretrained: str, backbone: str, encoder: Encoder, head: Head) -> tuple[Card, ...]:
    """Public weights for the backbone, or all that fits of a model folder of ours; its card."""
    folder = Path(pretrained)
    if (folder / CARD).is_file():
        if not (folder / WEIGHTS).is_file():
            raise ValueError(f"{folder} holds no {WEIGHTS}, so there is nothing to go on from")
        read_weights(folder / WEIGHTS, encoder, head)
        return (Card.read(folder / CARD),)
    path = public_weights(backbone, pretrained)
    load_state(encoder.backbone, read_state(path), str(path))
    return ()
