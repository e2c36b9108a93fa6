"""What counts of a subscriber when a decision is taken, read in one statement; and whether it still holds."""

from collections.abc import Sequence

import orjson

from mia.domain.event import EventKind, Response
from mia.domain.past import Past
from mia.storage.ledger.raw import Raw
from mia.timeline import DAY_SECONDS, MICROSECONDS

LONGEST_RESERVATION = DAY_SECONDS * MICROSECONDS
"""No decision keeps its places for longer, so only the newest partitions need be looked at."""
_END = 2**63 - 1

_PAST = """
SELECT 0, coalesce(max(seq), 0), NULL, NULL, 0, NULL, NULL, NULL FROM events
UNION ALL
SELECT 1, seq, kind, offer_id, occurred_at, decision_id, event_id, channel
FROM events WHERE subscriber_id = ? AND seq <= ?
UNION ALL
SELECT 2, seq, NULL, shown, decided_at, decision_id, NULL, channel
FROM decisions WHERE subscriber_id = ? AND seq <= ? AND decided_at > ? AND reserved_until > ?
"""
_STALE_SQLITE = """
SELECT asked.key FROM json_each(?) AS asked
WHERE EXISTS (
    SELECT 1 FROM events
    WHERE subscriber_id = json_extract(asked.value, '$[0]') AND seq > json_extract(asked.value, '$[1]')
) OR EXISTS (
    SELECT 1 FROM decisions
    WHERE subscriber_id = json_extract(asked.value, '$[0]') AND seq > json_extract(asked.value, '$[2]')
    AND decided_at > ? AND reserved_until > json_extract(asked.value, '$[3]')
)
"""
_STALE_POSTGRES = """
SELECT asked.place - 1
FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::bigint[])
    WITH ORDINALITY AS asked(subscriber_id, position, decision_position, at, place)
WHERE EXISTS (
    SELECT 1 FROM events WHERE events.subscriber_id = asked.subscriber_id AND events.seq > asked.position
) OR EXISTS (
    SELECT 1 FROM decisions
    WHERE decisions.subscriber_id = asked.subscriber_id AND decisions.seq > asked.decision_position
    AND decisions.decided_at > ? AND decisions.reserved_until > asked.at
)
"""


def past_of(raw: Raw, subscriber_id: str, *, at: int, upto: tuple[int, int] | None = None) -> Past:
    """Events and reserved places of a subscriber as of now, or as of two positions; budgets are not looked at."""
    events, decisions = upto or (_END, _END)
    since = at - LONGEST_RESERVATION
    rows = raw.rows(_PAST, (subscriber_id, events, subscriber_id, decisions, since, at))
    position = events if upto else 0
    newest = decisions if upto else 0
    happened: list[tuple[int, str, Response]] = []
    confirmed: set[tuple[str, str]] = set()
    kept: list[tuple[int, int, str, str, str]] = []
    for what, seq, kind, text, when, decision_id, event_id, channel in rows:
        if what == 1:
            happened.append((when, event_id, Response(text, EventKind(kind), when, channel)))
            if kind == EventKind.IMPRESSION and decision_id is not None:
                confirmed.add((decision_id, text))
        elif what == 2:
            kept.append((when, seq, decision_id, text, channel))
            newest = newest if upto else max(newest, seq)
        elif not upto:
            position = seq
    # By time and then by id; responses themselves have no order.
    happened.sort(key=lambda one: one[:2])
    kept.sort()
    reserved = tuple(
        Response(offer_id, EventKind.IMPRESSION, when, channel)
        for when, _, decision_id, shown, channel in kept
        for offer_id in orjson.loads(shown)
        if (decision_id, offer_id) not in confirmed
    )
    return Past(position, newest, tuple(one[2] for one in happened), reserved)


def overtaken(raw: Raw, asked: Sequence[tuple[str, int, int, int]]) -> set[int]:
    """Places of those (subscriber, event position, decision position, at) that something newer counts against."""
    if not asked:
        return set()
    since = min(one[3] for one in asked) - LONGEST_RESERVATION
    if raw.postgres:
        found = raw.rows(_STALE_POSTGRES, (*map(list, zip(*asked, strict=True)), since))
    else:
        found = raw.rows(_STALE_SQLITE, (orjson.dumps(asked).decode(), since))
    return {row[0] for row in found}
