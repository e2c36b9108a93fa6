"""Lift of arm `mia` over arm `control`, from the ledger and the lake."""

from collections.abc import Callable, Mapping

import duckdb
import numpy as np

from mia.domain.offer import Offer
from mia.errors import InvalidInput, NotEnoughData
from mia.ports import Ledger
from mia.services.lift.ledger import LedgerReader, Seen
from mia.services.lift.outcomes import Connected, Contacts, number_groups
from mia.services.lift.period import BY, Period, build_period, require_by
from mia.services.lift.population import Population, PopulationReader
from mia.uptake.growth import TOTAL
from mia.uptake.lift.measure import Scale, measure_groups, planned_per_group
from mia.uptake.lift.plan import Baseline, Design, Plan, build_plan
from mia.uptake.lift.result import GroupLift, LiftReport
from mia.uptake.lift.rules import LiftRules


class LiftMeter:
    """Measures lift and plans experiments. Safe to share between threads.

    `offers` gives every offer that ever was in a catalogue, by id.
    """

    def __init__(
        self,
        ledger: Ledger,
        population: PopulationReader,
        offers: Callable[[], Mapping[str, Offer]],
        connect: Callable[[], duckdb.DuckDBPyConnection],
        rules: LiftRules,
    ) -> None:
        self._reader, self._population = LedgerReader(ledger, connect), population
        self._offers, self._rules = offers, rules

    def report(
        self,
        by: str | None = None,
        start: str | None = None,
        end: str | None = None,
        baseline: str | None = None,
        aa: int | None = None,
    ) -> LiftReport:
        """Lift in a period, in all and by `by` (`region`, `macro_region`, `category`, `channel`).

        `start` and `end` are days or months, inclusive; `baseline` is the month that the index counts from. Defaults
        are those of `mia.services.lift.period.build_period`. With `aa`, a seed, arms are drawn anew whatever was shown,
        so that there is no effect to be found. Raises InvalidInput that names the parameter, and NotEnoughData without
        events or subscribers.
        """
        require_by(by)
        seen, population = self._read(aa)
        period = build_period(seen, self._rules, start, end, baseline)
        return self._measured(seen, population, period, by, aa)

    def plan(self, *, lift: float, days: int, power: float, share: float | None = None) -> Plan:
        """What an experiment on the subscribers of the lake would find, from how they connected lately.

        Lately is the `pre_days` days up to the newest event: of everybody before MIA's first decision, of arm control
        after it. `share` is that of control, by default the one of the settings. Raises InvalidInput.
        """
        share = self._population.arms.control_share if share is None else share
        if not 0 < share < 1:
            raise InvalidInput("must lie between 0 and 1", option="--share")
        seen, population = self._read(None)
        last = seen.last_day
        first = max(last - max(self._rules.pre_days, 1) + 1, seen.first_day)
        connected = Connected.build(seen, population, last, {})
        alike = np.ones(len(connected.control), bool) if seen.began is None else connected.control
        within = (connected.day >= first) & (connected.day <= last)
        found = np.bincount(connected.who[within], minlength=len(alike))[alike].astype(np.float64)
        if not found.sum():
            raise NotEnoughData("there are no connections to plan with")
        known = Baseline.of_counts(len(found), float(found.sum()), float((found**2).sum()), last - first + 1)
        control = round(share * len(alike))
        if not 0 < control < len(alike):
            raise InvalidInput(f"leaves one arm of {len(alike)} subscribers empty", option="--share")
        before = min(self._rules.pre_days, last - seen.first_day + 1)
        design = Design(control, len(alike) - control, known, before, self._rules)
        return build_plan(design, lift=lift, days=days, power=power)

    def _read(self, aa: int | None) -> tuple[Seen, Population]:
        seen = self._reader.read()
        if seen is None:
            raise NotEnoughData("the ledger holds no events; `mia ingest` loads them")
        population = self._population.read() if aa is None else self._population.redrawn(aa)
        if not len(population):
            raise NotEnoughData("the lake holds no subscribers; `mia ingest` loads them")
        return seen, population

    def _measured(
        self, seen: Seen, population: Population, period: Period, by: str | None, aa: int | None
    ) -> LiftReport:
        offers, rules, share = self._offers(), self._rules, self._population.arms.control_share
        connected = Connected.build(seen, population, period.end, offers)
        contacts = Contacts.build(seen, connected, period)
        reached = contacts.reached
        square = float(np.mean([offer.value**2 for offer in offers.values()])) if offers else 1.0
        whole = connected.outcomes(period, (TOTAL,), reached)
        (total,), _ = measure_groups(whole, Scale(rules.planned_connections, square), rules, share, pooled=False)
        groups: tuple[GroupLift, ...] = ()
        spread = None
        if by is not None:
            splits = BY[by]
            names, codes = number_groups(connected.people[by] if splits else connected.labels(by, offers))
            # Where nothing was connected there is nothing to group connections by.
            if names:
                whose = {"people": codes} if splits else {"rows": codes}
                outcomes = connected.outcomes(period, names, reached, **whose)
                scale = Scale(planned_per_group(rules, names, splits_subscribers=splits), square)
                groups, spread = measure_groups(outcomes, scale, rules, share, pooled=splits)
        crossed = contacts.crossed if aa is None else 0
        return LiftReport(
            by=by,
            start=period.start,
            end=period.end,
            began=seen.began,
            pre_start=period.pre_start,
            pre_end=period.pre_end,
            baseline=period.baseline,
            share=share,
            level=rules.level,
            aa=aa,
            total=total,
            groups=groups,
            spread=spread,
            crossed=crossed,
            crossed_share=crossed / contacts.seen if contacts.seen else 0.0,
            outside=connected.outside(period),
            unvalued=connected.unvalued(period, offers),
        )
