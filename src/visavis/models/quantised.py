"""What a quantised copy of a model lost, and what it gained, measured beside its parent."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

Precision = Literal["int8", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Pace(BaseModel):
    """Milliseconds a crop, of both in turns on the machine that made the copy.

    Attributes:
        batch: crops at once.
        parent, own: the median of each.
        times: how many times as fast as its parent: the median over the turns.
        low, high: its 95 % interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int
    parent: float
    own: float
    times: float
    low: float
    high: float

    @property
    def faster(self) -> bool:
        """Whether by more than the turns differ among themselves."""
        return self.low > 1


class Quantised(BaseModel):
    """A quantised copy beside its parent.

    Attributes:
        precision: ``int8``: weights and multiplications; ``fp16``: weights.
        calibrated_on: the crops that the int8 scales were found with, in words; else empty.
        agreement, lowest: mean and lowest cosine between the embeddings of both.
        photos: the reported people's photos that they were compared on.
        runtimes: lowest cosine between the copy's embeddings by ``runtime`` and by ONNX Runtime;
            ``None`` where that is it.
        protocol: what was fitted on and what was reported, in words.
        pairs: the reported pairs, in words; n_pairs: how many.
        verdicts: the share of them on which both decide alike, each at its threshold of best
            accuracy; both thresholds were fitted on the same pairs of other people.
        accuracy, parent_accuracy: at those thresholds.
        difference, low, high: accuracy less the parent's, paired, with its 95 % interval; ``None``
            where there are too few people.
        size, parent_size: bytes of ``encoder.onnx``.
        runtime: that both were timed with; speed: one crop at a time, and in batches.
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
    runtime: str
    speed: tuple[Pace, ...]

    @property
    def loses(self) -> bool | None:
        """Whether accuracy fell by more than chance explains; ``None`` where nobody can tell."""
        return None if self.high is None else self.high < 0
