"""The rules once more, told one offer and one subscriber at a time: what watches the watchman.

`Eligibility` decides in masks over everybody. This is a second, literal reading of the same rules with nothing in
common but the domain types, for checks that what was shown could be shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mia.domain.decision import Rule
from mia.domain.event import EventKind, Response
from mia.domain.offer import Condition, Offer, Op
from mia.offers.contact import ContactPolicy
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS

COMPARE: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: lambda value, bound: bool(value == bound),
    Op.NE: lambda value, bound: bool(value != bound),
    Op.GT: lambda value, bound: bool(value > bound),
    Op.GE: lambda value, bound: bool(value >= bound),
    Op.LT: lambda value, bound: bool(value < bound),
    Op.LE: lambda value, bound: bool(value <= bound),
    Op.IN: lambda value, bound: value in bound,
    Op.NOT_IN: lambda value, bound: value not in bound,
    Op.BETWEEN: lambda value, bound: bool(bound[0] <= value <= bound[1]),
}
TRUE_OF_NOTHING = frozenset({Op.NE, Op.NOT_IN})


@dataclass(frozen=True, slots=True)
class Situation:
    """One subscriber at one moment: its columns (None or NaN where unknown), its past events in order of time, and the
    connections of each offer by anybody. `at` in microseconds, `on` its local day; `region` None when not known.
    """

    columns: Mapping[str, Any]
    region: str | None
    channel: str
    responses: Sequence[Response]
    totals: Mapping[str, int]
    at: int
    on: date


def broken_rules(offer: Offer, situation: Situation, contact: ContactPolicy) -> list[Rule]:
    """Every rule that forbids the offer here; empty when it may be shown."""
    return list(_broken(offer, situation, contact))


def _broken(offer: Offer, situation: Situation, contact: ContactPolicy) -> Iterator[Rule]:
    past = [one for one in situation.responses if one.occurred_at <= situation.at]
    mine = [one for one in past if one.offer_id == offer.id]
    connected = _connected(past)
    if offer.valid_from is not None and situation.on < offer.valid_from:
        yield Rule.NOT_YET_VALID
    if offer.valid_to is not None and situation.on > offer.valid_to:
        yield Rule.EXPIRED
    if offer.channels and situation.channel not in offer.channels:
        yield Rule.CHANNEL
    if offer.regions and situation.region not in offer.regions:
        yield Rule.REGION
    if not all(holds_of(condition, situation.columns.get(condition.column)) for condition in offer.eligible_if):
        yield Rule.CONDITION
    if offer.requires - connected:
        yield Rule.REQUIRES
    if offer.excludes & connected:
        yield Rule.EXCLUDES
    if offer.id in connected:
        yield Rule.CONNECTED
    most = offer.limits.per_subscriber
    if most is not None and _times_connected(mine) >= most:
        yield Rule.SUBSCRIBER_LIMIT
    if offer.limits.total is not None and situation.totals.get(offer.id, 0) >= offer.limits.total:
        yield Rule.TOTAL_LIMIT
    declines = [one.occurred_at for one in mine if one.kind is EventKind.DECLINE]
    if declines and situation.at - max(declines) < contact.decline_cooldown_days * DAY:
        yield Rule.DECLINED
    window = situation.at - contact.impression_window_days * DAY
    shown = [one for one in mine if one.kind is EventKind.IMPRESSION and one.occurred_at > window]
    if len(shown) >= contact.impression_cap:
        yield Rule.SEEN_TOO_OFTEN


def holds_of(condition: Condition, value: Any) -> bool:  # noqa: ANN401 - a column holds any type
    """Whether one condition holds of one value; None and NaN are missing."""
    missing = value is None or value != value
    if condition.op is Op.IS_NULL:
        return missing == bool(condition.value)
    if missing:
        return condition.op in TRUE_OF_NOTHING
    try:
        return COMPARE[condition.op](value, condition.value)
    except TypeError:  # text against a number: the condition does not hold
        return False


def _connected(past: Sequence[Response]) -> set[str]:
    state: dict[str, bool] = {}
    for one in past:
        if one.kind in (EventKind.CONNECTION, EventKind.DISCONNECTION):
            state[one.offer_id] = one.kind is EventKind.CONNECTION
    return {offer_id for offer_id, on in state.items() if on}


def _times_connected(mine: Sequence[Response]) -> int:
    times, on = 0, False
    for one in mine:
        if one.kind is EventKind.CONNECTION:
            times += not on
            on = True
        elif one.kind is EventKind.DISCONNECTION:
            on = False
    return times
