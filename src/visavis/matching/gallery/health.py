"""Whether a gallery's photos are of whom they are said to be, and good enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from visavis.matching.gallery.findings import EnrolledPhoto, Finding, command
from visavis.matching.gallery.likeness import Likeness, compare_all
from visavis.matching.gallery.rows import WrongAnswer
from visavis.models.model import Model
from visavis.models.scores import Scores
from visavis.photos.quality import weaknesses

NEARLY_THE_SAME = 0.9999
"""The share of genuine pairs that are less alike than a photo and its double. ``reject`` asks for
0.95, where an error costs nothing; here a good photo would go. On LFW it finds copies in another
size or coarser, and pictures of the same second."""
STRANGERS = 1e-2
"""A photo is unlike its own person's where this false-match rate's threshold is out of reach. Of
LFW's 2,045 devTest photos of people with three or more it finds two, which show somebody else."""
OTHERS_FOR_UNLIKE = 2
"""Of two photos that are unlike, nobody could say which is wrong."""


@dataclass(frozen=True, eq=False)
class Photos:
    """The photos of a gallery, those of one person in a row.

    Attributes:
        listed: n of them.
        owners: (n,) int64 the number of each one's person.
        vectors: (n, d) float32 embeddings.
        wrong: people whom photos are known not to show.
    """

    listed: list[EnrolledPhoto]
    owners: NDArray[np.int64]
    vectors: NDArray[np.float32]
    wrong: Sequence[WrongAnswer]

    @cached_property
    def of_person(self) -> Counter[int]:
        """How many each person has."""
        return Counter(self.owners.tolist())

    def size(self, row: int) -> int:
        """How many the person of a photo has."""
        return self.of_person[int(self.owners[row])]

    def refuted(self) -> set[tuple[int, str]]:
        """Numbers of people and sha256 of photos that are known not to show them."""
        return {(answer.person, answer.photo.hex()) for answer in self.wrong}


def seen_alone(photos: Photos) -> Iterator[Finding]:
    """What can be found without comparing: weak photos, and people with one photo."""
    for photo in photos.listed:
        if weak := weaknesses(photo):
            yield Finding(
                "weak",
                (photo,),
                f"{photo.file} of {photo.person} is {' and '.join(weak)}",
                (
                    command("enrol", photo.person, "BETTER-PHOTO"),
                    command("people", "drop", photo.person, photo.named),
                ),
            )
    for row, photo in enumerate(photos.listed):
        if photos.size(row) == 1:
            yield Finding(
                "single",
                (photo,),
                f"{photo.person} has one photo: a few in other light and poses find them surer",
                (command("enrol", photo.person, "PHOTOS"),),
            )


def seen_together(
    photos: Photos, model: Model, threshold: float, margin: float
) -> Iterator[Finding]:
    """What is found by comparing all photos with one another.

    Args:
        photos: all of them.
        model: compares; one with scores on its card.
        threshold, margin: from which, and how far before the second person, a search names
            somebody; in similarity.
    """
    scores = model.card.scores
    if scores is None or not len(photos.listed):
        return
    likeness = compare_all(
        model,
        photos.owners,
        photos.vectors,
        nearly_equal=_nearly_the_same(scores),
        threshold=threshold,
    )
    wrong = _mislabelled(photos, likeness, threshold, margin)
    yield from (_mislabelled_finding(photos, likeness, row) for row in wrong)
    yield from _unlike(photos, model, likeness, scores, set(wrong))
    yield from _alike(photos, model, likeness, threshold, wrong)
    yield from _duplicates(photos, model, likeness)


def _nearly_the_same(scores: Scores) -> float:
    edges = scores.edges
    return float(edges[np.argmax(scores.fnmr(edges) >= NEARLY_THE_SAME)])


def _mislabelled(photos: Photos, likeness: Likeness, threshold: float, margin: float) -> list[int]:
    """Rows of photos that a search of all others would call somebody else.

    Where all photos of a person would be called one other person, it is the two who are alike.
    """
    with np.errstate(invalid="ignore"):  # -inf minus -inf
        ahead = likeness.other - likeness.own >= margin
    found = (likeness.other >= threshold) & ahead & np.isfinite(likeness.own)
    refuted = photos.refuted()
    pointed = photos.owners[likeness.other_row]
    rows = [
        int(row)
        for row in np.flatnonzero(found)
        if (int(pointed[row]), photos.listed[row].sha256) not in refuted
    ]
    towards = Counter((int(photos.owners[row]), int(pointed[row])) for row in rows)
    return [
        row
        for row in rows
        if towards[int(photos.owners[row]), int(pointed[row])] < photos.size(row)
    ]


def _mislabelled_finding(photos: Photos, likeness: Likeness, row: int) -> Finding:
    photo, like = photos.listed[row], photos.listed[likeness.other_row[row]]
    similarity = float(likeness.other[row])
    return Finding(
        "mislabelled",
        (photo, like),
        f"{photo.file} is enrolled for {photo.person}, but looks like {like.person}: it has a "
        f"similarity of {similarity:.3f} to {like.file}, and of {likeness.own[row]:.3f} at most "
        f"to {photo.person}'s other photos",
        (
            command("people", "not", photo.person, photo.named),
            command("enrol", like.person, photo.file),
        ),
        (command("people", "not", like.person, photo.named),),
        similarity,
    )


def _unlike(
    photos: Photos, model: Model, likeness: Likeness, scores: Scores, known: set[int]
) -> Iterator[Finding]:
    bound = scores.threshold(STRANGERS).value
    for row in np.flatnonzero(likeness.own < bound).tolist():
        photo = photos.listed[row]
        if row in known or photos.size(row) <= OTHERS_FOR_UNLIKE:
            continue
        others = np.flatnonzero(photos.owners == photos.owners[row])
        others = others[others != row]
        alike = model.similarity_matrix(photos.vectors[[row]], photos.vectors[others])[0]
        yield Finding(
            "unlike",
            (photo, photos.listed[others[alike.argmax()]]),
            f"{photo.file} is as unlike {photo.person}'s other photos as a stranger's: "
            f"{likeness.own[row]:.3f} at most, and 1 in {1 / STRANGERS:.0f} pairs of different "
            f"people reaches {bound:.3f}",
            (command("people", "not", photo.person, photo.named),),
            similarity=float(likeness.own[row]),
        )


def _alike(
    photos: Photos, model: Model, likeness: Likeness, threshold: float, wrong: Sequence[int]
) -> Iterator[Finding]:
    """Pairs of people, by the most alike of their photos that are not mislabelled."""
    counted = np.ones(len(photos.listed), dtype=np.bool_)
    counted[list(wrong)] = False
    refuted = photos.refuted()
    for pair in likeness.alike.tolist():
        first, second = (np.flatnonzero(counted & (photos.owners == person)) for person in pair)
        matrix = model.similarity_matrix(photos.vectors[first], photos.vectors[second])
        for rows, other, axis in ((first, pair[1], 0), (second, pair[0], 1)):
            known = [(other, photos.listed[row].sha256) in refuted for row in rows]
            np.moveaxis(matrix, axis, 0)[known] = -np.inf
        if not matrix.size or matrix.max() < threshold:
            continue
        i, j = np.unravel_index(matrix.argmax(), matrix.shape)
        yield _alike_finding(photos, int(first[i]), int(second[j]), float(matrix[i, j]), threshold)


def _alike_finding(
    photos: Photos, first: int, second: int, similarity: float, threshold: float
) -> Finding:
    if photos.size(first) > photos.size(second):
        first, second = second, first  # the one with fewer photos becomes the other
    fewer, more = photos.listed[first], photos.listed[second]
    return Finding(
        "alike",
        (fewer, more),
        f"{fewer.person} and {more.person} may be one person: {fewer.file} and {more.file} have a "
        f"similarity of {similarity:.3f}, and from {threshold:.3f} on a search names somebody",
        (command("people", "merge", fewer.person, more.person),),
        (command("people", "not", more.person, fewer.named),),
        similarity,
    )


def _duplicates(photos: Photos, model: Model, likeness: Likeness) -> Iterator[Finding]:
    """Photos that nearly equal a better one of the same person that stays."""
    near: dict[int, list[int]] = {}
    for first, second in likeness.doubles.tolist():
        near.setdefault(first, []).append(second)
        near.setdefault(second, []).append(first)
    stays: set[int] = set()
    for row in sorted(near, key=lambda row: _rank(photos.listed[row])):
        better = next((other for other in near[row] if other in stays), None)
        if better is None:
            stays.add(row)
            continue
        photo, kept = photos.listed[row], photos.listed[better]
        similarity = float(model.similarity(photos.vectors[[row]], photos.vectors[[better]])[0])
        yield Finding(
            "duplicate",
            (photo, kept),
            f"{photo.file} of {photo.person} is nearly the same photo as {kept.file} "
            f"({similarity:.3f}) and adds nothing",
            (command("people", "drop", photo.person, photo.named),),
            similarity=similarity,
        )


def _rank(photo: EnrolledPhoto) -> tuple[int, int, int]:
    """Sorts the better view first: without weakness, larger, older."""
    return len(weaknesses(photo)), -round(photo.eye_distance), photo.number
