"""Embedding the photos that an evaluation needs, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import NoFaceError
from visavis.models.embed import embed_photos
from visavis.models.model import Model
from visavis.photos.choose import Choice

Progress = Callable[[str, int, int], None]  # stage, photos done, photos in all
STAGE = "embedding photos"


@dataclass(frozen=True)
class EmbeddedPhotos:
    """The subjects' embeddings.

    Attributes:
        row: of each photo in ``embeddings``.
        embeddings: (n, d) float32; NaN where there is none.
        missed: photos in which no face was found.
        unreadable: photos that could not be used otherwise, with the reason.
    """

    row: dict[Path, int]
    embeddings: NDArray[np.float32]
    missed: list[Path]
    unreadable: list[tuple[Path, str]]

    def of(self, faces: FaceSet, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(rows), d) float32 embeddings of those rows of a face set."""
        return self.embeddings[[self.row[faces.photos[i]] for i in rows]]

    def similarity(self, model: Model, pairs: PairSet) -> NDArray[np.float64]:
        """(m,) float64 similarity of each pair; NaN where a face was missed."""
        first, second = self.of(pairs.faces, pairs.first), self.of(pairs.faces, pairs.second)
        seen = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
        similarity = np.full(len(pairs), np.nan)
        similarity[seen] = model.similarity(first[seen], second[seen])
        return similarity


def embed_rows(
    model: Model,
    needed: Iterable[tuple[FaceSet, NDArray[np.int64]]],
    progress: Progress | None = None,
) -> EmbeddedPhotos:
    """Embed some rows of some face sets; a photo in several of them once.

    Args:
        model: embeds, each face set's subject as its ``choose`` says.
        needed: face sets of one source, and the rows of each.
        progress: called after each photo.
    """
    chosen: dict[Path, str] = {}
    for faces, rows in needed:
        chosen |= dict.fromkeys((faces.photos[i] for i in rows), faces.choose)
    photos = list(chosen)
    embeddings = np.full((len(photos), model.card.embedding_size), np.nan, dtype=np.float32)
    missed: list[Path] = []
    unreadable: list[tuple[Path, str]] = []
    choose = cast("Choice", next(iter(chosen.values()), "largest"))
    for i, embedded in enumerate(embed_photos(model, photos, choose)):
        if len(embedded.embeddings):
            embeddings[i] = embedded.embeddings[0]
        elif isinstance(embedded.error, NoFaceError):
            missed.append(photos[i])
        else:
            unreadable.append((photos[i], str(embedded.error)))
        if progress:
            progress(STAGE, i + 1, len(photos))
    return EmbeddedPhotos(
        {path: i for i, path in enumerate(photos)}, embeddings, missed, unreadable
    )
