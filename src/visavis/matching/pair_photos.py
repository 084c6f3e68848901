"""On-site photos, each with the reference photo it is nearest to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from visavis.data.faceset import FaceSet
from visavis.errors import DataError
from visavis.matching.found import FoundFace, FoundFaces, Progress, find_all
from visavis.matching.gallery.threshold import fmr_for, fpir_of
from visavis.matching.pairing import NOBODY, nearest, one_to_one
from visavis.matching.verify import Rule
from visavis.models.model import Model
from visavis.models.scores import Threshold
from visavis.photos.choose import Choice

DEFAULT_FPIR = 0.01
"""Of strangers, the share that may be taken for one of the references."""


@dataclass(frozen=True)
class PairingRule:
    """Who may be paired with whom.

    Attributes:
        open_set: whether an on-site photo may be of nobody among the references.
        one_to_one: whether a person is on one on-site photo at most.
        fpir: for an open set, the false-positive identification rate that the threshold is chosen
            for: it follows the number of references.
        fmr: the false-match rate of one comparison, which takes its place.
        threshold: a similarity, which takes the place of both.
        prior: the share of right pairs that the probability assumes.
        faces: which face of each photo; not ``all``.
    """

    open_set: bool = False
    one_to_one: bool = False
    fpir: float = DEFAULT_FPIR
    fmr: float | None = None
    threshold: float | None = None
    prior: float = 0.5
    faces: Choice = "one"

    def cut_off(self, model: Model, references: int) -> Threshold | None:
        """Below which a photo is of nobody; ``None`` for a closed set.

        Raises:
            ModelError, UnsupportedRateError: see ``Model.threshold``.
        """
        if not self.open_set:
            return None
        fmr = fmr_for(self.fpir, references) if self.fmr is None else self.fmr
        return Rule(fmr, self.threshold).cut_off(model)


@dataclass(frozen=True, eq=False)
class Pair:
    """An on-site photo and a reference.

    Attributes:
        onsite: the face on site.
        reference: the face it is paired with; where that is nobody, the nearest all the same.
        nearest: who is on the reference.
        matched: whether it is taken for that person.
        similarity: of the two; larger is more alike.
        distance: Euclidean, between their embeddings; smaller is more alike.
        probability: calibrated P(same) of the two; ``None`` for a model without calibration.
        expected: who is on site by the photo's name, where a reference has that name.
    """

    onsite: FoundFace
    reference: FoundFace
    nearest: str
    matched: bool
    similarity: float
    distance: float
    probability: float | None
    expected: str | None

    @property
    def person(self) -> str | None:
        """Who it is taken for; ``None`` for nobody."""
        return self.nearest if self.matched else None

    @property
    def right(self) -> bool | None:
        """Whether that is who it is by name; ``None`` where the names do not tell."""
        return None if self.expected is None else self.person == self.expected

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            **self.onsite.as_dict(),
            "person": self.person,
            "nearest": self.nearest,
            "reference": str(self.reference.photo),
            "similarity": self.similarity,
            "distance": self.distance,
            "probability": self.probability,
            "expected": self.expected,
            "right": self.right,
        }


@dataclass(frozen=True, eq=False)
class Paired:
    """All on-site photos with a usable face, in order.

    Attributes:
        pairs: one for each of them.
        people, references: how many people the references show, on how many photos.
        threshold: below it a photo is of nobody; ``None`` for a closed set.
        fpir: how often a stranger passes it, by its rate and the number of references; ``None``
            without a rate.
        skipped: photos on either side that were not used, and why in a sentence.
        rule: by which they were paired.
        model: the model's name.
    """

    pairs: list[Pair]
    people: int
    references: int
    threshold: Threshold | None
    fpir: float | None
    skipped: list[tuple[Path, str]]
    rule: PairingRule
    model: str

    @property
    def named(self) -> list[Pair]:
        """Those whose names tell who they are."""
        return [pair for pair in self.pairs if pair.expected is not None]

    @property
    def right(self) -> int:
        """How many of those are right."""
        return sum(pair.right is True for pair in self.pairs)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        threshold = self.threshold
        return {
            "model": self.model,
            "people": self.people,
            "references": self.references,
            "threshold": None if threshold is None else threshold.value,
            "threshold_fmr": None if threshold is None else threshold.fmr,
            "fpir": self.fpir,
            "named": len(self.named),
            "right": self.right,
            "pairs": [pair.as_dict() for pair in self.pairs],
            "skipped": [reason for _, reason in self.skipped],
        }


def pair_photos(
    model: Model,
    references: FaceSet,
    onsite: FaceSet,
    rule: PairingRule | None = None,
    progress: Progress | None = None,
) -> Paired:
    """Pair each on-site photo with its nearest reference.

    Args:
        model: finds, embeds and compares the faces.
        references: the people to choose from.
        onsite: the photos that are asked about; their names only tell what is right.
        rule: a closed set by default.
        progress: called after each photo.

    Raises:
        DataError: a closed set of one person, whom every photo would show.
        ModelError, UnsupportedRateError: see ``Model.threshold``.
        VisavisError: no photo on one side has a usable face.
    """
    rule = rule or PairingRule()
    _check_choice(references.names, rule)
    known = _find(model, references, rule, "reading references", progress)
    _check_choice(known.names, rule)
    rule.cut_off(model, len(known.names))  # a rate that cannot be had is refused before the rest
    asked = _find(model, onsite, rule, "reading on-site photos", progress)
    return pair_found(model, known, asked, rule)


def pair_found(model: Model, known: NamedFaces, asked: NamedFaces, rule: PairingRule) -> Paired:
    """``pair_photos``, for faces that are found and embedded already.

    Args:
        model: compares them.
        known: the references.
        asked: the on-site faces; a name that no reference has tells nothing.
        rule: decides.

    Raises:
        DataError, ModelError, UnsupportedRateError: see ``pair_photos``.
    """
    _check_choice(known.names, rule)
    count = len(known.names)
    threshold = rule.cut_off(model, count)
    fmr = None if threshold is None else threshold.fmr
    return Paired(
        _pairs(model, rule, threshold, known, asked),
        people=len(set(known.names)),
        references=count,
        threshold=threshold,
        fpir=None if fmr is None else fpir_of(fmr, count),
        skipped=known.found.skipped + asked.found.skipped,
        rule=rule,
        model=model.name,
    )


def _check_choice(names: Sequence[str], rule: PairingRule) -> None:
    if len(set(names)) == 1 and not rule.open_set:
        raise DataError(
            f"the references show one person only, {names[0]}, and every photo would be theirs; "
            "add references of others, or say --open-set"
        )


class NamedFaces(NamedTuple):
    """Faces, and who is on each of them."""

    found: FoundFaces
    names: list[str]


def _find(
    model: Model, photos: FaceSet, rule: PairingRule, stage: str, progress: Progress | None
) -> NamedFaces:
    found = find_all(model, photos.photos, rule.faces, stage, progress)
    person = dict(zip(photos.photos, photos.people, strict=True))
    return NamedFaces(found, [photos.names[person[face.photo]] for face in found.faces])


def _pairs(
    model: Model,
    rule: PairingRule,
    threshold: Threshold | None,
    known: NamedFaces,
    asked: NamedFaces,
) -> list[Pair]:
    table = model.similarity_matrix(asked.found.embeddings, known.found.embeddings)
    cut = None if threshold is None else threshold.value
    found, everybody = nearest(table, cut), set(known.names)
    if rule.one_to_one:
        _, people = np.unique(known.names, return_inverse=True)
        found = one_to_one(table, people, cut)
    shown = np.where(found == NOBODY, nearest(table), found)
    similarity = table[np.arange(len(shown)), shown].astype(np.float64)
    apart = asked.found.embeddings - known.found.embeddings[shown]
    distance = np.linalg.norm(apart.astype(np.float64), axis=1)
    probability: list[float] | list[None] = [None] * len(shown)
    if model.card.calibration is not None:
        probability = model.probability(similarity, rule.prior).tolist()
    return [
        Pair(
            onsite=face,
            reference=known.found.faces[row],
            nearest=known.names[row],
            matched=bool(found[i] != NOBODY),
            similarity=float(similarity[i]),
            distance=float(distance[i]),
            probability=probability[i],
            expected=asked.names[i] if asked.names[i] in everybody else None,
        )
        for i, (face, row) in enumerate(zip(asked.found.faces, shown, strict=True))
    ]
