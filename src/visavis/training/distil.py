"""From any recipe to one whose network learns a teacher's embeddings."""

from __future__ import annotations

from visavis.errors import DataError
from visavis.models.card import Card
from visavis.models.folder import CARD
from visavis.models.zoo import locate
from visavis.training.recipe import Recipe


def taught_by(recipe: Recipe, teacher: str = "") -> Recipe:
    """The recipe with a teacher, and with what a teacher asks for.

    The loss becomes ``distil``, the head ``cosine``, and the embedding as long as the teacher's.
    One that named no teacher gets a name of its own, ``distil-…``, and no published figures: it
    follows that system no longer.

    Args:
        recipe: of the student.
        teacher: a known model or a model folder; the recipe's own by default.

    Raises:
        DataError: no teacher is named at all, or the recipe trains on listed pairs.
        ModelError: there is no such teacher.
    """
    teacher = teacher or recipe.teacher
    if not teacher:
        raise DataError(f"recipe {recipe.name} names no teacher; name one, such as --teacher sface")
    size = Card.read(locate(teacher) / CARD).embedding_size
    values = recipe.model_dump(mode="json")
    values["net"]["embedding"] = size
    values |= {"teacher": teacher, "loss": [{"kind": "distil"}], "head": {"kind": "cosine"}}
    if not recipe.teacher:
        values["name"] = f"distil-{recipe.name}"
        values["description"] = f"{recipe.net.backbone} that learns the embeddings of {teacher}"
        values["published"] = {}
    return Recipe.from_dict(values, f"recipe {recipe.name}")
