"""Planted embeddings: people, pairs and a model that compares what it is given by cosine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from visavis.data.faceset import FaceSet, PairSet
from visavis.errors import NoFaceError, PhotoError


class CosineModel:
    """As much of a ``Model`` as evaluation touches."""

    name = "planted"

    def __init__(self, size: int = 8, distance: str = "cosine", **card: Any) -> None:
        names = ("calibration", "scores", "one_each", "best_accuracy", "halfway")
        known = dict.fromkeys(names)
        self.card = SimpleNamespace(
            distance=distance, embedding_size=size, fingerprint="f", **(known | card)
        )

    def similarity(self, a, b):
        if self.card.distance == "euclidean":
            return -np.linalg.norm(a.astype(np.float64) - b, axis=1)
        return np.einsum("nd,nd->n", a.astype(np.float64), b.astype(np.float64))

    def similarity_matrix(self, a, b):
        if self.card.distance == "euclidean":
            return -np.linalg.norm(a[:, None] - b[None], axis=2).astype(np.float32)
        return a @ b.T


@dataclass
class World:
    """Photos of people whose embeddings are known by path."""

    embeddings: dict[Path, np.ndarray] = field(default_factory=dict)
    faceless: set[Path] = field(default_factory=set)
    broken: set[Path] = field(default_factory=set)
    asked: list[Path] = field(default_factory=list)

    def embed_photos(self, model, photos, choose="largest", threads=None) -> Iterator[Any]:
        for path in photos:
            self.asked.append(path)
            error = None
            if path in self.faceless:
                error = NoFaceError(f"no face was found in {path}")
            if path in self.broken:
                error = PhotoError(f"{path} is truncated")
            rows = np.empty((0, 8), np.float32) if error else self.embeddings[path][np.newaxis]
            yield SimpleNamespace(source=path, faces=[], embeddings=rows, error=error)

    def faces(
        self,
        rng: np.random.Generator,
        people: int,
        photos: int = 3,
        noise: float = 0.5,
        prefix: str = "p",
        **more: Any,
    ) -> FaceSet:
        who = np.repeat(np.arange(people), photos)
        vectors = unit(rng.standard_normal((people, 8)))[who]
        vectors = unit(vectors + noise * rng.standard_normal(vectors.shape) / np.sqrt(8))
        paths = tuple(Path(f"{prefix}{p}/{i}.jpg") for i, p in enumerate(who))
        self.embeddings |= dict(zip(paths, vectors, strict=True))
        names = tuple(f"{prefix}{p}" for p in range(people))
        return FaceSet("planted", paths, who, names, **more)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def some_pairs(rng, faces: FaceSet, n: int, name: str = "planted pairs", fold_of_person=None):
    """n genuine and n impostor pairs; within folds where each person has one."""
    fold = np.zeros(len(faces.names), int) if fold_of_person is None else fold_of_person
    i, j = np.triu_indices(len(faces), 1)
    inside = fold[faces.people[i]] == fold[faces.people[j]]
    i, j = i[inside], j[inside]
    same = faces.people[i] == faces.people[j]
    take = np.concatenate(
        [
            rng.choice(np.flatnonzero(kind), min(n, int(kind.sum())), replace=False)
            for kind in (same, ~same)
        ]
    )
    i, j, same = i[take], j[take], same[take]
    return PairSet(name, faces, i, j, same, fold[faces.people[i]].astype(np.int64))
