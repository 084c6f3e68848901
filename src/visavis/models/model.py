"""A loaded model folder: everything that is needed to compare two faces."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visavis.errors import ModelError
from visavis.models.card import Card
from visavis.models.encoder import Encoder
from visavis.models.folder import CARD, ENCODER, HEAD, check_files, current_detector
from visavis.models.head import PairHead
from visavis.models.scores import Threshold
from visavis.models.zoo import DEFAULT_MODEL, locate
from visavis.photos.detect import Detector
from visavis.photos.face import Face
from visavis.runtime import RuntimeName

DEFAULT_FMR = 1e-3


class Model:
    """A model folder in memory. Safe to use from several threads.

    Attributes:
        folder: where it was loaded from.
        card: what it is and what its similarities mean.
        detector: finds the faces that it compares.
        encoder: embeds their crops.
    """

    def __init__(
        self, folder: Path, runtime: RuntimeName = "auto", threads: int | None = None
    ) -> None:
        self.folder = folder
        self.card: Card = Card.read(folder / CARD)
        if self.card.detector != current_detector():
            raise ModelError(
                f"{folder} was made with another face detector than this visavis has; "
                "install the version that made it, or train it again"
            )
        self.threads = threads
        with ThreadPoolExecutor(1) as pool:  # hashing the files takes as long as opening them
            checked = pool.submit(check_files, folder, self.card)
            try:
                self.detector = Detector(runtime, threads)
                self.encoder = Encoder(
                    folder / ENCODER, self.card.input, self.card.embedding_size, runtime, threads
                )
            finally:
                checked.result()  # says of a damaged file what a runtime would say in its own words
        self._head: PairHead | None = None
        if self.card.distance == "head":
            self._head = PairHead(folder / HEAD, runtime, threads)

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
    ) -> Self:
        """Load a model by name or folder.

        Args:
            model: a known name, such as ``sface``, or the path of a model folder.
            runtime: ``auto``, ``openvino``, ``onnxruntime`` or ``uncompiled``, see
                ``visavis.runtime.open_network``.
            threads: CPU threads; all cores by default.

        Raises:
            ModelError: no such model, or its folder is incomplete or damaged.
        """
        return cls(locate(str(model)), runtime, threads)

    @property
    def name(self) -> str:
        """As its card says."""
        return self.card.name

    def crop(self, face: Face) -> NDArray[np.uint8]:
        """The (height, width, channels) uint8 crop of a face that the encoder takes."""
        spec = self.card.input
        return face.crop(spec.template, spec.width, spec.height, spec.colour)

    def encode(self, faces: Sequence[Face] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces; of unit length where the card says so.

        Args:
            faces: detected faces, or their crops, (n, height, width, channels) uint8; n may be 0.

        Returns:
            (n, d) float32.

        Raises:
            ModelError: crops of another shape or type than the card's input.
        """
        if not isinstance(faces, np.ndarray):
            spec = self.card.input
            shape = (len(faces), spec.height, spec.width, spec.channels)
            faces = (
                np.stack([self.crop(face) for face in faces]) if faces else np.empty(shape, "u1")
            )
        embeddings = self.encoder.encode(faces)
        if self.card.distance == "cosine" or self.card.unit_length:
            embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        return embeddings

    def similarity(
        self, first: NDArray[np.float32], second: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Row by row: cosine, minus the Euclidean distance, or the head's output.

        Args:
            first, second: (n, d) float32 as ``encode`` gives them.

        Returns:
            (n,) float64; larger is more alike.
        """
        if self._head is not None:
            return self._head.compare(first, second)
        a, b = first.astype(np.float64), second.astype(np.float64)
        if self.card.distance == "euclidean":
            return np.asarray(-np.linalg.norm(a - b, axis=1))
        return np.asarray(np.einsum("nd,nd->n", a, b))

    def similarity_matrix(
        self, rows: NDArray[np.float32], columns: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Every row against every column: (n, d) and (m, d) float32 to (n, m) float32."""
        if self._head is not None:
            return self._head.matrix(rows, columns)
        products: NDArray[np.float32] = rows @ columns.T
        if self.card.distance == "euclidean":
            squares = (rows**2).sum(axis=1)[:, np.newaxis] + (columns**2).sum(axis=1)
            return np.asarray(-np.sqrt(np.maximum(squares - 2 * products, 0)), dtype=np.float32)
        return products

    def probability(self, similarity: ArrayLike, prior: float | None = None) -> NDArray[np.float64]:
        """Calibrated P(same) at a prior; see ``Calibration.probability``.

        Raises:
            ModelError: the card holds no calibration.
        """
        if self.card.calibration is None:
            raise ModelError(_uncalibrated(self.name))
        return self.card.calibration.probability(similarity, prior)

    def threshold(self, fmr: float = DEFAULT_FMR) -> Threshold:
        """The threshold at a false-match rate; see ``Scores.threshold``.

        Raises:
            ModelError: the card holds no scores.
            UnsupportedRateError: the scores are too few for the rate.
        """
        if self.card.scores is None:
            raise ModelError(_uncalibrated(self.name))
        return self.card.scores.threshold(fmr)


def _uncalibrated(name: str) -> str:
    return f"{name} has no calibration yet; run `visavis calibrate --model {name} --data DIR`"
