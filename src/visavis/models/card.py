"""``card.json``: what a model is, what its similarities mean, and where each figure comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from visavis.errors import ModelError
from visavis.models.calibration import Calibration
from visavis.models.quantised import Quantised
from visavis.models.scores import Scores, Threshold
from visavis.photos.input_spec import InputSpec

SCHEMA_VERSION: Final = 1


class Card(BaseModel):
    """A model folder's card; the folder is described in ``docs/model-folder.md``.

    Attributes:
        name: what people call the model.
        description: one sentence.
        input: the crops it takes.
        embedding_size: d.
        distance: how two embeddings are compared.
        unit_length: whether embeddings are scaled to length 1 after the graph, as they always are
            where they are compared by cosine; so a head learned on a cosine model's embeddings
            sees what it was trained on.
        fingerprint: sha256 of what its embeddings mean, see ``visavis.models.fingerprint``.
        detector: sha256 of the face detector that the figures were measured with.
        licence: SPDX name, and of the weights' source.
        outside_data: data other than the recipe's that shaped the weights, in words.
        calibration: similarity to probability; ``None`` before ``visavis calibrate``.
        scores: all-comparison histograms, thresholds follow from them; ``None`` before that too.
        one_each: the same over one photo of each person, for the thresholds of searches; ``None``
            where the people are too few.
        best_accuracy: the threshold of best accuracy on the calibration's pairs.
        halfway: the threshold half-way between the mean similarities of their two kinds.
        figures: name of a protocol to the figures measured under it.
        recipe, data_fingerprint: of a trained model.
        training: how its run went: epochs, seconds, why it stopped, parameters.
        parent: fingerprint and agreement of a quantised or distilled copy's parent.
        quantised: of a quantised copy, what was measured beside its parent.
        files: sha256 of every file beside the card.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str
    description: str = ""
    input: InputSpec
    embedding_size: Annotated[int, Field(gt=0)]
    distance: Literal["cosine", "euclidean", "head"]
    unit_length: bool = False
    fingerprint: str
    detector: str
    licence: str
    outside_data: str = ""
    calibration: Calibration | None = None
    scores: Scores | None = None
    one_each: Scores | None = None
    best_accuracy: Threshold | None = None
    halfway: Threshold | None = None
    figures: dict[str, dict[str, Any]] = {}
    recipe: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    data_fingerprint: str | None = None
    parent: dict[str, Any] | None = None
    quantised: Quantised | None = None
    files: dict[str, str] = {}

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card at ``path``.

        Raises:
            ModelError: missing, not JSON, of a newer schema, or with unknown or wrong fields.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise ModelError(f"{path.parent} is no model folder: it has no card.json") from None
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            if first["loc"] == ("schema_version",):
                raise ModelError(
                    f"{path} is of schema {first['input']}, and this visavis reads schema "
                    f"{SCHEMA_VERSION}; install the version that made it"
                ) from None
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            reason = first["msg"].removeprefix("Value error, ")  # of a check of our own
            raise ModelError(f"{path}: {where}: {reason}") from None

    def text(self) -> str:
        """The card as JSON, as it is written to ``card.json``."""
        return self.model_dump_json(exclude_none=True) + "\n"
