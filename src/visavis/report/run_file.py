"""A finished training run, and what of it is kept to compare runs by."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import DataError
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import Estimate
from visavis.files import write_output
from visavis.models.card import Card

if TYPE_CHECKING:  # it imports scipy, and figures are read without it
    from visavis.evaluation.listed import People

RUN = "run.json"


@dataclass(frozen=True)
class Run:
    """What training leaves, in memory.

    Attributes:
        name: of the run.
        folder: where it lies.
        card: the model's, with ``training`` and ``recipe``.
        history: of each epoch ``epoch`` (from 1), ``loss``, ``accuracy`` on listed pairs as they
            were trained on (absent for batches of people), ``val_loss`` (NaN where the loss has no
            value on pairs), ``val_accuracy``, ``val_auc`` and the ``seconds`` it took.
        evaluation: on the test pairs.
        embeddings: (n, d) float32 of the test photos, NaN where no face was found.
        faces: the n test photos, row by row.
        warnings: what looked wrong, in sentences.
    """

    name: str
    folder: Path
    card: Card
    history: list[dict[str, float]]
    evaluation: Evaluation
    embeddings: NDArray[np.float32]
    faces: FaceSet
    warnings: list[str] = field(default_factory=list)

    @property
    def training(self) -> dict[str, Any]:
        """How training went, as the card says."""
        return self.card.training or {}

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were kept, counted from 1."""
        return self.training.get("best_epoch")

    @property
    def seconds_to_best(self) -> float | None:
        """Time to converge: training until the end of the best epoch."""
        if self.best_epoch is None or len(self.history) < self.best_epoch:
            return None
        return float(sum(epoch["seconds"] for epoch in self.history[: self.best_epoch]))


class SavedPairs(BaseModel):
    """The outcome on each of m test pairs, and who is in it, without a photo or a name.

    Attributes:
        name: of the list.
        digest: sha256 of the people's names and the photos' file names, pair by pair: equal where
            two runs were tested on the same pairs.
        first, second: number of the person on each side.
        same, right: a string of ``0`` and ``1`` each: what is true, and whether it was decided so.
        similarity: ``None`` where a face was missed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    first: list[int]
    second: list[int]
    same: str
    right: str
    similarity: list[float | None]

    @property
    def people(self) -> People:
        """Who is in each pair."""
        from visavis.evaluation.listed import People

        sides = np.array([self.first, self.second], dtype=np.int64).reshape(2, -1)
        return People(sides[0], sides[1], _flags(self.same), int(sides.max(initial=-1)) + 1)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(m,) which pairs were called one person."""
        return np.equal(_flags(self.same), _flags(self.right))

    @property
    def scores(self) -> NDArray[np.float64]:
        """(m,) similarity, NaN where a face was missed."""
        return np.array(self.similarity, dtype=np.float64)


class SavedRun(BaseModel):
    """``run.json``: a run's figures, and what paired differences between runs need.

    Attributes:
        name, protocol: of the run, and of its test in words.
        command: that makes it again; empty where it is not known.
        figures: as ``Figures.as_dict`` writes them.
        published: figures of the system that the recipe follows, by name.
        outside_data: as the card words it; empty where it is not known.
        backbone: as the recipe names it; empty where it is not known.
        width, height: of a crop, in pixels.
        parameters: how many weights.
        epochs, best_epoch, stopped: how training went.
        seconds, seconds_to_best: of training in all, and until the best epoch was done.
        seconds_per_photo: from the file to the embedding, measured over the test.
        history: see ``Run``; ``None`` for NaN.
        findings: figures of finding the test people, as the report has them.
        pairs: the test pairs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str
    protocol: str
    command: str = ""
    figures: dict[str, Any]
    published: dict[str, float] = {}
    outside_data: str = ""
    backbone: str = ""
    width: int | None = None
    height: int | None = None
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    stopped: str = ""
    seconds: float | None = None
    seconds_to_best: float | None = None
    seconds_per_photo: float | None = None
    history: list[dict[str, float | None]] = []
    findings: list[dict[str, Any]] = []
    pairs: SavedPairs

    def estimate(self, name: str) -> Estimate:
        """A figure with its interval."""
        entry = self.figures.get(name)
        return Estimate(**entry) if entry else Estimate(None)

    @property
    def best(self) -> dict[str, float | None]:
        """The row of ``history`` whose weights were kept; empty where nothing was learned."""
        rows = (row for row in self.history if row.get("epoch") == self.best_epoch)
        return next(rows, {})


_MOST_DIGITS: Final = 7  # float32 holds no more


def save_run(folder: Path, run: Run, command: str = "") -> None:
    """Write ``run.json`` into ``folder``: figures and outcomes, no photo, path, name or embedding.

    Args:
        folder: of the run; it exists.
        run: to keep.
        command: that makes it again.

    Raises:
        DataError: it cannot be written.
    """
    evaluation, training, recipe = run.evaluation, run.training, run.card.recipe or {}
    searched = run.evaluation.searched
    saved = SavedRun(
        name=run.name,
        protocol=evaluation.protocol,
        command=command,
        figures=evaluation.figures.as_dict(),
        published=recipe.get("published", {}),
        outside_data=run.card.outside_data,
        backbone=recipe.get("net", {}).get("backbone", ""),
        width=run.card.input.width,
        height=run.card.input.height,
        parameters=training.get("parameters"),
        epochs=training.get("epochs"),
        best_epoch=run.best_epoch,
        stopped=training.get("stopped", ""),
        seconds=training.get("seconds"),
        seconds_to_best=run.seconds_to_best,
        seconds_per_photo=_seconds_per_photo(evaluation),
        history=[{name: _plain(value) for name, value in row.items()} for row in run.history],
        findings=[finding.as_dict() for finding in searched.findings] if searched else [],
        pairs=_saved_pairs(evaluation),
    )
    write_output(folder / RUN, (saved.model_dump_json() + "\n").encode())


def load_run(folder: Path) -> SavedRun:
    """What ``save_run`` wrote.

    Raises:
        DataError: there is none, or it is damaged or of a newer version.
    """
    path = folder / RUN
    try:
        return SavedRun.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{folder} is no finished run: it has no {RUN}; name a folder that visavis train made"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}; train it again") from None


def _saved_pairs(evaluation: Evaluation) -> SavedPairs:
    from visavis.evaluation.listed import People

    pairs, people = evaluation.pairs, People.of(evaluation.pairs)
    return SavedPairs(
        name=pairs.name,
        digest=_digest(pairs),
        first=people.first.tolist(),
        second=people.second.tolist(),
        same=_text(pairs.same),
        right=_text(evaluation.predicted == pairs.same),
        similarity=[_plain(round(value, _MOST_DIGITS)) for value in evaluation.similarity.tolist()],
    )


def _digest(pairs: PairSet) -> str:
    """Names, not paths: the same pairs in another folder are the same."""
    faces = pairs.faces
    rows = [
        [(faces.names[faces.people[row]], faces.photos[row].name) for row in sides]
        for sides in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _seconds_per_photo(evaluation: Evaluation) -> float | None:
    photos = len(np.union1d(evaluation.pairs.first, evaluation.pairs.second))
    return evaluation.seconds / photos if photos and evaluation.seconds else None


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _text(flags: Sequence[bool] | NDArray[np.bool_]) -> str:
    return "".join("01"[int(flag)] for flag in flags)


def _flags(text: str) -> NDArray[np.bool_]:
    return np.equal(np.frombuffer(text.encode(), dtype=np.uint8), ord("1"))
