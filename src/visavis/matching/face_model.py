"""A model with the walks that compare photos: what ``visavis.load`` returns."""

from __future__ import annotations

from visavis.matching import explain as explaining
from visavis.matching import verify as verifying
from visavis.matching.verdict import Verdict
from visavis.models.model import DEFAULT_FMR, Model
from visavis.photos.choose import Choice
from visavis.photos.photo import Photo, PhotoSource


class FaceModel(Model):
    """A ``Model`` that verifies and explains.

    >>> model = visavis.load("sface")
    >>> model.verify("a.jpg", "b.jpg").same
    """

    def verify(
        self,
        first: Photo | PhotoSource,
        second: Photo | PhotoSource,
        *,
        fmr: float = DEFAULT_FMR,
        threshold: float | None = None,
        prior: float = 0.5,
        faces: Choice = "largest",
    ) -> Verdict:
        """Say whether two photos show the same person; see ``visavis.verify``."""
        return verifying.verify(
            first, second, model=self, fmr=fmr, threshold=threshold, prior=prior, faces=faces
        )

    def explain(
        self,
        first: Photo | PhotoSource,
        second: Photo | PhotoSource,
        *,
        fmr: float = DEFAULT_FMR,
        faces: Choice = "largest",
    ) -> explaining.Explanation:
        """What moved the similarity of two photos; see ``visavis.matching.explain``."""
        return explaining.explain(first, second, model=self, fmr=fmr, faces=faces)


load = FaceModel.load
