"""Optuna's study of a tuning: where it is kept, whose it is, and how it draws.

Several workers share one study by its storage. Each trial has a number of its own, and what is
drawn for it depends on that number and on the finished trials alone.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from visavis.data.faceset import Source
from visavis.errors import DataError
from visavis.report.tune import IMPOSSIBLE
from visavis.training.recipe import Recipe
from visavis.training.space import Choice, Dimension, Draw, Space
from visavis.training.tune_sampler import PerTrial, sampler_for

DATABASE = "study.db"
HEARTBEAT, GRACE = 10, 60
"""Seconds between two signs of life of a running trial, and after which it counts as dead."""

ATTEMPTS = 4
"""To open a storage that another worker may just be making."""

RETRIES = 2
"""A trial whose process dies is run again so often, from its last epoch where that is kept."""

STARTUP, WARMUP = 5, 3
"""Trials before any is pruned, and epochs of a trial before it can be."""

optuna.logging.set_verbosity(optuna.logging.ERROR)  # progress and errors are told in our words


def open_study(
    storage: str, recipe: Recipe, space: Space, source: Source, *, sampler: str, seed: int
) -> optuna.Study:
    """Open a tuning's study, or begin it.

    Args:
        storage: URL of a database.
        recipe, space, source: what is tuned; another study of the recipe's name is refused.
        sampler: one of ``visavis.training.tune_sampler.SAMPLERS``.
        seed: of what is drawn.

    Raises:
        DataError: no such sampler, one that cannot draw from the space, a storage that cannot be
            opened, or another study.
    """
    smaller = space.monitor(recipe) == "loss"
    made = PerTrial(sampler_for(sampler, space, seed))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARMUP)
    try:
        kept = _open_storage(storage)
        others = [name for name in optuna.get_all_study_names(kept) if name != recipe.name]
        if others and kept.url.startswith("sqlite"):
            raise DataError(f"{shown(storage)} holds the study {others[0]}; name another --output")
        study = optuna.create_study(
            storage=kept,
            sampler=made,
            pruner=pruner,
            study_name=recipe.name,
            direction="minimize" if smaller else "maximize",
            load_if_exists=True,
        )
        _claim(study, storage, _identity(recipe, space, source))
    except ArgumentError:
        raise DataError(
            f"cannot open the storage {shown(storage)}: write it as a URL, such as "
            "sqlite:///study.db or postgresql://me@host/tuning"
        ) from None
    except (ImportError, SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise DataError(f"cannot open the storage {shown(storage)}: {_reason(error)}") from None
    return study


def shown(storage: str) -> str:
    """A storage's URL without its password."""
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "URL"  # it may hold one anywhere


def in_folder(folder: Path) -> str:
    """The URL of the database in a tuning's own folder.

    Raises:
        DataError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}") from None
    return f"sqlite:///{(folder / DATABASE).absolute()}"


def _open_storage(text: str) -> RDBStorage:
    url = make_url(text)
    if url.drivername in ("postgresql", "postgres"):  # the driver that we install
        url = url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"poolclass": NullPool}  # nothing stays open between two questions
    if url.drivername.startswith("sqlite"):
        options["connect_args"] = {"timeout": 60}  # while another worker writes
    for attempt in range(ATTEMPTS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return RDBStorage(
                    url.render_as_string(hide_password=False),
                    engine_kwargs=options,
                    heartbeat_interval=HEARTBEAT,
                    grace_period=GRACE,
                    heartbeat_stale_trial_callback=again,
                )
        except DBAPIError:
            # Another worker may be making the tables at this moment.
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.3 * (attempt + 1))
    raise AssertionError  # the last attempt returns or raises


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put a trial that ended without a result back in the queue, with what it has reported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        RetryHeartbeatStaleTrialCallback(RETRIES, inherit_intermediate_values=True)(study, trial)


def folder_number(trial: FrozenTrial) -> int:
    """The number that a trial's folder is called by: its own, or that of the trial it repeats."""
    return int(trial.system_attrs.get("failed_trial", trial.number))


def repeated(trials: Sequence[FrozenTrial]) -> set[int]:
    """Numbers of the trials that were run again."""
    return {number for trial in trials for number in trial.system_attrs.get("retry_history", [])}


def counted(trials: Sequence[FrozenTrial]) -> int:
    """How many of them are trials: not those that died, or that could not be built."""
    return sum(
        trial.state != TrialState.FAIL and trial.user_attrs.get("kind") != IMPOSSIBLE
        for trial in trials
    )


def best_of(study: optuna.Study, trials: list[FrozenTrial]) -> int | None:
    """The number of the best trial of those, the first of equals."""
    sign = 1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else -1
    values = {t.number: t.value for t in trials if t.state == TrialState.COMPLETE}
    known = {number: sign * value for number, value in values.items() if value is not None}
    return max(known, key=lambda number: (known[number], -number), default=None)


def _identity(recipe: Recipe, space: Space, source: Source) -> dict[str, str]:
    rows = sorted(
        (photo.name, source.faces.names[person])
        for photo, person in zip(source.faces.photos, source.faces.people, strict=True)
    )
    parts = {
        "recipe": recipe.model_dump_json(),
        "space": repr(space.tree),
        "data": repr((source.name, source.protocol, rows)),
    }
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in parts.items()}


def _claim(study: optuna.Study, storage: str, identity: dict[str, str]) -> None:
    found = study.user_attrs.get("identity")
    if found is None:
        study.set_user_attr("identity", identity)
        return
    for name, digest in identity.items():
        if found.get(name) != digest:
            raise DataError(
                f"{shown(storage)} holds the study {study.study_name} with another {name}; name "
                "another --output or --storage, or give the recipe another name"
            )


def drawing(trial: optuna.Trial) -> Draw:
    """How a trial draws from a space."""

    def draw(key: str, dimension: Dimension) -> Any:
        if isinstance(dimension, Choice):
            label = trial.suggest_categorical(key, dimension.labels)
            return dimension.values[dimension.labels.index(label)]
        low, high, step, log = dimension.low, dimension.high, dimension.step, dimension.log
        if dimension.whole:
            return trial.suggest_int(key, int(low), int(high), step=int(step or 1), log=log)
        return trial.suggest_float(key, low, high, step=step, log=log)

    return draw


def drawn(space: Space, recipe: Recipe, params: Mapping[str, Any]) -> Recipe:
    """The recipe of a trial's parameters, as its study keeps them."""

    def draw(key: str, dimension: Dimension) -> Any:
        if isinstance(dimension, Choice):
            return dimension.values[dimension.labels.index(params[key])]
        return params[key]

    return space.recipe(recipe, draw)


def readable(value: Any) -> str:
    """A parameter as it stands in a table."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
