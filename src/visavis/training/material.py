"""What a recipe makes of a source: people to train on, pairs to validate and to test on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from visavis.data.balanced import balanced_pairs
from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.data.filters import filter_faces
from visavis.data.sampling import sample_pairs
from visavis.data.splits import (
    TEST,
    TRAIN,
    VALIDATION,
    assert_people_disjoint,
    split_by_name,
    split_by_share,
    split_pairs,
)
from visavis.errors import DataError
from visavis.training.recipe import DataPart


@dataclass(frozen=True)
class Material:
    """The three parts of a training run; nobody is in two of them.

    Attributes:
        train: the pairs to train on, over the photos of the training people. Where a recipe trains
            on identities it is these photos that count, and the pairs are not used.
        validation: chooses the best epoch and fits threshold and calibration.
        test: what the run is reported on; never looked at before.
        words: how they came about.
    """

    train: PairSet
    validation: PairSet
    test: PairSet
    words: str

    @property
    def faces(self) -> list[FaceSet]:
        """The photos of the three parts."""
        return [self.train.faces, self.validation.faces, self.test.faces]


def prepare(source: Source, part: DataPart, seed: int) -> Material:
    """Filter a source and split it by people.

    A source with a list to fit on (LFW View 1) is tested on its own test list, and the fitting
    list is split by connected components of people, so that validation pairs are made the way the
    test's are. A source with its own three splits (CelebA) keeps them. Any other is split by
    people, by name or by share, and pairs are drawn.

    Raises:
        DataError: nobody left to train on, or more pairs asked for than exist.
    """
    if source.fitting is not None and TRAIN not in source.faces.split:
        material = _by_lists(source, source.fitting, part, seed)
    else:
        material = _by_people(source, part, seed)
    for first, second in (
        (material.train, material.validation),
        (material.train, material.test),
        (material.validation, material.test),
    ):
        assert_people_disjoint(first, second)
    if len(material.train.faces.names) < 2:
        raise DataError(f"{source.name}: there is one person to train on; it takes two or more")
    if np.bincount(material.train.faces.people).max(initial=0) < 2:
        raise DataError(
            f"{source.name}: no person to train on has two photos, so there is no genuine pair"
        )
    material.validation.assert_both_classes()
    material.test.assert_both_classes()
    return material


def data_fingerprint(faces: FaceSet) -> str:
    """sha256 of who is on which photo, by the photos' names, as a card holds it."""
    rows = sorted(
        (photo.name, faces.names[person])
        for photo, person in zip(faces.photos, faces.people, strict=True)
    )
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _by_lists(source: Source, fitting: PairSet, part: DataPart, seed: int) -> Material:
    if part.where or part.one_class or part.min_photos > 1:
        raise DataError(f"{source.name} lists its pairs; a recipe's filters cannot apply to them")
    if part.counts:
        train, validation = part.counts[:2]
    else:
        validation = round(len(fitting) * part.validation)
        train = len(fitting) - validation
    split = split_pairs(fitting, train, validation, seed)
    words = f"{source.protocol}; {split.words}"
    return Material(split.train, split.validation, source.pairs, words)


def _by_people(source: Source, part: DataPart, seed: int) -> Material:
    faces = filter_faces(source.faces, part.where, part.one_class, part.min_photos)
    faces = _split(faces, part, seed)
    parts = {split: faces.select(faces.split == split) for split in (TRAIN, VALIDATION, TEST)}
    empty = [split for split, some in parts.items() if not len(some)]
    if empty:
        raise DataError(f"{source.name}: nobody is left for {empty[0]}; relax the recipe's filters")
    counts = dict(zip(parts, part.counts or (None, part.validation_pairs, None), strict=True))
    pairs = {
        split: _draw(some, f"{source.name} {split}", part, counts[split], seed)
        for split, some in parts.items()
    }
    words = f"{source.protocol}; split by people: " + ", ".join(
        f"{len(some.names):,} people with {len(some):,} photos for {split}"
        for split, some in parts.items()
    )
    return Material(pairs[TRAIN], pairs[VALIDATION], pairs[TEST], words)


def _split(faces: FaceSet, part: DataPart, seed: int) -> FaceSet:
    if {TRAIN, VALIDATION, TEST} <= set(faces.split.tolist()) and not part.test_people:
        faces.assert_identity_disjoint()
        return faces
    if part.test_people:
        named = split_by_name(faces, {TEST: part.test_people}, rest=TRAIN)
    else:
        named = split_by_share(faces, {TRAIN: 1 - part.test, TEST: part.test}, seed)
    rest = split_by_share(
        named.select(named.split == TRAIN),
        {TRAIN: 1 - part.validation, VALIDATION: part.validation},
        seed,
    )
    validation = [name for name in rest.names if _side(rest, name) == VALIDATION]
    test = [name for name in named.names if _side(named, name) == TEST]
    return split_by_name(faces, {VALIDATION: validation, TEST: test}, rest=TRAIN)


def _side(faces: FaceSet, name: str) -> str:
    return str(faces.split[np.flatnonzero(faces.people == faces.names.index(name))[0]])


def _draw(faces: FaceSet, name: str, part: DataPart, count: int | None, seed: int) -> PairSet:
    if part.pairs == "balanced" and count:
        return balanced_pairs(faces, count, name, seed)
    drawn = (
        sample_pairs(faces, name, seed)
        if count is None
        else sample_pairs(faces, name, seed, most=count // 2)
    )
    if part.counts and count and len(drawn) < count:
        raise DataError(
            f"{name}: {count:,} pairs are asked for, but only {len(drawn):,} exist; add people or "
            "lower data.counts"
        )
    return drawn
