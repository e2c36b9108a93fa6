"""What counts of subscribers when decisions are taken, read in one statement; and whether it still holds."""

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

import orjson

from mia.domain.event import EventKind, Response
from mia.domain.past import Past
from mia.storage.ledger.raw import Raw
from mia.timeline import DAY_SECONDS, MICROSECONDS

LONGEST_RESERVATION = DAY_SECONDS * MICROSECONDS
"""No decision keeps its places for longer, so only the newest partitions need be looked at."""
_END = 2**63 - 1
_KINDS = {str(kind): kind for kind in EventKind}
_SHOWN = str(EventKind.IMPRESSION)
_BY_TIME = itemgetter(0, 1)

_PASTS = """
WITH asked (place, subscriber_id, at) AS (VALUES {asked})
SELECT 0, 0, coalesce(max(seq), 0), NULL, NULL, 0, NULL, NULL, NULL FROM events
UNION ALL
SELECT 1, place, seq, kind, offer_id, occurred_at, decision_id, event_id, channel
FROM asked CROSS JOIN events WHERE events.subscriber_id = asked.subscriber_id AND seq <= ?
UNION ALL
SELECT 2, place, seq, NULL, shown, decided_at, decision_id, NULL, channel
FROM asked CROSS JOIN decisions
WHERE decisions.subscriber_id = asked.subscriber_id AND seq <= ? AND decided_at > ? AND reserved_until > asked.at
"""
_ASKED = "(CAST(? AS bigint), CAST(? AS text), CAST(? AS bigint))"
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


def pasts_of(raw: Raw, asked: Sequence[tuple[str, int]], upto: tuple[int, int] | None = None) -> list[Past]:
    """Events and reserved places of each (subscriber, time) as of now, or as of two positions; budgets are not looked
    at.
    """
    events, decisions = upto or (_END, _END)
    since = min(at for _, at in asked) - LONGEST_RESERVATION
    given = [value for place, (subscriber_id, at) in enumerate(asked) for value in (place, subscriber_id, at)]
    rows = raw.rows(_pasts(len(asked)), (*given, events, decisions, since))
    position = events
    found = [_Found(at) for _, at in asked]
    for what, place, seq, kind, text, when, decision_id, event_id, channel in rows:
        if what == 1:
            found[place].happened.append((when, event_id, Response(text, _KINDS[kind], when, channel)))
            if kind == _SHOWN and decision_id is not None:
                found[place].confirmed.add((decision_id, text))
        elif what == 2:
            found[place].keep(when, seq, decision_id, text, channel)
        elif not upto:
            position = seq
    return [one.past(position, decisions if upto else None) for one in found]


@lru_cache(maxsize=128)
def _pasts(asked: int) -> str:
    return _PASTS.format(asked=", ".join([_ASKED] * asked))


class _Found:
    """What was found of one subscriber, asked for at a time."""

    __slots__ = ("confirmed", "happened", "kept", "since")

    def __init__(self, at: int) -> None:
        self.since = at - LONGEST_RESERVATION
        self.happened: list[tuple[int, str, Response]] = []
        self.confirmed: set[tuple[str, str]] = set()
        self.kept: list[tuple[int, int, str, str, str]] = []

    def keep(self, when: int, seq: int, decision_id: str, shown: str, channel: str) -> None:
        """A decision, which counts where it is not older than any that was asked for."""
        if when > self.since:
            self.kept.append((when, seq, decision_id, shown, channel))

    def past(self, position: int, newest: int | None) -> Past:
        """All of it, as of the position of the newest event and of the newest decision where that is given."""
        # By time and then by id; responses themselves have no order.
        self.happened.sort(key=_BY_TIME)
        self.kept.sort()
        reserved = tuple(
            Response(offer_id, EventKind.IMPRESSION, when, channel)
            for when, _, decision_id, shown, channel in self.kept
            for offer_id in orjson.loads(shown)
            if (decision_id, offer_id) not in self.confirmed
        )
        if newest is None:
            newest = max((one[1] for one in self.kept), default=0)
        return Past(position, newest, tuple(one[2] for one in self.happened), reserved)


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
