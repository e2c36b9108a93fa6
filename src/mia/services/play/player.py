"""The player: lets the visits of a month happen at a service, in the order in which each subscriber lives them.

Days follow each other; within a day subscribers come at the same time, as many as there are clients. What a subscriber
does is told before that subscriber comes again, so no decision is taken on a past that has not reached the ledger.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mia.services.play.door import Door
from mia.simulator.living import Happening, LivingMonth
from mia.timeline import DAY_SECONDS, MICROSECONDS, timestamp_of

DAY = DAY_SECONDS * MICROSECONDS

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What happened: visits, events by kind, reasons of refused events, and what was still to come at the end."""

    visits: int
    kinds: Counter[str]
    refused: Counter[str]
    waiting: tuple[Happening, ...]


@dataclass(slots=True)
class _Life:
    """A day of one subscriber: visits by time, and what is due."""

    visits: list[int] = field(default_factory=list)
    due: list[Happening] = field(default_factory=list)


@dataclass(slots=True)
class _Lived:
    told: list[Happening] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: list[Happening] = field(default_factory=list)


def play(
    month: LivingMonth,
    door: Door,
    *,
    clients: int,
    waiting: Sequence[Happening] = (),
    days: int | None = None,
    progress: Progress | None = None,
) -> Played:
    """Let a month happen, or its first `days` days (UTC); `waiting` is what is still to come of months before.

    Playing it again changes nothing at a service that keeps its promises: requests and events bear the same ids.
    """
    told, refused = Counter[str](), Counter[str]()
    first, end = _span(month, days)
    pending = sorted(waiting, key=lambda one: one.at)
    visits = 0
    with ThreadPoolExecutor(clients, "client") as pool:
        for place, day in enumerate(range(first, end), start=1):
            lives, pending = _lives_of(month, day, pending)
            # Whatever is not delivered ends the play: an event that is lost would be a lie about the subscriber.
            for lived in pool.map(lambda life: _live(month, door, life, (day + 1) * DAY), lives):  # noqa: B023
                told.update(one.kind for one in lived.told)
                refused.update(lived.refused)
                pending += lived.left
            visits += sum(len(life.visits) for life in lives)
            if progress:
                progress("living", place, end - first)
    left = {one.event_id: one for one in pending}
    return Played(visits, told, refused, tuple(sorted(left.values(), key=lambda one: (one.at, one.event_id))))


def _span(month: LivingMonth, days: int | None) -> tuple[int, int]:
    """UTC days from the first visit to the last, no matter where the month began first."""
    if not len(month):
        return 0, 0
    first, end = int(month.at[0] // DAY), int(month.at[-1] // DAY) + 1
    return first, end if days is None else min(end, first + days)


def _lives_of(month: LivingMonth, day: int, pending: list[Happening]) -> tuple[list[_Life], list[Happening]]:
    """What each subscriber does on a day, and what comes later."""
    lives: dict[str, _Life] = {}
    begin, end = month.at.searchsorted([day * DAY, (day + 1) * DAY]).tolist()
    for visit in range(begin, end):
        lives.setdefault(month.subscriber_of(visit), _Life()).visits.append(visit)
    later = []
    for one in pending:
        if one.at < (day + 1) * DAY:
            lives.setdefault(one.subscriber_id, _Life()).due.append(one)
        else:
            later.append(one)
    return list(lives.values()), later


def _live(month: LivingMonth, door: Door, life: _Life, end: int) -> _Lived:
    lived, due = _Lived(), life.due
    for visit in life.visits:
        at = int(month.at[visit])
        due = _tell(door, due, at, lived)
        decided = door.decide(month.subscriber_of(visit), month.channel_of(visit), month.name_of(visit), at)
        due = due + month.answer(visit, decided.decision_id, decided.offer_ids)
    lived.left = _tell(door, due, end, lived)
    return lived


def _tell(door: Door, due: list[Happening], until: int, lived: _Lived) -> list[Happening]:
    """Tell what happened before a time; what is left."""
    now = sorted((one for one in due if one.at < until), key=lambda one: (one.at, one.event_id))
    if now:
        lived.refused += door.record([_body(one) for one in now], now[-1].at)
        lived.told += now
    return [one for one in due if one.at >= until]


def _body(one: Happening) -> dict[str, Any]:
    body: dict[str, Any] = {
        "event_id": one.event_id,
        "occurred_at": timestamp_of(one.at).isoformat(),
        "subscriber_id": one.subscriber_id,
        "offer_id": one.offer_id,
        "kind": one.kind,
        "channel": one.channel,
        "decision_id": one.decision_id,
    }
    return body if one.position is None else {**body, "position": one.position}
