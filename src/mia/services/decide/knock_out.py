"""Knock-out: how the ranking would change without each factor of arbitration."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mia.domain.decision import DecisionRequest
from mia.domain.policy import Factor
from mia.errors import NotEnoughData
from mia.frames import Floats, Ints
from mia.ports import Ledger
from mia.ranking.arbitration import Arbitration, greedy_order
from mia.services.decide.maker import DecisionMaker
from mia.services.decide.rehearsal import Rehearsal
from mia.services.decide.weigh import Weighed
from mia.tables import DECIDED_AT, DECISION_ID

TOP = 3
MOST = 500
DECISIONS, SUBSCRIBERS = "logged decisions", "subscribers"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Lost:
    """What became of the rankings without one factor; `is_on` says whether the policy has it at all.

    `top_changed` and `top_3_changed` are the shares of requests whose best offer, or whose set of the best three, is
    another; `displacement` is how many places an offer moves on average; `margin_lost` is what the best three of a
    request were expected to earn more than those that take their place (currency units, negative where it is less),
    and `margin_share` the same as a share of it.
    """

    factor: str
    is_on: bool
    top_changed: float
    top_3_changed: float
    displacement: float
    margin_lost: float
    margin_share: float


@dataclass(frozen=True, slots=True)
class Knocked:
    """The factors over some requests of a `source`; `empty` more had no offer to rank."""

    version: str
    policy: str
    source: str
    requests: int
    empty: int
    factors: tuple[Lost, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class KnockOut:
    """Ranks requests anew, each with what the ledger held at its positions, nothing stored and nothing by chance."""

    maker: DecisionMaker
    source: str
    requests: Sequence[tuple[DecisionRequest, tuple[int, int] | None]]

    @classmethod
    def build(cls, maker: DecisionMaker, ledger: Ledger, most: int = MOST) -> "KnockOut":
        """With the requests of at most so many logged decisions, evenly spread over time; where there is none, with
        subscribers of the ledger just after its newest event. Raises NotEnoughData for an empty ledger.
        """
        known = ledger.decision_contexts().select([DECISION_ID, DECIDED_AT]).sort_by([(DECIDED_AT, "ascending")])
        if len(known):
            chosen = np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).astype(np.int64))
            found = [ledger.decision(one) for one in known[DECISION_ID].take(chosen).to_pylist()]
            return cls(maker, DECISIONS, [(one.request, (one.ledger_position, one.decision_position)) for one in found])
        rehearsal = Rehearsal.build(maker, ledger, most)
        return cls(maker, SUBSCRIBERS, [(request, None) for request in rehearsal.requests()])

    def run(self, progress: Progress | None = None) -> Knocked:
        """The ranking of every request with all factors that are on, and without each of them."""
        rows: list[list[tuple[float, float, float, float]]] = []
        earned, empty = 0.0, 0
        live = self.maker.live
        for done, (request, positions) in enumerate(self.requests, start=1):
            weighed = self.maker.weigh(request, positions)
            if len(weighed.passed):
                margin = weighed.acceptance * live.table.value[weighed.passed]
                whole = self._order(weighed, request, live.arbitration)
                earned += float(margin[whole[:TOP]].sum())
                others = [self._order(weighed, request, live.arbitration.without(factor)) for factor in Factor]
                rows.append([compare_orders(whole, other, margin) for other in others])
            else:
                empty += 1
            if progress:
                progress("ranking without each factor", done, len(self.requests))
        if not rows:
            raise NotEnoughData("no request had an offer to rank, so no factor can be knocked out")
        means, mean = np.asarray(rows).mean(axis=0), earned / len(rows) or 1.0
        return Knocked(
            str(self.maker.model_version),
            live.versions.policy,
            self.source,
            len(rows),
            empty,
            tuple(
                Lost(str(factor), factor in live.arbitration.factors, top, three, moved, lost, lost / mean)
                for factor, (top, three, moved, lost) in zip(Factor, means.tolist(), strict=True)
            ),
        )

    def _order(self, weighed: Weighed, request: DecisionRequest, arbitration: Arbitration) -> Ints:
        """Places of the candidates, mandatory ones first, then by what arbitration makes of them."""
        merit = weighed.objective.merit(weighed.acceptance, weighed.worth(arbitration, request))
        order = greedy_order(merit, weighed.acceptance)
        first = self.maker.live.eligibility.mandatory[weighed.passed][order]
        return np.concatenate([order[first], order[~first]])


def compare_orders(whole: Ints, other: Ints, margin: Floats) -> tuple[float, float, float, float]:
    """Whether the first and the set of the first three differ (0 or 1), how far an offer moves on average, and what the
    first three of `whole` earn more than those of `other`. Orders and `margin` are of n offers.

    >>> compare_orders(np.asarray([0, 1, 2, 3]), np.asarray([0, 1, 3, 2]), np.asarray([4.0, 3.0, 2.0, 0.5]))
    (0.0, 1.0, 0.5, 1.5)
    """
    before, after = np.argsort(whole), np.argsort(other)
    return (
        float(whole[0] != other[0]),
        float(set(whole[:TOP].tolist()) != set(other[:TOP].tolist())),
        float(np.abs(before - after).mean()),
        float(margin[whole[:TOP]].sum() - margin[other[:TOP]].sum()),
    )
