"""How the trials of a tuning are drawn."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from visavis.errors import DataError
from visavis.training.space import Space

SAMPLERS = ("tpe", "gp")


def sampler_for(name: str, space: Space, seed: int) -> Callable[[int], optuna.samplers.BaseSampler]:
    """What makes the sampler of each trial, by its number.

    Raises:
        DataError: an unknown name, or a space that is not the same for all trials where the
            sampler needs one.
    """
    if name not in SAMPLERS:
        raise DataError(f"there is no sampler {name}; there are: {', '.join(SAMPLERS)}")
    if name == "gp" and space.varies:
        raise DataError(
            f"{space.origin} draws some keys in some trials only, which a Gaussian process cannot "
            "compare; take --sampler tpe"
        )

    def make(number: int) -> optuna.samplers.BaseSampler:
        own = int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest())
        if name == "tpe":
            return optuna.samplers.TPESampler(seed=own)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.GPSampler(seed=own, warn_independent_sampling=False)

    return make


class PerTrial(optuna.samplers.BaseSampler):
    """A sampler seeded anew for each trial, by the trial's number.

    So workers that begin at once do not draw alike, and one that was killed draws what it would
    have drawn.
    """

    def __init__(self, make: Callable[[int], optuna.samplers.BaseSampler]) -> None:
        self._make, self._sampler = make, make(0)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Seed."""
        self._sampler = self._make(trial.number)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the sampler does."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler does."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the sampler does."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """As the sampler does."""
        self._sampler.after_trial(study, trial, state, values)
