"""Everything that one training run is, as data: TOML in, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from visavis.errors import DataError
from visavis.photos.input_spec import InputSpec

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataPart(_Part):
    """Which photos are trained on, and how people are kept apart.

    Attributes:
        where: a filter over tags, such as ``not Wearing_Hat``; empty for all photos.
        one_class: tags of which each person keeps the photos of their commoner class.
        min_photos: people with fewer photos are left out.
        test_people: names of the people kept for the test, for sources without a test split.
        test: the share of people kept for the test where neither source nor recipe names them.
        validation: the share of the training people (of listed pairs, of the pairs) to validate on.
        pairs: ``batch`` trains on identities, from batches of a few photos of each of many people;
            ``listed`` on pairs, the source's own or drawn; ``balanced`` on pairs drawn so that
            each class is half of each gender.
        counts: pairs for training, validation and the test; by default ``validation`` divides a
            list, and all genuine pairs are drawn.
        validation_pairs: at most so many pairs are drawn to validate on, without ``counts``.
        gallery: photos that each test photo is searched among: the other test photos, or all
            others of the source that the recipe keeps; then raw pixels and principal components
            search them too, for comparison.
    """

    where: str = ""
    one_class: tuple[str, ...] = ()
    min_photos: Count = 1
    test_people: tuple[str, ...] = ()
    test: Share = 0.2
    validation: Share = 0.2
    pairs: Literal["batch", "listed", "balanced"] = "batch"
    counts: tuple[Count, Count, Count] | None = None
    validation_pairs: Count = 2000
    gallery: Literal["test", "all"] = "test"


class FisherPart(_Part):
    """The embedding layer's start in closed form; see ``visavis.training.fisher``.

    Attributes:
        components: principal components of the backbone's vectors that it is made of.
        shrinkage: of the scatter within people towards a multiple of the identity.
        photos: at most so many are solved on.
    """

    components: Count = 800
    shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.05
    photos: Count = 20_000


class NetPart(_Part):
    """The twin.

    Attributes:
        backbone: a name in ``visavis.nets.BACKBONES``; ``fused`` for the networks of several model
            folders, named by the option ``of``; or a known model or a model folder, whose
            embeddings are then computed once and only the head is trained.
        options: the backbone's own, such as ``dropout``.
        embedding: numbers of a linear layer on the backbone's features; ``None`` for none.
        fisher: that layer starts as Fisher's discriminants of the training people, instead of at
            random; ``None`` for random.
        pretrained: what the backbone starts from: a file of weights, or a model folder of the same
            backbone, of which embedding layer and head are taken too where they are the same;
            empty to start from scratch.
        frozen: ``all`` of the backbone, ``embedding`` for the layer on it too, ``none``, or how
            many stages from the input stay as they are.
        batchnorm: after the embedding layer.
        normalise: embeddings to length 1.
        flip: out of training, an embedding is the mean over a crop and its mirror image.
    """

    backbone: str
    options: dict[str, Any] = {}
    embedding: Count | None = None
    fisher: FisherPart | None = None
    pretrained: str = ""
    frozen: Literal["all", "embedding", "none"] | Count = "none"
    batchnorm: bool = True
    normalise: bool = True
    flip: bool = False


class HeadPart(_Part):
    """How two embeddings become a similarity: a name in ``visavis.nets.HEADS``, its options."""

    kind: str = "cosine"
    options: dict[str, Any] = {}


class LossPart(_Part):
    """A term of what is minimised.

    Attributes:
        kind: a name in ``visavis.nets.losses``: a pair loss for listed pairs; any for batches of
            people, where a pair loss takes every pair of the batch; ``distil`` with a teacher.
        weight: of the term.
        options: the loss's own, such as ``margin``.
    """

    kind: str
    weight: Annotated[float, Field(gt=0)] = 1.0
    options: dict[str, Any] = {}


class OptimiserPart(_Part):
    """The optimiser.

    Attributes:
        kind: ``adam``, ``adamw``, ``sgd`` (momentum 0.9) or ``rmsprop``.
        rate: of learning, at its highest.
        decay: L2 penalty (decoupled for ``adamw``).
        clip: norm that gradients are clipped to; ``None`` for no clipping.
    """

    kind: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    rate: Annotated[float, Field(gt=0)] = 1e-3
    decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] | None = None


class SchedulePart(_Part):
    """How long, and how the rate changes.

    Attributes:
        epochs: at most.
        steps: of an epoch, where there is no list to go through; by default as many as show each
            photo once, and with a teacher never more.
        rate: ``constant``, or ``cosine`` to zero over all epochs.
        warmup: epochs over which the rate rises from nothing.
        patience: epochs without a better validation figure before it stops; ``None`` for never.
        monitor: the validation figure that says which epoch is the best.
    """

    epochs: Count = 30
    steps: Count | None = None
    rate: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[float, Field(ge=0)] = 0.0
    patience: Count | None = None
    monitor: Literal["loss", "accuracy", "auc"] = "loss"


class BatchPart(_Part):
    """What one step sees.

    Attributes:
        people, photos: so many people with so many photos each, where ``data.pairs`` is ``batch``;
            with a teacher as many photos of anybody.
        pairs: so many pairs elsewhere; each photo is encoded once however many hold it.
        accumulate: batches whose gradients are added up before a step.
    """

    people: Count = 16
    photos: Annotated[int, Field(ge=2)] = 4
    pairs: Count = 64
    accumulate: Count = 1


class AugmentPart(_Part):
    """Random changes of the crops, on the device; each off by default.

    Attributes:
        flip: mirror half of them.
        koch: the affine distortions of Koch et al. (2015): rotation to 10 degrees, shear to 0.3,
            scale 0.8 to 1.2, shift to 2 pixels of 105, each with probability one half.
        shift: to this share of the side; scale: by up to this share; rotate: degrees.
        colour: strength of brightness, contrast and saturation jitter.
        erase: probability of blanking a rectangle.
        blur: probability of a Gaussian blur.
    """

    flip: bool = False
    koch: bool = False
    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    colour: Annotated[float, Field(ge=0, le=1)] = 0.0
    erase: Annotated[float, Field(ge=0, le=1)] = 0.0
    blur: Annotated[float, Field(ge=0, le=1)] = 0.0


class Recipe(_Part):
    """One training run.

    Attributes:
        name: of the run, and of the model it makes.
        description: one sentence.
        published: figures of the system it follows, by name, for tables.
        teacher: a known model or a model folder whose embeddings the network learns; then names
            are used to validate and to test alone. Empty for none.
        crop: what the network sees of each face.
        loss: the terms of what is minimised; ``[]`` where nothing is learned and the network is
            calibrated as it is.
        precision: ``bf16``, ``fp16`` or ``fp32``.
        seed: of everything random.
    """

    name: str
    description: str = ""
    published: dict[str, float] = {}
    seed: int = 0
    precision: Literal["bf16", "fp16", "fp32"] = "bf16"
    teacher: str = ""
    data: DataPart = DataPart()
    crop: InputSpec | None = None
    net: NetPart
    head: HeadPart = HeadPart()
    loss: tuple[LossPart, ...]
    optimiser: OptimiserPart = OptimiserPart()
    schedule: SchedulePart = SchedulePart()
    batch: BatchPart = BatchPart()
    augment: AugmentPart = AugmentPart()

    @model_validator(mode="after")
    def _hangs_together(self) -> Recipe:
        if self.schedule.warmup >= self.schedule.epochs:
            raise ValueError("schedule.warmup must be shorter than schedule.epochs")
        if self.data.pairs != "batch" and len(self.loss) > 1:
            raise ValueError("listed pairs are trained with one loss; sums are for batches")
        if self.net.fisher and (self.net.embedding is None or self.net.batchnorm):
            raise ValueError(
                "net.fisher is the start of an embedding layer by itself; set net.embedding to its "
                "size and net.batchnorm to false"
            )
        self._check_teacher()
        return self

    def _check_teacher(self) -> None:
        kinds = [part.kind for part in self.loss]
        if self.teacher and self.data.pairs != "batch":
            raise ValueError(
                f"a teacher teaches photo by photo, not {self.data.pairs} pairs; "
                'set data.pairs to "batch"'
            )
        if (kinds == ["distil"]) != bool(self.teacher) or ("distil" in kinds and len(kinds) > 1):
            raise ValueError(
                'a teacher and loss = [{ kind = "distil" }], with no other loss, go together'
            )
        if self.teacher and self.head.kind != "cosine":
            raise ValueError(f"a teacher teaches no head {self.head.kind}; set head.kind to cosine")

    @classmethod
    def from_dict(cls, values: dict[str, Any], origin: str = "the recipe") -> Recipe:
        """A recipe from plain values; errors name the key.

        Raises:
            DataError: an unknown key or a wrong value.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "as a whole"
            reason = first["msg"].removeprefix("Value error, ")  # of a check of our own
            if first["type"] == "extra_forbidden":
                reason = "is no key of a recipe"
            raise DataError(f"{origin}: {key}: {reason}") from None


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Changes over plain values: tables key by key, anything else is replaced.

    The options of another backbone or kind are its own.
    """
    whole = dict(base)
    if any(changes.get(key, base.get(key)) != base.get(key) for key in ("backbone", "kind")):
        whole.pop("options", None)  # those of what is replaced
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = merged(whole[key], value) if both else value
    return whole
