"""What is fitted on one population and applied to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import DataError, ModelError
from visavis.evaluation.all_pairs import Comparisons, compare
from visavis.evaluation.embed import EmbeddedPhotos
from visavis.evaluation.fit import best_accuracy_threshold, fit_calibration, halfway_threshold
from visavis.evaluation.population import compare_one_each, standard_scores
from visavis.models.calibration import Calibration
from visavis.models.model import Model
from visavis.models.scores import Scores, Threshold

At = Literal["accuracy"] | float | Threshold
"""The threshold to report at: of best accuracy, at a false-match rate, or a given one."""


@dataclass(frozen=True)
class Fitted:
    """A calibration and the thresholds, of one fitting population.

    Attributes:
        best: the threshold of best accuracy on the listed pairs.
        calibration: fitted on the listed pairs.
        scores: over all comparisons.
        halfway: the threshold between the means of the listed pairs; ``None`` where a card holds
            none.
        one_each: over one photo of each person; ``None`` between folds and where there are too few.
    """

    best: Threshold
    calibration: Calibration
    scores: Scores
    halfway: Threshold | None = None
    one_each: Scores | None = None

    def threshold(self, at: At) -> Threshold:
        """The threshold asked for.

        Raises:
            UnsupportedRateError: a false-match rate that the comparisons do not support.
        """
        if isinstance(at, Threshold):
            return at
        return self.best if at == "accuracy" else self.scores.threshold(float(at))


def of_card(model: Model) -> Fitted:
    """What the model's card holds.

    Raises:
        ModelError: it holds no calibration, or not all of it.
    """
    card = model.card
    if card.best_accuracy is None or card.calibration is None or card.scores is None:
        raise ModelError(
            f"{model.name} has no calibration yet, and the data has no other people to fit one "
            f"on; run `visavis calibrate --model {model.name} --data DIR` first"
        )
    return Fitted(card.best_accuracy, card.calibration, card.scores, card.halfway, card.one_each)


def fit(model: Model, embedded: EmbeddedPhotos, pairs: PairSet) -> Fitted:
    """Everything fitted on listed pairs and on all comparisons of their faces."""
    everyone = np.arange(len(pairs.faces))
    embeddings, people = embedded.of(pairs.faces, everyone), pairs.faces.people
    comparisons = compare(model, embeddings, people)
    scores = standard_scores(comparisons, f"all comparisons of {pairs.name}")
    one_each = compare_one_each(
        model, embeddings, people, f"one photo of each person of {pairs.name}"
    )
    return _fitted(pairs, embedded.similarity(model, pairs), scores, one_each)


def cross_fit(
    model: Model, embedded: EmbeddedPhotos, pairs: PairSet, fold_of: NDArray[np.int64]
) -> list[Fitted]:
    """For each fold in ascending order, everything fitted on the others.

    One pass over all comparisons serves every fold: its histograms are kept by the folds of both
    people, and a fold's are left out of the sum.

    Args:
        model: compares.
        embedded: the photos.
        pairs: with folds.
        fold_of: (len(pairs.faces),) from ``fold_of_photos``.
    """
    folds = np.unique(pairs.fold)
    rows = np.flatnonzero(fold_of >= 0)
    people = np.unique(pairs.faces.people[rows], return_inverse=True)[1].reshape(-1)
    comparisons: Comparisons = compare(
        model,
        embedded.of(pairs.faces, rows),
        people,
        segments=np.searchsorted(folds, fold_of[rows]),
    )
    similarity = embedded.similarity(model, pairs)
    fitted = []
    for segment, fold in enumerate(folds):
        name = f"{pairs.name} without fold {fold + 1}"
        others = pairs.fold != fold
        scores = comparisons.scores(f"all comparisons of {name}", without=segment)
        fitted.append(_fitted(pairs.select(others, name), similarity[others], scores))
    return fitted


def impostor_comparisons(faces: FaceSet) -> int:
    """How many pairs of photos show two people."""
    photos = np.bincount(faces.people)
    return (len(faces) ** 2 - int((photos**2).sum())) // 2


def fold_of_photos(pairs: PairSet) -> NDArray[np.int64]:
    """(n,) the fold of each photo of ``pairs.faces``; -1 where no pair tells it.

    A photo's fold is that of its person's pairs; of a person without pairs, that of the people
    of the same split.

    Raises:
        DataError: a person, or a split, is in pairs of two folds: fitting on the others would
            see them.
    """
    faces: FaceSet = pairs.faces
    sides, folds = np.concatenate([pairs.first, pairs.second]), np.tile(pairs.fold, 2)
    by_person = _fold_by(faces.people, sides, folds)
    clash = (by_person[faces.people[sides]] != folds).nonzero()[0]
    if len(clash):
        person = faces.names[int(faces.people[sides[clash[0]]])]
        raise DataError(
            f"{pairs.name}: {person} is in more than one fold; give each person's pairs one fold"
        )
    found = by_person[faces.people]
    split = np.unique(faces.split, return_inverse=True)[1].reshape(-1)
    by_split = _fold_by(split, sides, folds)
    if (by_split[split[sides]] != folds).any():  # the splits are no folds: the pairs alone tell
        return found
    return np.where(found < 0, by_split[split], found)


def _fold_by(
    key: NDArray[np.int64], rows: NDArray[np.int64], folds: NDArray[np.int64]
) -> NDArray[np.int64]:
    fold = np.full(int(key.max(initial=-1)) + 1, -1, dtype=np.int64)
    fold[key[rows]] = folds
    return fold


def _fitted(
    pairs: PairSet,
    similarity: NDArray[np.float64],
    scores: Scores,
    one_each: Scores | None = None,
) -> Fitted:
    return Fitted(
        best=best_accuracy_threshold(similarity, pairs.same, pairs.name),
        calibration=fit_calibration(similarity, pairs.same, pairs.name),
        scores=scores,
        halfway=halfway_threshold(similarity, pairs.same, pairs.name),
        one_each=one_each,
    )
