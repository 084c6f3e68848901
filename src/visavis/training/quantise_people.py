"""The people that a quantised copy is calibrated, fitted and reported on; nobody is in two parts.

But for the crops: where the parent was trained elsewhere, the scales are found on people that the
threshold is fitted on too, as neither is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet, Source
from visavis.data.sampling import sample_pairs
from visavis.data.splits import TEST, TRAIN, assert_people_disjoint, split_by_share
from visavis.errors import DataError, VisavisError
from visavis.evaluation.embed import Progress
from visavis.models.card import Card
from visavis.models.embed import find_faces
from visavis.models.model import Model
from visavis.photos.choose import Choice
from visavis.training.material import data_fingerprint, prepare
from visavis.training.recipe import Recipe

STAGE = "cropping photos"


@dataclass(frozen=True)
class CopyMaterial:
    """Three parts of a source.

    Attributes:
        crops: photos to find the int8 scales with; crops_of: what they are, in words.
        fitting: pairs to fit thresholds and calibration on.
        reported: pairs that both models are compared on.
        words: how they came about.
    """

    crops: FaceSet
    crops_of: str
    fitting: PairSet
    reported: PairSet
    words: str


def choose_people(source: Source, card: Card) -> CopyMaterial:
    """The parts of a source for copying a model.

    Where the model was trained on this very source they are its recipe's: crops of the training
    people, its validation pairs, its test pairs. Otherwise a source with pairs to fit on keeps
    them, and of any other one half of the people is fitted on and the other reported.

    Raises:
        DataError: too few people or photos for that.
    """
    trained = _as_trained(source, card)
    if trained is not None:
        return trained
    if source.fitting is not None:
        fitting, reported, words = source.fitting, source.pairs, source.protocol
    else:
        halves = split_by_share(source.faces, {TRAIN: 0.5, TEST: 0.5})
        fitting, reported = (
            sample_pairs(halves.select(halves.split == side), f"{source.name}, {name} half", 0)
            for side, name in ((TRAIN, "fitting"), (TEST, "reported"))
        )
        words = f"{source.protocol}; one half of the people fitted on, the other reported"
    assert_people_disjoint(fitting, reported)
    for pairs in (fitting, reported):
        pairs.assert_both_classes()
    return CopyMaterial(fitting.faces, fitting.name, fitting, reported, words)


def draw_crops(
    model: Model, faces: FaceSet, count: int, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """The crops of so many photos drawn at random, the same at every call; of all where fewer.

    Returns:
        (n, height, width, channels) uint8.

    Raises:
        DataError: none of the photos shows a face.
    """
    crops: list[NDArray[np.uint8]] = []
    wanted = min(count, len(faces))
    for row in np.random.default_rng(0).permutation(len(faces)):
        try:
            found, _ = find_faces(model, faces.photos[row], cast("Choice", faces.choose))
        except VisavisError:
            continue
        crops.append(model.crop(found[0]))
        if progress:
            progress(STAGE, len(crops), wanted)
        if len(crops) == wanted:
            break
    if not crops:
        raise DataError(f"{faces.name}: no photo shows a face to calibrate on; give other photos")
    return np.stack(crops)


def _as_trained(source: Source, card: Card) -> CopyMaterial | None:
    """The parts that the model was trained with; ``None`` where it was trained on other photos."""
    if card.recipe is None or card.data_fingerprint is None:
        return None
    try:
        recipe = Recipe.from_dict(card.recipe)
        material = prepare(source, recipe.data, recipe.seed)
    except DataError:  # a filter that the source cannot apply, or a recipe of another version
        return None
    if data_fingerprint(material.train.faces) != card.data_fingerprint:
        return None
    train = material.train
    return CopyMaterial(train.faces, train.name, material.validation, material.test, material.words)
