"""Who is seen in a video, and when.

Faces are followed from frame to frame, and put together by person. Each person is searched for
once, by the mean embedding of all good views: many frames would be many chances of naming a
stranger, and the rate that a threshold is chosen for is that of one search. ``benchmarks/views.py``
measures both: where 1 % is asked, one photo names 1.0 % of the strangers, the mean of five 1.4 %,
any of five 4.2 %; and the mean finds who is enrolled more surely than a single photo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from visavis.errors import NoFaceError
from visavis.matching.found import Progress
from visavis.matching.gallery.answers import Identification
from visavis.matching.gallery.decide import SearchRule
from visavis.matching.gallery.searching import Searcher
from visavis.matching.tracks import Track, Tracker, mean_of
from visavis.models.embed import EmbeddedPhoto, embed_photos
from visavis.models.encoder import BATCH
from visavis.models.model import Model
from visavis.photos.video import Video

PIXELS_AT_ONCE = 64_000_000
"""Of frames in memory: 192 MB of RGB."""
APART = 2.0
"""Seconds without a person after which their next appearance is told apart."""


@dataclass(frozen=True, eq=False)
class PersonSeen:
    """Somebody in a video.

    Attributes:
        label: the name, or ``unknown 1`` and on by first appearance.
        answer: of the search for the mean of the good views; its face is the best view.
        times: of the frames that show them, in seconds, ascending.
        step: seconds between two looks.
    """

    label: str
    answer: Identification
    times: list[float]
    step: float

    @property
    def name(self) -> str | None:
        """Of the person; ``None`` for nobody that is known."""
        return self.answer.name

    @property
    def first(self) -> float:
        """When they are first seen, in seconds."""
        return self.times[0]

    @property
    def last(self) -> float:
        """When they are last seen, in seconds."""
        return self.times[-1]

    @property
    def seconds(self) -> float:
        """For how long they are seen in all, to the nearest look."""
        return len(self.times) * self.step

    @property
    def similarity(self) -> float | None:
        """To the most alike person; ``None`` where nobody is left to compare with."""
        candidates = self.answer.candidates
        return candidates[0].similarity if candidates else None

    @property
    def appearances(self) -> list[tuple[float, float]]:
        """From when to when, in seconds, each time."""
        spans: list[tuple[float, float]] = []
        for at in self.times:
            if spans and at - spans[-1][1] <= max(APART, 3 * self.step):
                spans[-1] = spans[-1][0], at
            else:
                spans.append((at, at))
        return spans

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "label": self.label,
            "first": round(self.first, 3),
            "last": round(self.last, 3),
            "seconds": round(self.seconds, 3),
            "frames": len(self.times),
            "appearances": [[round(time, 3) for time in span] for span in self.appearances],
            **self.answer.as_dict(),
        }


@dataclass(frozen=True, eq=False)
class SearchedVideo:
    """Who is seen in a video; true where somebody is known.

    Attributes:
        path: of the video.
        people: in the order in which they are first seen.
        frames: how many were looked at.
        seconds: how far it was read.
        warnings: what makes the answer less than it should be, in sentences.
        cut_short: whether the video ends before it says it does.
    """

    path: Path
    people: list[PersonSeen]
    frames: int
    seconds: float
    warnings: list[str] = field(default_factory=list)
    cut_short: bool = False

    def __bool__(self) -> bool:
        return any(person.name is not None for person in self.people)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "video": str(self.path),
            "frames": self.frames,
            "seconds": round(self.seconds, 3),
            "cut_short": self.cut_short,
            "people": [person.as_dict() for person in self.people],
            "warnings": self.warnings,
        }


def search_video(
    path: Path,
    model: Model,
    searcher: Searcher,
    rule: SearchRule,
    *,
    fps: float,
    progress: Progress | None,
) -> SearchedVideo:
    """See ``Gallery.identify_video``."""
    with Video(path) as video:
        step, frames = video.step(fps), 0
        tracker = Tracker(model, step)
        for at, embedded in _looks(video, model, fps):
            tracker.add(at, embedded.faces, embedded.embeddings)
            frames += 1
            if progress:
                progress("looking at frames", frames, max(frames, round(video.seconds / step)))
        read_to, cut_short = video.read_to, video.cut_short
    if not tracker.tracks:
        raise NoFaceError(f"no face was found in {path}, in none of {frames:,} frames")
    seen = [_search(model, searcher, rule, tracks, step) for tracks in tracker.people()]
    warnings = list(dict.fromkeys(text for person in seen for text in person.answer.warnings))
    if cut_short:
        warnings.append(
            f"{path} ends after {read_to:.1f} s of the {video.seconds:.1f} s that it says it lasts"
        )
    return SearchedVideo(path, _labelled(seen), frames, read_to, warnings, cut_short)


def _looks(video: Video, model: Model, fps: float) -> Iterator[tuple[float, EmbeddedPhoto]]:
    """The faces of frames, with their times; few frames in memory at once."""
    threads = model.threads or os.cpu_count() or 1
    at_once = max(1, min(PIXELS_AT_ONCE // video.pixels, BATCH * threads))
    frames = video.frames(fps)
    while some := list(islice(frames, at_once)):
        walk = embed_photos(model, [frame.photo for frame in some], "all")
        yield from zip([frame.at for frame in some], walk, strict=True)


def _search(
    model: Model, searcher: Searcher, rule: SearchRule, tracks: Sequence[Track], step: float
) -> PersonSeen:
    best = max((track.best for track in tracks), key=lambda face: face.eye_distance)
    probe = EmbeddedPhoto(best.photo, [best], mean_of(model, tracks), 1)
    (answer,) = searcher.search(probe, rule)
    times = sorted({time for track in tracks for time in track.times})
    return PersonSeen("", answer, times, step)


def _labelled(seen: Sequence[PersonSeen]) -> list[PersonSeen]:
    """One row a person: what was found of one name in several groups of views is put together."""
    known: dict[str, PersonSeen] = {}
    strangers = []
    for person in seen:
        if person.name is None:
            strangers.append(person)
            continue
        before = known.get(person.name, person)
        surer = max(before, person, key=lambda one: one.similarity or 0.0)
        times = sorted({*before.times, *person.times})
        known[person.name] = replace(surer, label=person.name, times=times)
    strangers.sort(key=lambda person: person.first)
    named = [replace(one, label=f"unknown {i}") for i, one in enumerate(strangers, start=1)]
    return sorted([*known.values(), *named], key=lambda person: person.first)
