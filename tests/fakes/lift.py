"""Lift as the dashboard gets it: a made-up experiment, measured by the real formulas."""

import numpy as np

from mia.errors import InvalidInput, NotEnoughData
from mia.timeline import month_number, month_start
from mia.uptake.growth import TOTAL
from mia.uptake.lift.measure import Outcomes, Scale, measure_groups
from mia.uptake.lift.moments import gather_moments, stack_moments
from mia.uptake.lift.result import LiftReport
from mia.uptake.lift.rules import LiftRules

RULES = LiftRules(planned_connections=0.2)
SHARE = 0.1
GROUPS = {
    "macro_region": ("Centre", "South", "Urals", "Volga"),
    "region": ("Kurgan", "Rostov"),
    "category": ("data", "music"),
    "channel": ("app", "call_centre"),
}


def lift_report(by: str | None, *, seed: int = 7) -> LiftReport:
    """Subscribers of arm mia connect a third more than those of control; the last group is too thin for an interval."""
    chance = np.random.default_rng(seed)
    names = GROUPS[by] if by is not None else ()
    sizes = [6_000 * (place + 2) for place in range(len(names))]
    if sizes:
        sizes[-1] = 120
    total, *parts = [
        gather_moments(
            arms.astype(np.int64), 1, chance.poisson(0.3 + 0.1 * arms).astype(float), chance.poisson(0.3, size) * 1.0
        )
        for size in (40_000, *sizes)
        for arms in [chance.random(size) >= SHARE]
    ]

    def groups(names, moments):
        reached = (moments.n * 0.8).astype(np.int64)
        outcomes = Outcomes(tuple(names), moments, moments, reached, moments.y.sum(-1).astype(np.int64) * 2)
        return measure_groups(outcomes, Scale(0.2, 1.0), RULES, SHARE, pooled=len(names) > 1)

    (whole,), _ = groups((TOTAL,), total)
    found, spread = groups(names, stack_moments(parts)) if parts else ((), None)
    start, end = month_start(month_number("2021-03")), month_start(month_number("2021-07")) - 1
    return LiftReport(
        by=by,
        start=start,
        end=end,
        began=start,
        pre_start=start - 90,
        pre_end=start,
        baseline=start - 1,
        share=SHARE,
        level=RULES.level,
        aa=None,
        total=whole,
        groups=found,
        spread=spread,
        crossed=0,
        crossed_share=0.0,
        outside=0,
        unvalued=0,
    )


class FakeLift:
    """Always the same experiment; raises what `trouble` says."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.asked: list[tuple] = []

    def report(self, by=None, start=None, end=None, baseline=None, aa=None) -> LiftReport:
        self.asked.append((by, start, end, baseline, aa))
        if self.trouble is not None:
            raise NotEnoughData(self.trouble)
        if start is not None and end is not None and start > end:
            raise InvalidInput(f"must not be later than {end}", parameter="from")
        return lift_report(by)
