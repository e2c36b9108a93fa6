"""From the outcomes of subscribers to lift by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mia.domain.subscriber import Arm
from mia.frames import Floats, Ints
from mia.uptake.lift import looks
from mia.uptake.lift.balance import check_balance
from mia.uptake.lift.effect import NOWHERE, Effect, Effects, Interval
from mia.uptake.lift.moments import CONTROL, MIA, Moments
from mia.uptake.lift.pooling import Pooled, pool
from mia.uptake.lift.result import ArmFigures, GroupLift, Incremental, PooledEffect
from mia.uptake.lift.rules import LiftRules


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was counted in g groups: moments of connections and of value (g x 2), subscribers reached (g x 2) and
    connections up to the end of the baseline (g).
    """

    groups: tuple[str | None, ...]
    connections: Moments
    value: Moments
    reached: Ints
    before: Ints


@dataclass(frozen=True, slots=True)
class Scale:
    """What intervals are tuned to, fixed before anything is measured: `planned` connections per subscriber and group,
    and the mean `square` of what a connection is worth.
    """

    planned: float
    square: float


def measure_groups(
    outcomes: Outcomes, scale: Scale, rules: LiftRules, share: float, *, pooled: bool
) -> tuple[tuple[GroupLift, ...], float | None]:
    """Lift of every group, and the standard deviation between them where they are pooled; `share` is control's."""
    alpha, moments = rules.alpha, outcomes.connections
    thin = moments.y.min(-1) < rules.minimum_connections
    clock = looks.planned_variance(moments.n, scale.planned)
    connections = Effects.estimate(moments, clock, alpha, thin)
    value = Effects.estimate(outcomes.value, clock * scale.square, alpha, thin)
    drawn = pool(connections.found.difference, _steady_variance(connections, moments), alpha) if pooled else None
    groups = tuple(
        _group(
            outcomes, place, connections.of_group(place), value.of_group(place), drawn, share, rules.minimum_connections
        )
        for place in range(len(outcomes.groups))
    )
    return groups, None if drawn is None else drawn.spread


def planned_per_group(rules: LiftRules, groups: Sequence[str | None], *, splits_subscribers: bool) -> float:
    """Planned connections per subscriber in one group; where groups split connections each has its part of them."""
    return rules.planned_connections / (1 if splits_subscribers else max(len(groups), 1))


def _steady_variance(effects: Effects, moments: Moments) -> Floats:
    """Variance of each group's difference that does not hang on its own few connections.

    The variance of an arm over all groups is scaled to the group's rate, which counts one average subscriber's
    connections beside its own: a thin region without any connection knows little, it is not sure of nothing.
    """
    every = Moments(*(getattr(moments, name).sum(0) for name in Moments.__slots__))
    rate = every.y.sum() / max(every.n.sum(), 1)
    if rate == 0:
        return np.full(len(moments.n), np.inf)
    expected = moments.n.sum(-1) * rate
    factor = (moments.y.sum(-1) + 1) / (expected + 1)
    kept = 1 - float(np.average(effects.found.removed, weights=moments.n.sum(-1)))
    arms = np.where(moments.n > 0, every.variance / np.maximum(moments.n, 1), np.inf)
    return np.asarray(arms.sum(-1) * factor * max(kept, 0.0))


def _group(
    outcomes: Outcomes,
    place: int,
    connections: Effect,
    value: Effect,
    drawn: Pooled | None,
    share: float,
    fewest: int,
) -> GroupLift:
    sizes = outcomes.connections.n[place].astype(np.int64)
    reached = outcomes.reached[place]
    figures = {
        arm.value: ArmFigures(
            int(sizes[code]),
            int(reached[code]),
            round(float(outcomes.connections.y[place, code])),
            float(outcomes.value.y[place, code]),
        )
        for arm, code in ((Arm.CONTROL, CONTROL), (Arm.MIA, MIA))
    }
    pooled = None
    if drawn is not None:
        interval = Interval(float(drawn.low[place]), float(drawn.high[place]))
        pooled = PooledEffect(float(drawn.difference[place]), interval)
    every = sum(figure.connections for figure in figures.values())
    return GroupLift(
        outcomes.groups[place],
        figures,
        connections,
        value,
        pooled,
        _incremental(connections, int(sizes[MIA]), int(outcomes.before[place]), every, fewest),
        check_balance(int(sizes[CONTROL]), int(sizes[MIA]), share),
        check_balance(int(reached[CONTROL]), int(reached[MIA]), share),
        min(figure.connections for figure in figures.values()) < fewest,
    )


def _incremental(effect: Effect, subscribers: int, before: int, every: int, fewest: int) -> Incremental:
    interval, anytime = effect.interval.scaled(subscribers), effect.anytime_interval.scaled(subscribers)
    caused = effect.difference * subscribers
    if before < fewest:
        return Incremental(caused, interval, anytime, before, None, NOWHERE, NOWHERE, None)
    return Incremental(
        caused,
        interval,
        anytime,
        before,
        1 + caused / before,
        interval.scaled(1 / before, 1.0),
        anytime.scaled(1 / before, 1.0),
        1 + every / before,
    )


def cells_of(group: Ints, control: NDArray[np.bool_]) -> Ints:
    """Places `2 * group + arm` of subscribers, for `gather_moments`."""
    return np.asarray(2 * group + np.where(control, CONTROL, MIA), np.int64)
