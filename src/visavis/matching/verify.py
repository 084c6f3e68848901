"""Comparing two photos: open, detect, align, embed, compare, calibrate, decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from visavis.errors import VisavisError
from visavis.matching.verdict import Verdict
from visavis.models.embed import EmbeddedPhoto, embed_photos
from visavis.models.model import DEFAULT_FMR, Model
from visavis.models.scores import Threshold
from visavis.photos.choose import Choice
from visavis.photos.face import Face
from visavis.photos.photo import Photo, PhotoSource
from visavis.photos.quality import weaknesses


@dataclass(frozen=True)
class Rule:
    """How similarities become verdicts.

    Attributes:
        fmr: the false-match rate that the threshold is chosen for.
        threshold: a similarity that takes its place.
        prior: the share of same pairs that the probability assumes.
    """

    fmr: float = DEFAULT_FMR
    threshold: float | None = None
    prior: float = 0.5

    def cut_off(self, model: Model) -> Threshold:
        """The threshold for a model.

        Raises:
            ModelError, UnsupportedRateError: see ``Model.threshold``.
        """
        if self.threshold is not None:
            return Threshold(value=self.threshold, fitted_on="given by the caller")
        return model.threshold(self.fmr)


def verify(
    first: Photo | PhotoSource,
    second: Photo | PhotoSource,
    *,
    model: Model | None = None,
    fmr: float = DEFAULT_FMR,
    threshold: float | None = None,
    prior: float = 0.5,
    faces: Choice = "largest",
) -> Verdict:
    """Say whether two photos show the same person.

    Args:
        first, second: what ``Photo.open`` takes: paths, bytes, files, PIL images, arrays.
        model: the default model where it is ``None``.
        fmr: decide at this false-match rate: of comparisons of two different people, the share
            that is wrongly called the same.
        threshold: decide at this similarity instead.
        prior: the share of same pairs that the caller expects; it moves the probability, never
            the decision.
        faces: which face of each photo: ``largest``, ``central``, or ``one``. For every face of
            both photos see ``verify_all``.

    Raises:
        PhotoError, NoFaceError, CrowdError: of the first photo that has one.
        UnsupportedRateError: the model's figures do not reach to ``fmr``.
    """
    if faces == "all":
        raise ValueError("verify compares one face of each photo; verify_all compares them all")
    verdicts = verify_all(
        first, second, model=model, fmr=fmr, threshold=threshold, prior=prior, faces=faces
    )
    return verdicts[0]


def verify_all(
    first: Photo | PhotoSource,
    second: Photo | PhotoSource,
    *,
    model: Model | None = None,
    fmr: float = DEFAULT_FMR,
    threshold: float | None = None,
    prior: float = 0.5,
    faces: Choice = "all",
) -> list[Verdict]:
    """Compare every chosen face of one photo with every chosen face of the other.

    Args:
        first, second, model, fmr, threshold, prior, faces: as for ``verify``.

    Returns:
        One verdict for each pair of faces, those of the first photo outermost.

    Raises:
        VisavisError: as for ``verify``.
    """
    model = model or Model.load()
    rule = Rule(fmr, threshold, prior)
    rule.cut_off(model)  # a rate that cannot be had is refused before any photo is opened
    a, b = embed_photos(model, [first, second], faces)
    for photo in (a, b):
        if photo.error:
            raise photo.error
    return compare(model, rule, a, b)


def compare(model: Model, rule: Rule, a: EmbeddedPhoto, b: EmbeddedPhoto) -> list[Verdict]:
    """Verdicts on all pairs of faces of two embedded photos, those of ``a`` outermost."""
    rows = [(i, j) for i in range(len(a.faces)) for j in range(len(b.faces))]
    similarities = model.similarity(
        a.embeddings[[i for i, _ in rows]], b.embeddings[[j for _, j in rows]]
    )
    return [
        decide(model, rule, float(similarity), (a.faces[i], b.faces[j]), (a.found, b.found))
        for (i, j), similarity in zip(rows, similarities, strict=True)
    ]


def decide(
    model: Model,
    rule: Rule,
    similarity: float,
    faces: tuple[Face, Face],
    face_counts: tuple[int, int],
) -> Verdict:
    """Turn one similarity into a verdict with its probability and warnings."""
    threshold = rule.cut_off(model)
    probability = None
    if model.card.calibration is not None:
        probability = float(model.probability(similarity, rule.prior))
    same = similarity >= threshold.value
    warnings = list(dict.fromkeys(_view_warnings(faces, face_counts)))
    if probability is not None and same != (probability >= 0.5):
        warnings.append(_disagreement(same, probability, rule, threshold))
    return Verdict(
        same=same,
        probability=probability,
        prior=None if probability is None else rule.prior,
        similarity=similarity,
        threshold=threshold,
        model=model.name,
        faces=faces,
        face_counts=face_counts,
        warnings=warnings,
    )


def verify_pairs(
    pairs: Sequence[tuple[Path, Path]], model: Model, rule: Rule, faces: Choice = "largest"
) -> list[Verdict | VisavisError]:
    """Verify many pairs, opening each photo once however many pairs hold it.

    Args:
        pairs: of paths.
        model: compares them.
        rule: decides.
        faces: which face of each photo; not ``all``.

    Returns:
        For each pair a verdict, or the error of the first of its photos that has one. The faces of
        these verdicts are detached: memory holds embeddings, never the pixels of all photos.
    """
    rule.cut_off(model)
    index = {path: i for i, path in enumerate(dict.fromkeys(chain.from_iterable(pairs)))}
    photos = [
        replace(photo, faces=[face.detached() for face in photo.faces])
        for photo in embed_photos(model, list(index), faces)
    ]
    results: list[Verdict | VisavisError] = []
    for first, second in pairs:
        a, b = photos[index[first]], photos[index[second]]
        results.append(a.error or b.error or compare(model, rule, a, b)[0])
    return results


def _view_warnings(faces: Iterable[Face], face_counts: Iterable[int]) -> Iterator[str]:
    for face, count in zip(faces, face_counts, strict=True):
        if weak := weaknesses(face):
            yield f"the face in {face.photo.origin} is {' and '.join(weak)}: trust this less"
        if count > 1:
            yield f"{face.photo.origin} shows {count} faces; one of them was compared"


def _disagreement(same: bool, probability: float, rule: Rule, threshold: Threshold) -> str:
    """Why the decision and the probability point different ways."""
    at = f"P(same) is {probability:.2f} at a prior of {rule.prior:g}"
    if threshold.fmr is None:
        return f"{at}, but the threshold of {threshold.value:.3f} was {threshold.fitted_on}"
    if same:
        return (
            f"{at}, but the similarity passes the threshold for a false-match rate of "
            f"{threshold.fmr:g}"
        )
    return (
        f"{at}, but the threshold lets only {threshold.fmr:g} of all strangers pass, and the "
        "similarity is below it"
    )
