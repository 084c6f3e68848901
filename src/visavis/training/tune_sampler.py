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


NEAR = 0.1
"""The share of trials that TPE draws near to."""

Make = Callable[[int, bool], optuna.samplers.BaseSampler]
"""A trial's sampler, by its number and by whether so many are trained as it draws near to."""


def sampler_for(name: str, space: Space, seed: int) -> Make:
    """What makes the sampler of each trial.

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

    def make(number: int, enough: bool) -> optuna.samplers.BaseSampler:
        own = int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest())
        if name == "tpe":
            if not enough:  # it would draw near to what cannot be built
                return optuna.samplers.RandomSampler(seed=own)
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

    def __init__(self, make: Make) -> None:
        self._make, self._sampler = make, make(0, False)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Seed."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        trained = sum(other.state == TrialState.COMPLETE for other in ended)
        self._sampler = self._make(trial.number, trained >= max(1.0, NEAR * len(ended)))
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
