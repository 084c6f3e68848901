"""What moved a similarity: occlusion maps (Zeiler and Fergus, 2014) of a pair of faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.matching.verdict import Verdict
from visavis.matching.verify import verify
from visavis.models.model import DEFAULT_FMR, Model
from visavis.photos.align import BOX_MARGIN, TEMPLATES, WHOLE
from visavis.photos.choose import Choice
from visavis.photos.face import Face
from visavis.photos.input_spec import InputSpec
from visavis.photos.photo import Photo, PhotoSource

PATCHES_ACROSS = 8
"""A patch covers an eighth of the crop's width and moves by half of that."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where on both faces the similarity comes from.

    Attributes:
        verdict: the comparison itself.
        crops: both aligned faces, (h, w, c) uint8.
        maps: for each, (h, w) float64: by how much the similarity falls when the place is covered,
            averaged over the patches that cover it; negative where covering makes it rise.
        outside_shares: for each, the share of all change that lies outside the face's oval, in
            [0, 1]. A high share says that hair, clothes or background decided. A map that is
            spread evenly gives the share of the crop that lies outside the oval.
        outside_area: that share.
    """

    verdict: Verdict
    crops: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    maps: tuple[NDArray[np.float64], NDArray[np.float64]]
    outside_shares: tuple[float, float]
    outside_area: float

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the maps' pixels."""
        return {
            **self.verdict.as_dict(),
            "outside_shares": list(self.outside_shares),
            "outside_area": self.outside_area,
            "largest_drops": [float(drops.max()) for drops in self.maps],
        }


def explain(
    first: Photo | PhotoSource,
    second: Photo | PhotoSource,
    *,
    model: Model | None = None,
    fmr: float = DEFAULT_FMR,
    threshold: float | None = None,
    prior: float = 0.5,
    faces: Choice = "largest",
) -> Explanation:
    """Verify two photos and cover each face patch by patch to see what the answer rests on.

    Args:
        first, second, model, fmr, threshold, prior, faces: as for ``visavis.verify``.

    Raises:
        VisavisError: as for ``visavis.verify``.
    """
    model = model or Model.load()
    verdict = verify(
        first, second, model=model, fmr=fmr, threshold=threshold, prior=prior, faces=faces
    )
    return explain_verdict(verdict, model)


def explain_verdict(verdict: Verdict, model: Model) -> Explanation:
    """``explain``, for two faces that are compared already.

    Args:
        verdict: of ``visavis.verify``; its faces' photos hold their pixels.
        model: the one that gave it.
    """
    a, b = (model.crop(face) for face in verdict.faces)
    maps = _drops(model, a, b), _drops(model, b, a)
    ovals = [
        face_oval(landmarks_on_crop(face, model.card.input), *a.shape[:2]) for face in verdict.faces
    ]
    return Explanation(
        verdict=verdict,
        crops=(a, b),
        maps=maps,
        outside_shares=(_share(maps[0], ~ovals[0]), _share(maps[1], ~ovals[1])),
        outside_area=1 - float(np.mean(ovals)),
    )


def face_oval(landmarks: NDArray[np.floating[Any]], height: int, width: int) -> NDArray[np.bool_]:
    """(height, width) mask of the face on a crop: brow to chin, cheek to cheek.

    An ellipse about the middle of eyes and mouth, in units of the distance between the eyes: 1.05
    of it to each side and 1.45 up and down, the proportions of a frontal adult face (Farkas, 1994).

    Args:
        landmarks: (5, 2) where the eyes, the nose and the mouth lie, in pixels of the crop.
        height, width: of the crop.
    """
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    x, y = (landmarks[:2].mean(axis=0) + landmarks[3:].mean(axis=0)) / 2
    rows, columns = np.mgrid[:height, :width]
    return np.asarray(((columns - x) / (1.05 * eyes)) ** 2 + ((rows - y) / (1.45 * eyes)) ** 2 <= 1)


def landmarks_on_crop(face: Face, spec: InputSpec) -> NDArray[np.float64]:
    """(5, 2) where a face's landmarks lie on the crop that a model takes of it."""
    size = np.array([spec.width, spec.height], dtype=np.float64)
    if spec.template in TEMPLATES:
        side = size.min()
        return np.asarray(TEMPLATES[spec.template].points * side + (size - side) / 2)
    points = face.landmarks.astype(np.float64)
    if spec.template == WHOLE:
        return np.asarray(points * size / (face.photo.width, face.photo.height))
    left, top, across, down = face.box
    scale = size.min() / (BOX_MARGIN * max(across, down))
    return np.asarray((points - (left + across / 2, top + down / 2)) * scale + size / 2)


def _drops(
    model: Model, covered: NDArray[np.uint8], other: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """The map of ``covered``: how much its similarity to ``other`` falls without each place."""
    height, width = covered.shape[:2]
    size = max(2, width // PATCHES_ACROSS)
    corners = [(top, left) for top in _starts(height, size) for left in _starts(width, size)]
    copies = np.repeat(covered[np.newaxis], len(corners) + 1, axis=0)
    mean = covered.mean(axis=(0, 1)).astype(np.uint8)
    for copy, (top, left) in zip(copies, corners, strict=False):  # the last copy stays whole
        copy[top : top + size, left : left + size] = mean
    embeddings = model.encode(copies)
    target = np.repeat(model.encode(other[np.newaxis]), len(copies), axis=0)
    similarities = model.similarity(embeddings, target)
    total, count = np.zeros((2, height, width))
    for similarity, (top, left) in zip(similarities, corners, strict=False):
        total[top : top + size, left : left + size] += similarities[-1] - similarity
        count[top : top + size, left : left + size] += 1
    return np.asarray(total / np.maximum(count, 1))


def _starts(length: int, size: int) -> list[int]:
    return sorted({*range(0, length - size, size // 2), length - size})


def _share(drops: NDArray[np.float64], outside: NDArray[np.bool_]) -> float:
    change = np.abs(drops)
    total = float(change.sum())
    return float(change[outside].sum()) / total if total else 0.0
