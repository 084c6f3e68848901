"""What each of visavis's own recipes came to: a small JSON file that comes with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from visavis.errors import DataError
from visavis.evaluation.figures import Estimate
from visavis.files import write_output
from visavis.report.run_file import SavedRun

SHIPPED: Final = Path(__file__).parents[1] / "recipes" / "figures.json"
"""The file that comes with visavis."""

KEPT: Final = ("accuracy", "precision", "recall", "f1", "auc", "eer", "loss")


class RecipeFigures(BaseModel):
    """Of one run of a recipe.

    Attributes:
        figures: those of ``KEPT`` on the test pairs that the run has.
        train_accuracy, validation_accuracy, validation_loss, best_loss: at the best epoch;
            ``train_accuracy`` and ``best_loss`` are of the pairs trained on, the former of listed
            ones alone.
        last_loss: of training, at the last epoch.
        epochs, best_epoch, stopped, seconds, seconds_to_best, parameters: see ``SavedRun``.
        protocol, command: of the test, in words; and that makes the run again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    figures: dict[str, Estimate]
    train_accuracy: float | None = None
    validation_accuracy: float | None
    validation_loss: float | None
    best_loss: float | None
    last_loss: float | None
    epochs: int | None
    best_epoch: int | None
    stopped: str
    seconds: float | None
    seconds_to_best: float | None
    parameters: int | None
    protocol: str
    command: str

    @classmethod
    def of(cls, run: SavedRun) -> RecipeFigures:
        """What is kept of a run."""
        last = run.history[-1] if run.history else {}
        return cls(
            figures={name: run.estimate(name) for name in KEPT if run.figures.get(name)},
            train_accuracy=run.best.get("accuracy"),
            validation_accuracy=run.best.get("val_accuracy"),
            validation_loss=run.best.get("val_loss"),
            best_loss=run.best.get("loss"),
            last_loss=last.get("loss"),
            epochs=run.epochs,
            best_epoch=run.best_epoch,
            stopped=run.stopped,
            seconds=run.seconds,
            seconds_to_best=run.seconds_to_best,
            parameters=run.parameters,
            protocol=run.protocol,
            command=run.command,
        )

    def named(self, name: str) -> Estimate | None:
        """The figure that recipes publish under ``name``; ``None`` where there is none."""
        others = {
            "train_accuracy": self.train_accuracy,
            "validation_accuracy": self.validation_accuracy,
            "validation_loss": self.validation_loss,
            "seconds_to_converge": self.seconds_to_best,
        }
        return Estimate(others[name]) if name in others else self.figures.get(name)


_FILE: Final = TypeAdapter(dict[str, RecipeFigures])


def read_figures(path: Path) -> dict[str, RecipeFigures]:
    """Figures by the recipe's name; none where there is no file.

    Raises:
        DataError: the file is damaged.
    """
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}; name another file") from None


def update_figures(path: Path, found: Mapping[str, RecipeFigures]) -> None:
    """Add figures to a file, or replace them in it; those of other recipes stay.

    Raises:
        DataError: the file is damaged or cannot be written.
    """
    kept = {**read_figures(path), **found}
    plain = _FILE.dump_python(dict(sorted(kept.items())), mode="json")
    write_output(path, (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode())
