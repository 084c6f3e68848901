"""What is known of the public data sets: who made them, where they are, and their hashes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class KnownFile:
    """A file on the web: its name, address and sha256 in hexadecimal."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class KnownSet:
    """A public data set.

    Attributes:
        title: its full name and reference.
        where: how a person gets it; completes the sentence "get it ...".
        licence: terms of use, in words.
        archive: the photos, where an address is known to work.
        lists: text files that the archive lacks.
        folders: names that its folder of photos is known by; the last is what ``prepare`` calls
            it where an archive calls it otherwise.
        by_person: whether the photos lie in one folder a person, as ``prepare`` unpacks them.
    """

    title: str
    where: str
    licence: str
    folders: tuple[str, ...]
    archive: KnownFile | None = None
    lists: tuple[KnownFile, ...] = ()
    by_person: bool = True


@cache
def known_sets() -> dict[str, KnownSet]:
    """The entries of ``known.toml``, by name."""
    table = tomllib.loads(files("visavis.data").joinpath("known.toml").read_text("utf-8"))
    return {
        name: KnownSet(
            title=entry["title"],
            where=entry["where"],
            licence=entry["licence"],
            folders=tuple(entry["folders"]),
            archive=KnownFile(**entry["archive"]) if "archive" in entry else None,
            lists=tuple(KnownFile(**file) for file in entry.get("lists", [])),
            by_person=entry.get("by_person", True),
        )
        for name, entry in table.items()
    }
