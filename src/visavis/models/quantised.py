"""What a quantised copy of a model lost, and what it gained, measured beside its parent."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["int8", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Speed(BaseModel):
    """Milliseconds a crop, of both in turns on the machine that made the copy.

    Attributes:
        runtime: that ran them.
        one, parent_one: crops one at a time.
        batch: crops in a batch.
        many, parent_many: in batches.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: str
    one: Annotated[float, Field(gt=0)]
    parent_one: Annotated[float, Field(gt=0)]
    batch: int
    many: Annotated[float, Field(gt=0)]
    parent_many: Annotated[float, Field(gt=0)]

    @property
    def times_one(self) -> float:
        """How many times as fast as its parent, one crop at a time."""
        return self.parent_one / self.one

    @property
    def times_many(self) -> float:
        """How many times as fast as its parent, in batches."""
        return self.parent_many / self.many


class Quantised(BaseModel):
    """A quantised copy beside its parent.

    Attributes:
        precision: ``int8``: weights and multiplications; ``fp16``: weights.
        calibrated_on: the crops that the int8 scales were found with, in words; else empty.
        agreement, lowest: mean and lowest cosine between the embeddings of both.
        photos: the reported people's photos that they were compared on.
        runtimes: lowest cosine between the copy's embeddings by the runtime in use and by ONNX
            Runtime; ``None`` where no other is installed.
        protocol: what was fitted on and what was reported, in words.
        pairs: the reported pairs, in words; n_pairs: how many.
        verdicts: the share of them on which both decide alike, each at its threshold of best
            accuracy; both thresholds were fitted on the same pairs of other people.
        accuracy, parent_accuracy: at those thresholds.
        difference, low, high: accuracy less the parent's, paired, with its 95 % interval; ``None``
            where there are too few people.
        size, parent_size: bytes of ``encoder.onnx``.
        speed: of both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: Precision
    calibrated_on: str = ""
    agreement: float
    lowest: float
    photos: int
    runtimes: float | None = None
    protocol: str
    pairs: str
    n_pairs: int
    verdicts: float
    accuracy: float
    parent_accuracy: float
    difference: float
    low: float | None = None
    high: float | None = None
    size: int
    parent_size: int
    speed: Speed

    @property
    def loses(self) -> bool | None:
        """Whether accuracy fell by more than chance explains; ``None`` where nobody can tell."""
        return None if self.high is None else self.high < 0
