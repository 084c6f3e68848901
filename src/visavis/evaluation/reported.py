"""What is reported on: listed pairs, or all comparisons, each with its folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import PairSet
from visavis.evaluation.all_figures import Counted, all_figures, all_rates
from visavis.evaluation.all_pairs import Comparisons, compare, similarity_range
from visavis.evaluation.embed import EmbeddedPhotos
from visavis.evaluation.figures import Figures
from visavis.evaluation.fitted import Fitted
from visavis.evaluation.listed import listed_figures, listed_rates
from visavis.evaluation.rates import Rates
from visavis.models.model import Model
from visavis.models.scores import Scores, Threshold

PerFold = Mapping[str, Sequence[float]]  # by name, a threshold for each fold


@dataclass(frozen=True)
class Applied:
    """What was fitted and is applied, fold by fold; one fold where there are none.

    Attributes:
        fitted, threshold: for each fold.
        fold_of_pair, fold_of_photo: (m,) and (n,) int64; -1 for a photo in no fold.
    """

    fitted: Sequence[Fitted]
    threshold: Sequence[Threshold]
    fold_of_pair: NDArray[np.int64]
    fold_of_photo: NDArray[np.int64]

    @property
    def words(self) -> dict[str, str]:
        """Where threshold and calibration were fitted, by the names of ``Figures``."""
        threshold, calibration = (
            self.threshold[0].fitted_on,
            self.fitted[0].calibration.fitted_on,
        )
        n = len(self.fitted)
        if n > 1:
            calibration = f"for each of {n} folds, the other {n - 1}"
            given = all(each is self.threshold[0] for each in self.threshold)
            threshold = threshold if given else calibration
        return {"threshold_fitted_on": threshold, "calibration_fitted_on": calibration}

    def only(self, fold: int) -> Applied:
        """One fold's alone."""
        return Applied(
            self.fitted[fold : fold + 1],
            self.threshold[fold : fold + 1],
            np.zeros_like(self.fold_of_pair[self.fold_of_pair == fold]),
            np.where(self.fold_of_photo == fold, 0, -1),
        )


@dataclass(frozen=True)
class ListedPairs:
    """Listed pairs with their similarities.

    Attributes:
        pairs: m pairs.
        similarity: (m,) float64, NaN where a face was missed.
        applied: to them.
    """

    pairs: PairSet
    similarity: NDArray[np.float64]
    applied: Applied

    @property
    def probability(self) -> NDArray[np.float64]:
        """(m,) P(same) at prior 0.5, by each pair's fold."""
        by_fold = [
            each.calibration.probability(self.similarity, 0.5) for each in self.applied.fitted
        ]
        return np.stack(by_fold)[self.applied.fold_of_pair, np.arange(len(self.pairs))]

    @property
    def threshold(self) -> NDArray[np.float64]:
        """(m,) by each pair's fold."""
        return np.array([each.value for each in self.applied.threshold])[self.applied.fold_of_pair]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Genuine pairs, impostor pairs and people."""
        genuine = int(self.pairs.same.sum())
        sides = np.concatenate([self.pairs.first, self.pairs.second])
        people = len(np.unique(self.pairs.faces.people[sides]))
        return genuine, len(self.pairs) - genuine, people

    def figures(self) -> Figures:
        """Over all folds."""
        return listed_figures(
            self.pairs, self.similarity, self.probability, self.threshold, **self.applied.words
        )

    def fold(self, fold: int) -> ListedPairs:
        """One fold alone."""
        inside = self.applied.fold_of_pair == fold
        return ListedPairs(
            self.pairs.select(inside, self.pairs.name),
            self.similarity[inside],
            self.applied.only(fold),
        )

    def group(self, values: NDArray[np.str_], group: str) -> ListedPairs:
        """The pairs of two photos of one group."""
        inside = (values[self.pairs.first] == group) & (values[self.pairs.second] == group)
        return ListedPairs(
            self.pairs.select(inside, self.pairs.name),
            self.similarity[inside],
            replace(self.applied, fold_of_pair=self.applied.fold_of_pair[inside]),
        )

    def rates(self, thresholds: PerFold) -> dict[str, Rates]:
        """What several thresholds do."""
        return listed_rates(
            self.pairs,
            self.similarity,
            {
                name: np.array(values, dtype=np.float64)[self.applied.fold_of_pair]
                for name, values in thresholds.items()
            },
        )


@dataclass(frozen=True)
class AllComparisons:
    """Every comparison of the reported people, within their fold where there are folds.

    Attributes:
        model, embeddings: (n, d) float32, and what compares them.
        people: (n,) int64.
        limits: range of the bins.
        applied: to them.
        parts: the comparisons of each fold.
    """

    model: Model
    embeddings: NDArray[np.float32]
    people: NDArray[np.int64]
    limits: tuple[float, float]
    applied: Applied
    parts: Sequence[Comparisons]

    @classmethod
    def of(
        cls, model: Model, embedded: EmbeddedPhotos, pairs: PairSet, applied: Applied
    ) -> AllComparisons:
        """Compare all photos of ``pairs.faces``."""
        embeddings = embedded.of(pairs.faces, np.flatnonzero(applied.fold_of_photo >= 0))
        everyone = np.full((len(pairs.faces), embeddings.shape[1]), np.nan, dtype=np.float32)
        everyone[applied.fold_of_photo >= 0] = embeddings
        limits = similarity_range(model, everyone)
        return cls._compared(model, everyone, pairs.faces.people, limits, applied)

    @classmethod
    def _compared(
        cls,
        model: Model,
        embeddings: NDArray[np.float32],
        people: NDArray[np.int64],
        limits: tuple[float, float],
        applied: Applied,
    ) -> AllComparisons:
        inside = applied.fold_of_photo >= 0
        numbers = np.zeros_like(people)
        present, numbers[inside] = np.unique(people[inside], return_inverse=True)
        parts = [
            compare(model, embeddings[rows], numbers[rows], limits=limits, count=len(present))
            for fold in range(len(applied.fitted))
            for rows in [applied.fold_of_photo == fold]
        ]
        return cls(model, embeddings, people, limits, applied, parts)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Genuine comparisons, impostor comparisons and people."""
        counted = Counted.of(self.parts)
        return counted.genuine, counted.impostor, counted.people

    def figures(self) -> Figures:
        """Over all folds."""
        return all_figures(
            self.parts,
            [each.value for each in self.applied.threshold],
            [each.calibration for each in self.applied.fitted],
            **self.applied.words,
        )

    def fold(self, fold: int) -> AllComparisons:
        """One fold alone."""
        applied = self.applied.only(fold)
        return self._compared(self.model, self.embeddings, self.people, self.limits, applied)

    def group(self, values: NDArray[np.str_], group: str) -> AllComparisons:
        """The comparisons of two photos of one group."""
        fold = np.where(values == group, self.applied.fold_of_photo, -1)
        applied = replace(self.applied, fold_of_photo=fold)
        return self._compared(self.model, self.embeddings, self.people, self.limits, applied)

    def rates(self, thresholds: PerFold) -> dict[str, Rates]:
        """What several thresholds do."""
        return all_rates(self.parts, thresholds)

    def scores(self, fitted_on: str) -> Scores:
        """Histograms and tail over all parts."""
        each = [part.scores(fitted_on) for part in self.parts]
        impostor = np.sum([scores.impostor for scores in each], axis=0)
        tail = sorted((value for scores in each for value in scores.tail), reverse=True)
        return each[0].model_copy(
            update={
                "people": sum(scores.people for scores in each),
                "photos": sum(scores.photos for scores in each),
                "genuine": np.sum([scores.genuine for scores in each], axis=0).tolist(),
                "impostor": impostor.tolist(),
                # A part's tail may end early: only above the highest end is the union complete.
                "tail": tail[: min(len(scores.tail) for scores in each)],
            }
        )


Reported = ListedPairs | AllComparisons
