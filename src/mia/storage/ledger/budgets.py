"""Budgets: how many connections an offer has in all, how many are held for those it is shown to, and what is left.

A connection is counted in the transaction that keeps its event, and a place is held in the one that keeps its decision,
so what is left can never be given away twice. A hold ends with the connection, or when its time is over.
"""

from collections.abc import Mapping, Sequence

from mia.storage.ledger.raw import AMONG, Raw

_COUNTS = f"SELECT offer_id, connections, held FROM offer_counts WHERE offer_id {AMONG}"  # noqa: S608 - no value in it
_HOLDS = f"""
SELECT offer_id, subscriber_id, until FROM holds WHERE subscriber_id {AMONG} AND until > ?
"""  # noqa: S608
_EXPIRED = "DELETE FROM holds WHERE until <= ? RETURNING offer_id"
_LEFT_OVER = "SELECT offer_id, count(*) FROM holds WHERE until <= ? GROUP BY offer_id"
_ADD = """
INSERT INTO offer_counts (offer_id, connections, held) VALUES (?, ?, ?)
ON CONFLICT (offer_id) DO UPDATE
SET connections = offer_counts.connections + excluded.connections, held = offer_counts.held + excluded.held
"""
_HOLD = """
INSERT INTO holds (offer_id, subscriber_id, until) VALUES (?, ?, ?)
ON CONFLICT (offer_id, subscriber_id) DO UPDATE SET until = excluded.until
"""
_RELEASE = "DELETE FROM holds WHERE offer_id = ? AND subscriber_id = ?"


def exhausted(raw: Raw, limits: Mapping[str, int], subscriber_ids: Sequence[str], now: int) -> list[frozenset[str]]:
    """Offers of which nothing is left for each of some subscribers, as a reader sees it; `now` in microseconds."""
    if not limits:
        return [frozenset()] * len(subscriber_ids)
    over = dict(raw.rows(_LEFT_OVER, (now,)))
    own = {row[:2] for row in raw.rows(_HOLDS, (raw.listed(subscriber_ids), now))}
    counts = {row[0]: row[1] + row[2] for row in raw.rows(_COUNTS, (raw.listed(limits),))}
    taken = {offer_id: counts.get(offer_id, 0) - over.get(offer_id, 0) for offer_id in limits}
    # What is taken only by a hold of its own is left for the subscriber itself.
    full = [offer_id for offer_id, limit in limits.items() if taken[offer_id] >= limit]
    return [
        frozenset(one for one in full if taken[one] - ((one, subscriber_id) in own) >= limits[one])
        for subscriber_id in subscriber_ids
    ]


def release_all(raw: Raw, subscriber_id: str) -> None:
    """End all that is held for a subscriber."""
    gone = raw.rows("DELETE FROM holds WHERE subscriber_id = ? RETURNING offer_id", (subscriber_id,))
    if gone:
        raw.many(_ADD, [(offer_id, 0, -1) for (offer_id,) in gone])


class Budgets:
    """The budgets inside one write transaction: nobody else changes them until it ends.

    `limits` are the most connections that offers may have in all; connections of other offers are only counted.
    """

    def __init__(self, raw: Raw, limits: Mapping[str, int], now: int) -> None:
        self._raw, self._limits, self._now = raw, limits, now
        self._counts: dict[str, list[int]] = {}
        self._changes: dict[str, list[int]] = {}
        self._holds: dict[str, dict[str, int]] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._released: set[tuple[str, str]] = set()

    def look(self, subscriber_ids: set[str]) -> None:
        """Read what is left, and what these subscribers hold. Must come before any question about them."""
        if not self._limits:
            return
        if not self._counts:
            for (offer_id,) in self._raw.rows(_EXPIRED, (self._now,)):
                self._change(offer_id, held=-1)
            self.write()
            known = self._raw.rows(_COUNTS, (self._raw.listed(self._limits),))
            self._counts = {offer_id: [0, 0] for offer_id in self._limits}
            self._counts |= {offer_id: [connections, held] for offer_id, connections, held in known}
        unknown = subscriber_ids - self._holds.keys()
        self._holds |= {subscriber_id: {} for subscriber_id in unknown}
        for offer_id, subscriber_id, until in self._raw.rows(_HOLDS, (self._raw.listed(unknown), self._now)):
            self._holds[subscriber_id][offer_id] = until

    def count(self, offer_id: str, connections: int = 1) -> None:
        """Connections that are facts, whatever the budget says."""
        self._change(offer_id, connections=connections)

    def connect(self, offer_id: str, subscriber_id: str) -> bool:
        """Count a connection and end the hold for it; False, and nothing is counted, where none is left."""
        if offer_id not in self._limits:
            self._change(offer_id, connections=1)
            return True
        own = offer_id in self._holds[subscriber_id]
        if not self._is_free(offer_id, own):
            return False
        if own:
            del self._holds[subscriber_id][offer_id]
            self._held.pop((offer_id, subscriber_id), None)
            self._released.add((offer_id, subscriber_id))
        self._change(offer_id, connections=1, held=-own)
        return True

    def hold(self, offer_ids: list[str], subscriber_id: str, until: int) -> bool:
        """Hold one connection of each of these offers for a subscriber; False, and nothing is held, where any is
        missing.
        """
        wanted = [offer_id for offer_id in offer_ids if offer_id in self._limits]
        if not wanted:
            return True
        own = self._holds[subscriber_id]
        if not all(self._is_free(offer_id, offer_id in own) for offer_id in wanted):
            return False
        for offer_id in wanted if until > self._now else ():
            self._change(offer_id, held=offer_id not in own)
            own[offer_id] = self._held[offer_id, subscriber_id] = max(until, own.get(offer_id, 0))
            self._released.discard((offer_id, subscriber_id))
        return True

    def exhausted(self, subscriber_id: str) -> frozenset[str]:
        """Offers of which nothing is left for this subscriber."""
        if not self._limits:
            return frozenset()
        own = self._holds[subscriber_id]
        return frozenset(offer_id for offer_id in self._limits if not self._is_free(offer_id, offer_id in own))

    def write(self) -> None:
        """Keep what changed."""
        if self._released:
            self._raw.many(_RELEASE, sorted(self._released))
        if self._held:
            self._raw.many(_HOLD, [(*pair, until) for pair, until in sorted(self._held.items())])
        changes = [(offer_id, *both) for offer_id, both in sorted(self._changes.items()) if any(both)]
        if changes:
            self._raw.many(_ADD, changes)
        self._released, self._held, self._changes = set(), {}, {}

    def _is_free(self, offer_id: str, own: bool) -> bool:
        connections, held = self._counts[offer_id]
        return connections + held - own < self._limits[offer_id]

    def _change(self, offer_id: str, *, connections: int = 0, held: int = 0) -> None:
        for counts in (self._changes.setdefault(offer_id, [0, 0]), self._counts.get(offer_id)):
            if counts is not None:
                counts[0] += connections
                counts[1] += held
