"""Why an offer was not shown: the figures behind each rule, in words."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from mia.domain.decision import Rule
from mia.domain.offer import Condition, Offer
from mia.domain.policy import CapScope
from mia.offers.conditions import holds
from mia.services.decide.taken import Taken
from mia.tables import REGION

Figures = Callable[[Taken, Offer], str]


def figures_of(rule: Rule, taken: Taken, offer: Offer) -> str:
    """The figures that a rule was judged by; empty for a rule that has none."""
    found = FIGURES.get(rule)
    return "" if found is None else found(taken, offer)


def _dates(taken: Taken, offer: Offer) -> str:
    first, last = offer.valid_from or "the beginning", offer.valid_to or "open end"
    return f"valid from {first} to {last}, asked for on {taken.moment.date()} local time"


def _channel(taken: Taken, offer: Offer) -> str:
    return f"for {_list(offer.channels)}, asked for on {taken.decision.request.channel}"


def _region(taken: Taken, offer: Offer) -> str:
    known = None if taken.profile is None else taken.profile.attributes.get(REGION)
    found = taken.decision.request.region if taken.profile is None else None if known is None else known[0]
    return f"for {_list(offer.regions)}, the subscriber is {f'of {found}' if found else 'of no known region'}"


def _conditions(taken: Taken, offer: Offer) -> str:
    profile = taken.profile
    if profile is None:
        return f"nothing is known of the subscriber, wanted: {_list(one.column for one in offer.eligible_if)}"

    def told(condition: Condition) -> str:
        values = profile.column(condition.column)
        value = None if values is None or values[0] is None or values[0] != values[0] else values[0]
        found = "not known" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        return f"{condition.column} {condition.op} {_bound(condition.value)} is wanted, it is {found}"

    return "; ".join(told(one) for one in offer.eligible_if if not holds(one, profile)[0])


def _requires(taken: Taken, offer: Offer) -> str:
    connected = _connected(taken)
    return f"needs {_list(one for one in offer.requires if not connected.get(one, False))}"


def _excludes(taken: Taken, offer: Offer) -> str:
    if not taken.history.is_known:
        return f"what is connected could not be read, and it excludes {_list(offer.excludes)}"
    connected = _connected(taken)
    return f"excludes {_list(one for one in offer.excludes if connected.get(one, False))}, which is connected"


def _per_subscriber(taken: Taken, offer: Offer) -> str:
    count = taken.history.connections[0, taken.live.table.places[offer.id]]
    return f"connected {count:,.0f} times, {offer.limits.per_subscriber:,} are allowed"


def _in_all(taken: Taken, offer: Offer) -> str:
    if not taken.history.is_known:
        return "how much of its budget is left could not be read"
    count = taken.history.total_connections[taken.live.table.places[offer.id]]
    return f"connected {count:,.0f} times by all, the budget is {offer.limits.total:,}"


def _consent(taken: Taken, _: Offer) -> str:
    return f"{taken.decision.request.channel} needs the consent of the subscriber, which is not known to be given"


def _quiet(taken: Taken, _: Offer) -> str:
    quiet = taken.live.eligibility.contact.quiet
    hours = (
        "" if quiet is None else " to ".join(f"{one // 60:02d}:{one % 60:02d}" for one in (quiet.begins, quiet.ends))
    )
    return f"asked for at {taken.moment:%H:%M} local time, quiet hours are {hours}"


def _declined(taken: Taken, offer: Offer) -> str:
    days = taken.history.days_since_decline[0, taken.live.table.places[offer.id]]
    return f"declined {days:.1f} days ago, it rests for {taken.live.eligibility.contact.after_decline_days}"


def _recently_connected(taken: Taken, offer: Offer) -> str:
    days = taken.history.days_since_connection[0, taken.live.table.places[offer.id]]
    return f"connected {days:.1f} days ago, it rests for {taken.live.eligibility.contact.after_connection_days}"


def _unanswered(taken: Taken, offer: Offer) -> str:
    place, rule = taken.live.table.places[offer.id], taken.live.eligibility.contact.unanswered
    count, days = taken.history.unanswered[0, place], taken.history.days_since_unanswered[0, place]
    rest = "" if rule is None else f", it rests for {rule.rest_days}"
    return f"shown {count:,.0f} times without an answer, last {days:.1f} days ago{rest}"


def _capped(scope: CapScope) -> Figures:
    def told(taken: Taken, offer: Offer) -> str:
        book, place = taken.live.eligibility.book, taken.live.table.places[offer.id]
        parts = []
        for cap, shown in zip(book.policy.caps, taken.history.shown, strict=True):
            counts = book.of_offers(cap, shown, taken.decision.request.channel) if cap.per is scope else None
            if counts is not None:
                count = counts[0, place if counts.shape[1] > 1 else 0]
                parts.append(f"shown {count:,.0f} times within {cap.within_days} days, the cap is {cap.at_most}")
        return "; ".join(parts)

    return told


def _rank(taken: Taken, offer: Offer) -> str:
    answer, live = taken.answer, taken.live
    ids = [live.catalogue.offers[place].id for place in answer.passed.tolist()]
    worth, acceptance = (dict(zip(ids, values.tolist(), strict=True)) for values in _merits(taken))
    order = [ids[place] for place in answer.prospects.greedy.tolist()]
    last = answer.offers[-1].offer_id

    def told(offer_id: str) -> str:
        return f"{worth[offer_id]:.4g} (acceptance {acceptance[offer_id]:.4g})"

    drawn = ", in an order that was drawn by chance" if answer.explored else ""
    return (
        f"number {order.index(offer.id) + 1} of {len(order)} by its score of {told(offer.id)}, while the last of the "
        f"{len(answer.offers)} shown{drawn}, {last}, has {told(last)}"
    )


def _merits(taken: Taken) -> tuple[np.ndarray, np.ndarray]:
    return taken.answer.prospects.worth, taken.answer.prospects.acceptance


def _connected(taken: Taken) -> Mapping[str, bool]:
    return dict(zip(taken.live.table.places, taken.history.connected[0].tolist(), strict=True))


def _bound(value: object) -> str:
    return _list(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


FIGURES: Mapping[Rule, Figures] = {
    Rule.NOT_YET_VALID: _dates,
    Rule.EXPIRED: _dates,
    Rule.CHANNEL: _channel,
    Rule.REGION: _region,
    Rule.CONDITION: _conditions,
    Rule.REQUIRES: _requires,
    Rule.EXCLUDES: _excludes,
    Rule.SUBSCRIBER_LIMIT: _per_subscriber,
    Rule.TOTAL_LIMIT: _in_all,
    Rule.CONSENT: _consent,
    Rule.QUIET_HOURS: _quiet,
    Rule.DECLINED: _declined,
    Rule.RECENTLY_CONNECTED: _recently_connected,
    Rule.UNANSWERED: _unanswered,
    Rule.SEEN_TOO_OFTEN: _capped(CapScope.OFFER),
    Rule.CATEGORY_CAP: _capped(CapScope.CATEGORY),
    Rule.CHANNEL_CAP: _capped(CapScope.CHANNEL),
    Rule.TOTAL_CAP: _capped(CapScope.ALL),
    Rule.RANK: _rank,
}
