"""Pictures that explain an answer, drawn in memory."""

from __future__ import annotations

import io
from typing import Literal

from visavis.matching.verdict import Verdict
from visavis.models.model import Model


def explaining_picture(model: Model, verdict: Verdict, kind: Literal["verdict", "maps"]) -> bytes:
    """A PNG: the comparison among all others, or what moved the similarity."""
    from visavis.matching.explain import explain_verdict
    from visavis.matching.picture import draw_explanation, draw_verdict

    picture = io.BytesIO()
    if kind == "verdict":
        draw_verdict(verdict, model.card, picture)
    else:
        found = explain_verdict(verdict, model)
        draw_explanation(
            found.crops,
            found.maps,
            found.outside_shares,
            verdict.similarity,
            picture,
            outside_area=found.outside_area,
        )
    return picture.getvalue()
