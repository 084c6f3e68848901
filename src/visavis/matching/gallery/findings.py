"""What may be wrong with a gallery's photos, each with its mend."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from visavis.matching.gallery.threshold import SearchThreshold

Kind = Literal["mislabelled", "unlike", "alike", "duplicate", "weak", "single"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""A photo that looks like somebody else's; one that looks like a stranger's; two people who may be
one; a photo that is there twice; one that shows little; somebody with one photo. The worst first.
"""


@dataclass(frozen=True)
class EnrolledPhoto:
    """A photo as a gallery knows it.

    Attributes:
        number: of its row.
        person: the name of whom it is enrolled for.
        file: its file name, without folders.
        sha256: of its pixels, in hexadecimal.
        eye_distance, turn, sharpness: see ``Face``.
        crop: whether the face's surroundings were kept.
    """

    number: int
    person: str
    file: str
    sha256: str
    eye_distance: float
    turn: float
    sharpness: float
    crop: bool

    @property
    def named(self) -> str:
        """What ``people not`` and ``people drop`` call it: file names are not unique."""
        return f"sha256:{self.sha256[:12]}"

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"person": self.person, "file": self.file, "sha256": self.sha256}


@dataclass(frozen=True)
class Finding:
    """One thing that may be wrong.

    Attributes:
        kind: what, see ``KINDS``.
        photos: the photo in question, and the one that it is compared with, where there is one.
        why: the reason, in one sentence.
        mend: commands that mend it, in their order; what stands in capitals is to be filled in.
        otherwise: commands that record that nothing is wrong, so that it is not found again.
        similarity: of the two photos; of an unlike photo to the most alike of the same person.
    """

    kind: Kind
    photos: tuple[EnrolledPhoto, ...]
    why: str
    mend: tuple[str, ...]
    otherwise: tuple[str, ...] = ()
    similarity: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return asdict(self) | {"photos": [photo.as_dict() for photo in self.photos]}


@dataclass(frozen=True)
class Health:
    """What ``Gallery.check`` found.

    Attributes:
        gallery: its name.
        people, photos: how many were looked at: those whose time is over are not.
        problems: what is wrong with the database, in sentences; then nothing else was looked at.
        findings: what may be wrong with the photos, the worst kind first.
        threshold: the similarity from which a search names somebody.
        not_compared: why photos were not compared with one another, where they were not.
    """

    gallery: str
    people: int = 0
    photos: int = 0
    problems: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    threshold: SearchThreshold | None = None
    not_compared: str | None = None

    @property
    def whole(self) -> bool:
        """Whether the database is."""
        return not self.problems

    def of(self, kind: Kind) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]

    def addressed(self, *options: str) -> Health:
        """The same with options after each command: which gallery, where it is not the usual."""

        def named(lines: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(f"{line} {shlex.join(options)}" for line in lines)

        findings = [
            replace(finding, mend=named(finding.mend), otherwise=named(finding.otherwise))
            for finding in self.findings
        ]
        return replace(self, findings=findings)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {
            "gallery": self.gallery,
            "people": self.people,
            "photos": self.photos,
            "problems": self.problems,
            "findings": [finding.as_dict() for finding in self.findings],
            **(self.threshold.as_dict() if self.threshold else {}),
            "not_compared": self.not_compared,
        }


def command(*words: str) -> str:
    """A command line of ours that a shell reads as these words."""
    return shlex.join(("visavis", *words))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of their kinds, and of one kind the surest first."""

    def key(finding: Finding) -> tuple[int, float]:
        similarity = finding.similarity or 0.0
        return KINDS.index(finding.kind), similarity if finding.kind == "unlike" else -similarity

    return sorted(findings, key=key)
