"""The value of a policy by every estimator, with intervals over subscribers and what the log has to say about it."""

from collections.abc import Callable, Mapping
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

DRAWS = 500
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
    log: Logged, target: Target, margin: Floats, gain: Target, *, draws: int = DRAWS, seed: int = 7
) -> OffPolicy:
    """Value of a policy: connections from the log's rewards, money from `margin` (R), the margin of what was earned.

    `gain` is the target with the modelled margins instead of the modelled connections. Intervals are those of whole
    subscribers drawn again, all figures on the same resamples. Raises NotEnoughData when no logged choice could be the
    policy's.
    """
    if not (target.chance > 0).any():
        raise NotEnoughData("the log holds no impression that this policy would have made too")
    connections, money = _Sums.build(log, target), _Sums.build(replace(log, reward=margin), gain)
    weights = np.column_stack([target.weight(log), np.ones(len(log))])
    columns = np.concatenate([connections.columns, money.columns, weights], axis=1)
    ends = np.cumsum([connections.columns.shape[1], money.columns.shape[1]])
    found = bootstrap_sums(
        columns,
        {
            **{("connections", name): value for name, value in connections.statistics(0).items()},
            **{("margin", name): value for name, value in money.statistics(int(ends[0])).items()},
            ("support", ""): partial(_mean, int(ends[1])),
        },
        log.cluster,
        draws=draws,
        seed=seed,
    )
    return OffPolicy(
        {name: found["connections", name] for name in connections.estimators},
        {name: found["margin", name] for name in money.estimators},
        overlap_of(log, target, found["support", ""]),
    )


def estimates_of(log: Logged, target: Target, *, draws: int = DRAWS, seed: int = 7) -> dict[str, Estimate]:
    """Every estimator of one reward, by name, with its 95 % interval."""
    sums = _Sums.build(log, target)
    return bootstrap_sums(sums.columns, sums.statistics(0), log.cluster, draws=draws, seed=seed)


@dataclass(frozen=True, slots=True)
class _Sums:
    """The columns of all estimators beside each other, and where each has its own."""

    columns: Floats
    estimators: Mapping[str, tuple[Estimator, int, int]]

    @classmethod
    def build(cls, log: Logged, target: Target) -> Self:
        estimators = chosen_estimators(log, target)
        blocks = [estimator.columns(log, target) for estimator in estimators]
        ends = np.cumsum([block.shape[1] for block in blocks])
        return cls(
            np.concatenate(blocks, axis=1),
            {
                estimator.name: (estimator, int(end) - block.shape[1], int(end))
                for estimator, block, end in zip(estimators, blocks, ends, strict=True)
            },
        )

    def statistics(self, start: int) -> dict[str, Callable[[Floats], Floats]]:
        """Each estimator as a function of the sums of columns that begin at `start`."""
        return {
            name: partial(_value, estimator, slice(start + first, start + end))
            for name, (estimator, first, end) in self.estimators.items()
        }


def _value(estimator: Estimator, mine: slice, sums: Floats) -> Floats:
    return estimator.value(sums[..., mine])


def _mean(start: int, sums: Floats) -> Floats:
    return np.asarray(sums[..., start] / sums[..., start + 1])


def _estimates(data: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: _estimate(data[name]) for name in ESTIMATES if name in data}


def _estimate(data: Mapping[str, float | None]) -> Estimate:
    return Estimate(*(_number(data[name]) for name in ("value", "low", "high")))


def _number(value: float | None) -> float:
    """JSON knows no NaN: what could not be estimated was kept as null."""
    return np.nan if value is None else value
