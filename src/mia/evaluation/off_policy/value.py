"""The value of a policy by every estimator, with intervals over subscribers and what the log has to say about it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np

from mia.errors import NotEnoughData
from mia.evaluation.intervals import Estimate, bootstrap_sums
from mia.evaluation.off_policy.estimators import Estimator
from mia.evaluation.off_policy.logged import Logged, Target
from mia.evaluation.off_policy.overlap import Overlap, overlap_of
from mia.evaluation.off_policy.tuning import chosen_estimators
from mia.frames import Floats

ESTIMATES = ("ips", "snips", "dm", "dr", "switch_dr", "dr_os")


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """Value a slate under a policy, by the name of the estimator: connections, and margin in currency units."""

    connections: Mapping[str, Estimate]
    margin: Mapping[str, Estimate]
    overlap: Overlap

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form: one key an estimator of connections, one a diagnostic, and `margin`."""
        return {
            **{name: asdict(estimate) for name, estimate in self.connections.items()},
            **asdict(self.overlap),
            "margin": {name: asdict(estimate) for name, estimate in self.margin.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; of the few figures that older evaluations kept, those."""
        unknown = Estimate(np.nan, np.nan, np.nan)
        return cls(
            _estimates(data),
            _estimates(data.get("margin", {})),
            Overlap(
                data.get("rows", 0),
                data["effective_size"],
                data["matched"],
                _estimate(data["support"]) if "support" in data else unknown,
                _number(data.get("heaviest")),
                data.get("answers", 0),
            ),
        )


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """Value of a policy in first place and, where the log has more places, over whole slates."""

    first: OffPolicy
    slate: OffPolicy | None

    def to_json(self) -> dict[str, Any]:
        """The form of the first place, and `slate`."""
        return {**self.first.to_json(), "slate": None if self.slate is None else self.slate.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        slate = data.get("slate")
        return cls(OffPolicy.from_json(data), None if slate is None else OffPolicy.from_json(slate))


def estimate_value(
    log: Logged, target: Target, margin: Floats, gain: Target, *, draws: int = 1_000, seed: int = 7
) -> OffPolicy:
    """Value of a policy: connections from the log's rewards, money from `margin` (R), the margin of what was earned.

    `gain` is the target with the modelled margins instead of the modelled connections. Raises NotEnoughData when no
    logged choice could be the policy's.
    """
    if not (target.chance > 0).any():
        raise NotEnoughData("the log holds no impression that this policy would have made too")
    return OffPolicy(
        estimates_of(log, target, draws=draws, seed=seed),
        estimates_of(replace(log, reward=margin), gain, draws=draws, seed=seed),
        overlap_of(log, target, seed=seed),
    )


def estimates_of(log: Logged, target: Target, *, draws: int = 1_000, seed: int = 7) -> dict[str, Estimate]:
    """Every estimator with its 95 % interval, by resampling whole subscribers, all on the same resamples."""
    estimators = chosen_estimators(log, target)
    columns = [estimator.columns(log, target) for estimator in estimators]
    ends = np.cumsum([block.shape[1] for block in columns])
    slices = [slice(end - block.shape[1], end) for block, end in zip(columns, ends, strict=True)]
    return bootstrap_sums(
        np.concatenate(columns, axis=1),
        {estimator.name: partial(_value, estimator, mine) for estimator, mine in zip(estimators, slices, strict=True)},
        log.cluster,
        draws=draws,
        seed=seed,
    )


def _value(estimator: Estimator, mine: slice, sums: Floats) -> Floats:
    return estimator.value(sums[..., mine])


def _estimates(data: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: _estimate(data[name]) for name in ESTIMATES if name in data}


def _estimate(data: Mapping[str, float | None]) -> Estimate:
    return Estimate(*(_number(data[name]) for name in ("value", "low", "high")))


def _number(value: float | None) -> float:
    """JSON knows no NaN: what could not be estimated was kept as null."""
    return np.nan if value is None else value
