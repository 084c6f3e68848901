"""Pairs balanced by class and by gender, as for CelebA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet
from visavis.data.sampling import count_pairs, sample_pairs
from visavis.errors import DataError

GENDER = "Male"
"""CelebA's attribute; CelebA knows two values, ``yes`` and ``no``."""


def balanced_pairs(
    faces: FaceSet, pairs: int, name: str, seed: int = 0, tag: str = GENDER
) -> PairSet:
    """Half genuine and half impostor pairs, each half divided evenly by a tag of two values.

    Both photos of a pair have the same value, so that no pair can be told by gender alone. A photo
    whose tag is empty is in no pair.

    Args:
        faces: the photos.
        pairs: how many in all; a multiple of 4.
        name: of the pairs, printed with every figure.
        seed: the same seed draws the same pairs.
        tag: with two values, by which each half is balanced.

    Returns:
        Pairs over ``faces``, none twice, none of a photo with itself.

    Raises:
        DataError: no such tag, other than two values, not a multiple of 4, or fewer pairs exist;
            the message says how many do.
    """
    groups = _groups(faces, tag)
    if pairs <= 0 or pairs % 4:
        raise DataError(f"{name}: {pairs} pairs cannot be balanced; ask for a multiple of 4")
    each = min(min(count_pairs(faces.select(rows))) for rows in groups)
    if pairs > 4 * each:
        raise DataError(
            f"{name}: {pairs:,} balanced pairs are asked for, but only {4 * each:,} exist among "
            f"{len(faces):,} photos of {len(faces.names):,} people; ask for fewer"
        )
    drawn = [
        (rows, sample_pairs(faces.select(rows), name, seed + i, most=pairs // 4))
        for i, rows in enumerate(groups)
    ]
    return PairSet(
        name,
        faces,
        first=np.concatenate([rows[sampled.first] for rows, sampled in drawn]),
        second=np.concatenate([rows[sampled.second] for rows, sampled in drawn]),
        same=np.concatenate([sampled.same for _, sampled in drawn]),
    )


def _groups(faces: FaceSet, tag: str) -> list[NDArray[np.int64]]:
    """Rows of each of the tag's two values."""
    if tag not in faces.tags:
        raise DataError(
            f"{faces.name} has no tag {tag!r} to balance pairs by; join one with a tags CSV"
        )
    column = faces.tags[tag]
    values = [value for value in np.unique(column) if value]
    if len(values) != 2:
        raise DataError(
            f"{faces.name}: pairs are balanced by two values of {tag!r}, and it has {len(values)}"
        )
    return [np.flatnonzero(column == value) for value in values]
