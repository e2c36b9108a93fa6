"""Discounts given to those who would have connected anyway, estimated from connections that nobody asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Floats, Ints
from mia.tables import KIND, OCCURRED_AT, OFFER_ID, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS


@dataclass(frozen=True, slots=True)
class GivenAnyway:
    """Of `connections` of discounted offers after an impression, `anyway` would have come without it, and their
    discounts cost `cost` in currency units; `organic` connections came without an impression. `share` is
    anyway / connections, None without connections.
    """

    connections: int
    organic: int
    anyway: float
    share: float | None
    cost: float


def estimate_given_anyway(
    events: pa.Table, costs: Mapping[str, float], *, attribution_days: int, since: int, until: int
) -> GivenAnyway:
    """The cost of discounts that changed nothing, over [since, until) in microseconds.

    `events` are the ledger's; `costs` holds price x discount of each discounted offer, in currency units. For offer o
    a subscriber is *covered* on the days that follow one of its impressions by less than the attribution window, and
    uncovered on all others. With C(o) covered and U(o) uncovered subscriber-days of the S subscribers that were shown
    anything, n(o) connections on covered days and g(o) organic ones, those on uncovered days:

        anyway(o) = min(n(o), C(o) g(o) / U(o))         cost = sum over o of anyway(o) price(o) discount(o)

    That is, who was shown the offer would have connected it at the daily rate of those who were not. Where impressions
    go to the more willing, the true cost is higher.
    """
    offers = pa.array(list(costs), pa.string())
    known = events.filter(pc.less(events[OCCURRED_AT], until))
    shown = known.filter(pc.equal(known[KIND], "impression"))
    people = pc.unique(shown.filter(pc.greater_equal(shown[OCCURRED_AT], since))[SUBSCRIBER_ID])
    window = attribution_days * DAY
    pair, at = _keys(shown, people, offers)
    later = at >= since - window
    pair, at = pair[later], at[later]
    covered = _covered(pair, at, window, since, until)
    days = np.bincount(pair % max(len(offers), 1), covered, len(offers)) / DAY
    bought, bought_at = _keys(known.filter(pc.equal(known[KIND], "connection")), people, offers)
    inside = bought_at >= since
    bought, bought_at = bought[inside], bought_at[inside]
    after = _is_covered(pair, at, bought, bought_at, window)
    offer = bought % max(len(offers), 1)
    asked, organic = (np.bincount(offer[which], minlength=len(offers)) for which in (after, ~after))
    uncovered = np.maximum(len(people) * (until - since) / DAY - days, 0.0)
    rate: Floats = np.zeros(len(offers))
    np.divide(organic, uncovered, out=rate, where=uncovered > 0)
    anyway = np.minimum(days * rate, asked)
    return GivenAnyway(
        int(asked.sum()),
        int(organic.sum()),
        float(anyway.sum()),
        float(anyway.sum() / asked.sum()) if asked.any() else None,
        float(anyway @ np.asarray(list(costs.values()), float)),
    )


def _keys(events: pa.Table, people: pa.Array, offers: pa.Array) -> tuple[Ints, Ints]:
    """Number of the (subscriber, offer) pair and time of each event of these people and offers, by pair and time."""
    who, what = pc.index_in(events[SUBSCRIBER_ID], people), pc.index_in(events[OFFER_ID], offers)
    kept = events.filter(pc.and_(pc.is_valid(who), pc.is_valid(what)))
    place = pc.index_in(kept[SUBSCRIBER_ID], people).to_numpy().astype(np.int64)
    pair = place * len(offers) + pc.index_in(kept[OFFER_ID], offers).to_numpy()
    at = kept[OCCURRED_AT].to_numpy().astype(np.int64)
    order = np.lexsort((at, pair))
    return pair[order], at[order]


def _covered(pair: Ints, at: Ints, window: int, since: int, until: int) -> Ints:
    """Microseconds inside [since, until) that each impression covers until the next one of its pair takes over."""
    last = np.append(pair[1:] != pair[:-1], True)[: len(pair)]
    following = np.where(last, until, np.append(at[1:], until)[: len(at)])
    end = np.minimum(np.minimum(at + window, following), until)
    return np.asarray(np.maximum(end - np.maximum(at, since), 0))


def _is_covered(pair: Ints, at: Ints, bought: Ints, bought_at: Ints, window: int) -> np.ndarray:
    """Whether each connection follows the latest impression of its pair within the window."""
    if not len(pair):
        return np.zeros(len(bought), bool)
    together = np.concatenate([pair, bought])
    moment, is_bought = np.concatenate([at, bought_at]), np.repeat([0, 1], [len(pair), len(bought)])
    order = np.lexsort((is_bought, moment, together))
    # Of all events by pair and time, the place of the latest impression at or before each.
    latest = np.maximum.accumulate(np.where(is_bought[order] == 0, np.arange(len(order)), -1))
    before = order[np.maximum(latest, 0)]
    covered = (latest >= 0) & (together[before] == together[order]) & (moment[order] - moment[before] <= window)
    answer = np.empty(len(order), bool)
    answer[order] = covered
    return answer[len(pair) :]
