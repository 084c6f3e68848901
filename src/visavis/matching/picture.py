"""Pictures that explain an answer: the faces, the score among all scores, and what moved it."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from visavis.matching.verdict import Verdict
from visavis.models.card import Card
from visavis.models.scores import Scores
from visavis.photos.face import Face
from visavis.report.picture_file import PAPER, picture_format, save_picture
from visavis.report.score_plots import coarse, draw_distributions
from visavis.report.style import GENUINE, GRID, IMPOSTOR, INK, MUTED, house_style, legend_above
from visavis.report.wording import number, percent

_HEAT = LinearSegmentedColormap.from_list("visavis", [IMPOSTOR, "#ffffff00", GENUINE])

PHOTO_SIDE = 900
"""Pixels of a drawn photo's longer side: sharp at the size of the picture, however large it was."""


def draw_verdict(verdict: Verdict, card: Card, path: Path | io.BytesIO) -> None:
    """Save a picture that explains ``verdict`` to somebody who has never heard of similarities.

    Both photos with their box and landmarks, the two aligned faces as the model sees them, and the
    similarity among those of one person and of different people, with the threshold.

    Args:
        verdict: of ``visavis.matching.verify``.
        card: of the model that gave it; without scores, the axis shows no distributions.
        path: its suffix is one of ``report.picture_file.FORMATS``; into memory goes a PNG.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    picture_format(path)
    notes = [line for note in verdict.warnings for line in textwrap.wrap(f"Note: {note}", 112)]
    with house_style(**PAPER):
        figure = Figure(figsize=(10, 7.2 + 0.22 * len(notes)), layout="constrained")
        title = "\n".join(textwrap.wrap(headline(verdict), 60))
        figure.suptitle(title, x=0.02, ha="left", fontsize=19, fontweight="bold", color=INK)
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.2, 1))[:, 0]
        axes = above.subplots(1, 4, width_ratios=(1.35, 1, 1, 1.35))
        for index, (place, face) in enumerate(zip((0, 3), verdict.faces, strict=True)):
            _draw_photo(axes[place], face, verdict.face_counts[index])
            _draw_crop(axes[1 + index], _crop(face, card), "as the model sees it")
        score = below.add_subplot()
        _draw_score(score, verdict, card)
        words = "\n".join([explanation(verdict, card), *notes])
        score.set_xlabel(f"similarity (larger is more alike)\n\n{words}", loc="left")
        save_picture(figure, path)


def headline(verdict: Verdict) -> str:
    """The answer in one line, never surer than the probability, and open where the two disagree."""
    likely = verdict.probability
    if likely is None:
        return "Same person" if verdict.same else "Different people"
    if verdict.same and likely >= 0.5:
        return f"Same person: {percent(likely)} sure"
    if verdict.same:
        return f"Accepted as the same person, though only {percent(likely)} likely"
    if likely < 0.5:
        return f"Different people: {percent(1 - likely)} sure"
    return f"Not accepted as the same person, though {percent(likely)} likely"


def explanation(verdict: Verdict, card: Card) -> str:
    """What the similarity, the threshold and the prior mean here, a line each."""
    threshold = verdict.threshold
    side = "at or above" if verdict.same else "below"
    reached = ""
    if threshold.fmr is not None:
        reached = f", which 1 in {round(1 / threshold.fmr):,} pairs of different people reaches"
    finding = (
        f"{verdict.model} finds a similarity of {number(verdict.similarity)}. That is {side} the "
        f"threshold {number(threshold.value)}{reached}."
    )
    lines = [finding]
    if card.scores is not None:
        lines.append(_among_all(verdict, card.scores))
    if verdict.probability is not None and verdict.prior is not None:
        lines.append(
            f"The probability supposes that, before looking, {100 * verdict.prior:g} % of such "
            "pairs show one person."
        )
    return "\n".join(lines)


def _among_all(verdict: Verdict, scores: Scores) -> str:
    """How rare such a similarity is where the other answer is true."""
    if verdict.same:
        share, total = float(scores.fmr(verdict.similarity)), sum(scores.impostor)
        kind, degree = "different people", "this alike or more"
    else:
        share, total = float(scores.fnmr(verdict.similarity)), sum(scores.genuine)
        kind, degree = "one person", "no more alike than this"
    found = "none was" if share * total < 0.5 else f"{percent(share)} were"
    return f"Of {total:,} comparisons of {kind}, {found} {degree}."


def draw_explanation(
    crops: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    maps: tuple[NDArray[np.floating], NDArray[np.floating]],
    outside_share: tuple[float, float],
    similarity: float,
    path: Path | io.BytesIO,
    *,
    outside_area: float | None = None,
) -> None:
    """Save what moved the similarity: occlusion maps laid over both aligned faces.

    Occlusion maps: Zeiler and Fergus (2014).

    Args:
        crops: two aligned faces, (h, w, 3 or 1) uint8.
        maps: for each, (h', w') float: by how much the similarity falls where the region is hidden;
            negative where hiding it makes the faces more alike. Any size; it is laid over all of
            the crop.
        outside_share: of each map's absolute sum, the part that lies outside the face, in [0, 1].
        similarity: of the two faces, nothing hidden.
        path: its suffix is one of ``report.picture_file.FORMATS``; into memory goes a PNG.
        outside_area: the share of a crop that lies outside the face, told beside the shares above.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    picture_format(path)
    largest = max(1e-9, *(float(np.abs(drops).max(initial=0.0)) for drops in maps))
    with house_style(**PAPER):
        figure = Figure(figsize=(8, 5.6), layout="constrained")
        outside = percent(float(np.mean(outside_share)))
        title = (
            f"{outside} of what moved the similarity of {number(similarity)}\n"
            "lies outside the faces"
        )
        figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold")
        axes = figure.subplots(1, 2)
        for place, crop, drops, share in zip(axes, crops, maps, outside_share, strict=True):
            _draw_crop(place, crop, f"{percent(share)} outside the face", faded=True)
            height, width = crop.shape[:2]
            heat = place.imshow(
                drops, cmap=_HEAT, vmin=-largest, vmax=largest, interpolation="bilinear",
                extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            )  # fmt: skip
        bar = figure.colorbar(heat, ax=list(axes), location="bottom", shrink=0.8, aspect=40)
        even = "" if outside_area is None else f"\nspread evenly: {percent(outside_area)} outside"
        bar.set_label(
            "fall of the similarity when the place is hidden\n"
            f"blue: speaks for one person; orange: speaks against it{even}"
        )
        bar.outline.set_visible(False)
        save_picture(figure, path)


def _crop(face: Face, card: Card) -> NDArray[np.uint8]:
    spec = card.input
    return face.crop(spec.template, spec.width, spec.height, spec.colour)


def _draw_photo(axes: Axes, face: Face, faces_found: int) -> None:
    pixels = face.photo.pixels
    scale = min(1.0, PHOTO_SIDE / max(pixels.shape[:2]))
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale,
                                       interpolation=cv2.INTER_AREA))  # fmt: skip
    axes.imshow(pixels)
    left, top, width, height = (scale * value for value in face.box)
    # White under blue: seen on dark and on light photos alike.
    for colour, line in (("white", 4.5), (GENUINE, 2.2)):
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=colour,
                                 linewidth=line))  # fmt: skip
    across, down = scale * face.landmarks.T
    axes.scatter(across, down, s=16, color=GENUINE, edgecolor="white", linewidth=0.9)
    axes.set(xlim=(-0.5, pixels.shape[1] - 0.5), ylim=(pixels.shape[0] - 0.5, -0.5))
    found = f"\n1 of {faces_found} faces found" if faces_found > 1 else ""
    _plain(axes, textwrap.shorten(Path(face.photo.origin).name, 30, placeholder="…") + found)


def _draw_crop(axes: Axes, crop: NDArray[np.uint8], label: str, *, faded: bool = False) -> None:
    if faded:  # grey and pale, so that colour means heat alone
        grey = crop.mean(axis=2)
        crop = np.asarray(110 + 145 * grey / 255, dtype=np.uint8)[:, :, np.newaxis]
    axes.imshow(np.broadcast_to(crop, (*crop.shape[:2], 3)), interpolation="bicubic")
    _plain(axes, label)


def _plain(axes: Axes, label: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GRID)
    axes.set_xlabel(label, color=MUTED, fontsize=10)


def _draw_score(axes: Axes, verdict: Verdict, card: Card) -> None:
    threshold, similarity = verdict.threshold.value, verdict.similarity
    if card.scores is not None:
        draw_distributions(axes, *coarse(card.scores, bins=160))
    low, high = axes.get_xlim() if card.scores is not None else (-0.2, 1.0)
    margin = 0.05 * (high - low)
    axes.set_xlim(min(low, similarity - margin), max(high, similarity + margin))
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(threshold, color=INK, linewidth=1.3, linestyle="dashed",
                 label=f"threshold {number(threshold)}")  # fmt: skip
    colour = GENUINE if verdict.same else IMPOSTOR
    axes.axvline(similarity, color=colour, linewidth=3, label=f"these two {number(similarity)}")
    legend_above(axes, columns=4)
