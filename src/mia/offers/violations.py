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
from mia.domain.policy import Cap, CapScope, ContactPolicy, Unanswered
from mia.tables import CONSENT_CHANNELS, CONSENT_SEPARATOR
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
CAP_RULES = {
    CapScope.OFFER: Rule.SEEN_TOO_OFTEN,
    CapScope.CATEGORY: Rule.CATEGORY_CAP,
    CapScope.CHANNEL: Rule.CHANNEL_CAP,
    CapScope.ALL: Rule.TOTAL_CAP,
}
ANSWERS = (EventKind.CLICK, EventKind.CONNECTION, EventKind.DECLINE)


@dataclass(frozen=True, slots=True)
class Situation:
    """One subscriber at one moment: its columns (None or NaN where unknown), its past events in order of time, and the
    connections of each offer by anybody. `at` in microseconds, `on` its local day and `minute` the local minute of it;
    `region` None when not known. `categories` are those of the offers, by id.
    """

    columns: Mapping[str, Any]
    region: str | None
    channel: str
    responses: Sequence[Response]
    totals: Mapping[str, int]
    at: int
    on: date
    minute: int
    categories: Mapping[str, str]


def broken_rules(offer: Offer, situation: Situation, contact: ContactPolicy) -> list[Rule]:
    """Every rule that forbids the offer here; empty when it may be shown."""
    past = [one for one in situation.responses if one.occurred_at <= situation.at]
    broken = [*_of_offer(offer, situation, past), *_of_channel(situation, contact)]
    if not offer.mandatory:
        broken += _of_contact(offer, situation, past, contact)
    return broken


def _of_offer(offer: Offer, situation: Situation, past: Sequence[Response]) -> Iterator[Rule]:
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
    if most is not None and _times_connected([one for one in past if one.offer_id == offer.id]) >= most:
        yield Rule.SUBSCRIBER_LIMIT
    if offer.limits.total is not None and situation.totals.get(offer.id, 0) >= offer.limits.total:
        yield Rule.TOTAL_LIMIT


def _of_channel(situation: Situation, contact: ContactPolicy) -> Iterator[Rule]:
    if situation.channel not in contact.outbound:
        return
    agreed = situation.columns.get(CONSENT_CHANNELS)
    if not isinstance(agreed, str) or situation.channel not in agreed.split(CONSENT_SEPARATOR):
        yield Rule.CONSENT
    if contact.quiet is not None and contact.quiet.hold(situation.minute):
        yield Rule.QUIET_HOURS


def _of_contact(offer: Offer, situation: Situation, past: Sequence[Response], contact: ContactPolicy) -> Iterator[Rule]:
    mine = [one for one in past if one.offer_id == offer.id]
    if _is_within(mine, situation.at, contact.after_decline_days, EventKind.DECLINE):
        yield Rule.DECLINED
    if _is_within(mine, situation.at, contact.after_connection_days, EventKind.CONNECTION):
        yield Rule.RECENTLY_CONNECTED
    if contact.unanswered is not None and _has_to_rest(mine, situation.at, contact.unanswered):
        yield Rule.UNANSWERED
    for cap in contact.caps:
        if _counted(offer, situation, past, cap) >= cap.at_most:
            yield CAP_RULES[cap.per]


def _is_within(mine: Sequence[Response], at: int, days: int, kind: EventKind) -> bool:
    return any(one.kind is kind and at - one.occurred_at < days * DAY for one in mine)


def _has_to_rest(mine: Sequence[Response], at: int, rule: Unanswered) -> bool:
    answered = max((one.occurred_at for one in mine if one.kind in ANSWERS), default=-1)
    ignored = [
        one.occurred_at
        for one in mine
        if one.kind is EventKind.IMPRESSION and one.occurred_at > max(answered, at - rule.within_days * DAY)
    ]
    return len(ignored) >= rule.impressions and at - max(ignored) < rule.rest_days * DAY


def _counted(offer: Offer, situation: Situation, past: Sequence[Response], cap: Cap) -> int:
    """Impressions that a cap counts against an offer."""
    alike: Callable[[Response], bool] = {
        CapScope.OFFER: lambda one: one.offer_id == offer.id,
        CapScope.CATEGORY: lambda one: situation.categories.get(one.offer_id) == offer.category,
        CapScope.CHANNEL: lambda one: one.channel == situation.channel,
        CapScope.ALL: lambda _: True,
    }[cap.per]
    since = situation.at - cap.within_days * DAY
    shown = [one for one in past if one.kind is EventKind.IMPRESSION and one.occurred_at > since]
    return sum(alike(one) for one in shown)


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
