"""What a trained model owes to others: data, licences, and the model that it learned from."""

from __future__ import annotations

from typing import Any

from visavis.models.card import Card
from visavis.training.fit import Fitted
from visavis.training.recipe import Recipe

OWN_LICENCE = "that of the photos it was trained on"
NONE = "none"


def outside_data(recipe: Recipe, fitted: Fitted, data_fingerprint: str) -> str:
    """The data other than the recipe's that shaped the weights, in words; ``none`` for none.

    What a teacher or the model that was gone on from has seen, and what shaped those in turn.

    Args:
        recipe: of the run.
        fitted: the run.
        data_fingerprint: of its own training photos, which are not outside.
    """
    parts = fitted.parts
    if parts.base is not None:
        return parts.base.card.outside_data
    words = [
        f"weights of {start.name}: {seen}"
        for start in parts.starts
        if (seen := _seen(start, data_fingerprint))
    ]
    if recipe.net.pretrained and not parts.starts:
        words.append(f"weights {recipe.net.pretrained}")
    if parts.teacher is not None:
        seen = _seen(parts.teacher.card, data_fingerprint) or "no other photos"
        words.append(f"distilled from {parts.teacher.name}: {seen}")
    return "; ".join(words) or NONE


def _seen(card: Card, data_fingerprint: str) -> str:
    """What a model has seen beside the photos of a run, in words; empty for nothing."""
    words = []
    if card.data_fingerprint not in (None, data_fingerprint):
        told = (card.training or {}).get("words", "photos of its own")
        words.append(told)
    if card.outside_data and card.outside_data != NONE:
        words.append(card.outside_data)
    return "; ".join(words)


def licence(fitted: Fitted) -> str:
    """Of the photos, and of the models that it comes from where they state one."""
    parts = fitted.parts
    if parts.base is not None:
        return parts.base.card.licence
    stated = [_stated(start) for start in parts.starts]
    if parts.teacher and (own := _stated(parts.teacher.card)):
        stated.append(f"teacher {parts.teacher.name}: {own}")
    return "; ".join(dict.fromkeys([OWN_LICENCE, *filter(None, stated)]))


def _stated(card: Card) -> str:
    return card.licence.removeprefix(OWN_LICENCE).removeprefix("; ")


def parent(fitted: Fitted) -> dict[str, Any] | None:
    """The finished model under the head, or the teacher with the agreement that was reached.

    The agreement is the mean cosine between student and teacher on the validation photos.
    """
    parts = fitted.parts
    model = parts.base or parts.teacher
    if model is None:
        return None
    named: dict[str, Any] = {"fingerprint": model.card.fingerprint, "name": model.name}
    if parts.teacher is not None and fitted.best_epoch is not None:
        named["agreement"] = 1 - fitted.history[fitted.best_epoch - 1]["val_loss"]
    return named
