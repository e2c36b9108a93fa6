"""Score everyone: the best K offers of every subscriber as of a day, range by range, where the data is."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.domain.event import EventKind
from mia.domain.offer import Offer
from mia.domain.policy import Policy
from mia.errors import NotEnoughData
from mia.frames import Floats, Ints, Profiles
from mia.offers.consent import opted_out
from mia.offers.contact import events_that_count, histories_of
from mia.offers.eligibility import Eligibility
from mia.ports import ProfilePart
from mia.profiles.assemble import assemble_profiles
from mia.ranking.arbitration import Arbitration
from mia.ranking.history import OfferRates, build_history
from mia.ranking.local_time import weekday_of
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import WEEKDAY, Context, build_pairs
from mia.ranking.rankers.base import Ranker
from mia.tables import ACCEPTANCE, EXPECTED_VALUE, OFFER_ID, POSITION, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

CHUNK = 50_000
"""Pairs at once: many enough that the work between numbers does not count, few enough to stay near the processor."""
EVENTS = "events"
RESULT = pa.schema(
    [
        (SUBSCRIBER_ID, pa.string()),
        (POSITION, pa.int64()),
        (OFFER_ID, pa.string()),
        (ACCEPTANCE, pa.float64()),
        (EXPECTED_VALUE, pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class BestOffers:
    """Ranks all offers for some subscribers as of one day; it travels to wherever their profiles are.

    `totals` are the connections of each offer so far. Eligibility, caps, cooldowns and budgets hold; what asks for a
    channel or an hour (channel, consent, quiet hours, caps per channel) does not, since none is known. Who opted out of
    personalisation gets the popular order, and mandatory offers come first.
    `threads` are those of one call.
    """

    ranker: Ranker
    offers: tuple[Offer, ...]
    rates: OfferRates
    totals: Mapping[str, int]
    policy: Policy
    as_of: int
    k: int
    threads: int = 1

    @classmethod
    def build(
        cls,
        ranker: Ranker,
        offers: tuple[Offer, ...],
        events: pa.Table,
        learnt: pa.Table,
        policy: Policy,
        as_of: int,
        k: int,
        threads: int = 1,
    ) -> "BestOffers":
        """With the budgets that the events before `as_of` (00:00 UTC) used up, and the rates of offers that those to be
        learnt from tell; see the class for the rest.
        """
        table = OfferTable.build(offers)
        known = events.filter(pc.less_equal(events["occurred_at"], as_of * DAY_SECONDS * MICROSECONDS))
        taken = pc.value_counts(known.filter(pc.equal(known["kind"], str(EventKind.CONNECTION)))[OFFER_ID])
        rates = OfferRates.build(build_history(learnt, table, np.asarray([as_of], np.int64)), table)
        totals = dict(zip(taken.field("values").to_pylist(), taken.field("counts").to_pylist(), strict=True))
        return cls(ranker, offers, rates, totals, policy, as_of, k, threads)

    def __call__(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The best offers of the subscribers in the tables of `assemble_profiles` and their `events`."""
        parts = dict(tables)
        events = parts.pop(EVENTS)
        return self.rank(assemble_profiles(**parts), events)

    def rank(self, everyone: Profiles, events: pa.Table) -> pa.Table:
        """The best offers of these subscribers, whose events are among `events`, in the order of their rows."""
        table, eligibility = OfferTable.build(self.offers), Eligibility(self.offers, self.policy.contact)
        step = max(1, CHUNK // max(len(self.offers), 1))
        starts = np.arange(0, len(everyone), step)
        at = self.as_of * DAY_SECONDS * MICROSECONDS
        events = events_that_count(events, eligibility.book, at=at)
        owner = pc.index_in(events[SUBSCRIBER_ID], pa.array(everyone.subscriber_ids, pa.string()))
        owner = pc.fill_null(owner, len(everyone)).to_numpy()
        order = np.argsort(owner, kind="stable")
        mine = events.take(pa.array(order)).combine_chunks()
        bounds = np.searchsorted(owner[order], [*starts, len(everyone)]).tolist()

        def best(place: int) -> pa.Table:
            rows = np.arange(starts[place], min(starts[place] + step, len(everyone)))
            told = mine.slice(bounds[place], bounds[place + 1] - bounds[place])
            return self._rank(everyone.take(rows), told, table, eligibility, at)

        with ThreadPoolExecutor(self.threads) as pool:
            return pa.concat_tables([RESULT.empty_table(), *pool.map(best, range(len(starts)))])

    def _rank(
        self, people: Profiles, events: pa.Table, table: OfferTable, eligibility: Eligibility, at: int
    ) -> pa.Table:
        history = histories_of(events, people.subscriber_ids, eligibility.book, at=at, totals=self.totals)
        eligible = eligibility.check(people, history, channel=None, on=date_of(self.as_of))
        rows, cols = (found.astype(np.int64) for found in np.nonzero(eligible.passed))
        context = Context.constant(len(rows), None, numbers={WEEKDAY: weekday_of(self.as_of)})
        pairs = build_pairs(people, table, self.rates, rows, cols, context)
        acceptance = np.where(opted_out(people)[rows], self.rates.offer[-1][cols], self.ranker.score(pairs))
        worth = Arbitration.build(self.policy.arbitration, table).worth(acceptance, cols, None)
        merit, later = self.ranker.objective.merit(acceptance, worth), ~eligibility.mandatory[cols]
        sought = np.where(later, merit, np.inf)
        likely = np.flatnonzero(sought >= self._least(sought, rows, cols, eligible.passed.shape)[rows])
        order = likely[np.lexsort((cols[likely], -acceptance[likely], -merit[likely], later[likely], rows[likely]))]
        place = np.arange(len(order)) - np.searchsorted(rows[order], rows[order])
        best = order[place < self.k]
        offer_ids = np.asarray([offer.id for offer in self.offers], object)
        return pa.table(
            {
                SUBSCRIBER_ID: pa.array(people.subscriber_ids[rows[best]], pa.string()),
                POSITION: pa.array(place[place < self.k] + 1),
                OFFER_ID: pa.array(offer_ids[cols[best]], pa.string()),
                ACCEPTANCE: acceptance[best],
                EXPECTED_VALUE: worth[best],
            },
            schema=RESULT,
        )

    def _least(self, merit: Floats, rows: Ints, cols: Ints, shape: tuple[int, ...]) -> Floats:
        """The k-th best merit of each subscriber: only what reaches it has to be put in order."""
        people, offers = shape
        if self.k >= offers:
            return np.full(people, -np.inf)
        grid = np.full((people, offers), np.inf)
        grid[rows, cols] = -merit
        return np.asarray(-np.partition(grid, self.k - 1, axis=1)[:, self.k - 1])


def score_best(
    best: BestOffers,
    parts: Iterator[ProfilePart],
    events: pa.Table,
    *,
    between: Callable[[], Path],
    write: Callable[[pa.Table], None],
) -> int:
    """Score range by range of subscribers, each written as soon as it is done; returns the rows.

    `between` names a fresh folder for what an engine must lay down on the way. Rows come by subscriber_id and position.
    Raises NotEnoughData when there is none.
    """
    rows = 0
    for part in parts:
        mine = part.only(part.session.table(events))
        found = part.session.transform({**part.tables, EVENTS: mine}, best, between())
        write(found.sort_by([(SUBSCRIBER_ID, "ascending"), (POSITION, "ascending")]))
        rows += len(found)
    if not rows:
        raise NotEnoughData("no subscriber had been activated by that day, or no offer is left for anybody")
    return rows
