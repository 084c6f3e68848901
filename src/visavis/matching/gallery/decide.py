"""From the people most like a face to somebody, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.matching.gallery.answers import Candidate
from visavis.matching.gallery.rows import WrongAnswer
from visavis.matching.gallery.threshold import DEFAULT_FPIR, SearchThreshold, search_threshold
from visavis.models.model import Model

CERTAINTY = 9.0
"""The default margin: the first person is this many times likelier than the second."""
NEARLY_EQUAL = 0.95
"""The share of genuine pairs that two photos are more alike than where they are nearly equal."""


@dataclass(frozen=True)
class SearchRule:
    """How similarities become an answer.

    Attributes:
        fpir: the false-positive identification rate: the share of searches for strangers that may
            name somebody.
        threshold: a similarity that decides instead.
        margin: how much more alike than the second person the first has to be, in similarity; by
            default so much that the calibration finds the first nine times likelier.
        prior: the share of faces that show somebody enrolled; it moves the probability, never the
            decision.
        top: how many candidates to list.
    """

    fpir: float = DEFAULT_FPIR
    threshold: float | None = None
    margin: float | None = None
    prior: float = 0.5
    top: int = 5

    def cut_off(self, model: Model, photos: int) -> SearchThreshold:
        """The threshold for a model and a size of gallery.

        Raises:
            ModelError: the model has no calibration.
            UnsupportedRateError: the rate is none, or the model's figures do not reach to it.
        """
        if self.threshold is not None:
            return SearchThreshold(self.threshold, None, None, photos, "given by the caller")
        scores = model.card.one_each or model.card.scores
        if scores is None:
            model.threshold()  # says how to calibrate it
            raise AssertionError
        return search_threshold(scores, self.fpir, photos)

    def margin_for(self, model: Model) -> float:
        """The margin, in the model's similarity."""
        if self.margin is not None:
            return self.margin
        calibration = model.card.calibration
        return float(np.log(CERTAINTY) / calibration.slope) if calibration else 0.0


def rank(
    model: Model,
    embedding: NDArray[np.float32],
    people: Sequence[tuple[int, str, NDArray[np.float32]]],
    prior: float,
) -> list[Candidate]:
    """Candidates, the most alike first.

    Args:
        model: compares.
        embedding: (d,) float32 of the face searched for.
        people: number, name and (k, d) embeddings of each, k at least 1.
        prior: of each of them being the one.
    """
    ranked = []
    for number, name, faces in people:
        similarity = model.similarity(np.broadcast_to(embedding, faces.shape), faces)
        best, probability = float(similarity.max()), None
        if model.card.calibration is not None:
            probability = float(model.probability(best, prior))
        ranked.append(
            Candidate(name, number, best, float(similarity.mean()), len(faces), probability)
        )
    return sorted(ranked, key=lambda candidate: -candidate.similarity)


def decide(
    ranked: Sequence[Candidate], threshold: SearchThreshold, margin: float, ruled_out: Sequence[str]
) -> tuple[Candidate | None, str]:
    """Somebody or nobody, and why.

    Args:
        ranked: candidates, the most alike first.
        threshold: what the first has to reach.
        margin: how much more alike than the second the first has to be.
        ruled_out: names of people who are known not to be on this photo.
    """
    known = f" ({', '.join(ruled_out)} ruled out by a recorded wrong answer)" if ruled_out else ""
    if not ranked:
        return None, f"nobody is left to compare with{known}"
    first, line = ranked[0], f"{threshold.value:.3f}, {threshold.words()}"
    if first.similarity < threshold.value:
        return (
            None,
            f"the most alike is {first.name} with {first.similarity:.3f}, below {line}{known}",
        )
    reached = f"{first.name}'s similarity of {first.similarity:.3f} reaches {line}"
    if len(ranked) == 1:
        return first, f"{reached}{known}"
    second = ranked[1]
    ahead = first.similarity - second.similarity
    if ahead < margin:
        return None, (
            f"{first.name} ({first.similarity:.3f}) and {second.name} ({second.similarity:.3f}) "
            f"are closer than the margin of {margin:.3f}; if they are one person, merge them{known}"
        )
    return first, f"{reached}, and {second.name}, the next, is {ahead:.3f} behind{known}"


def ruled_out(
    model: Model, embedding: NDArray[np.float32], photo: bytes, wrong: Sequence[WrongAnswer]
) -> set[int]:
    """The numbers of people of whom an equal or nearly equal photo is known not to show them.

    Args:
        model: compares.
        embedding: (d,) float32 of the face searched for.
        photo: sha256 of its photo.
        wrong: the recorded wrong answers.
    """
    if not wrong:
        return set()
    known = np.stack([answer.embedding for answer in wrong])
    similarity = model.similarity(np.broadcast_to(embedding, known.shape), known)
    near = (known == embedding).all(axis=1)
    if model.card.scores is not None:
        near |= model.card.scores.fnmr(similarity) >= NEARLY_EQUAL
    near &= known.any(axis=1)  # zeros: a wrong answer that an earlier model gave
    return {
        answer.person
        for answer, alike in zip(wrong, near, strict=True)
        if alike or answer.photo == photo
    }
