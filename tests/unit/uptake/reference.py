"""Uptake worked out slowly and plainly, apart from the code it checks; and events to try both on."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from mia.domain.event import Event, EventKind

COLUMN = {"region": "region", "macro_region": "macro_region", "offer": "offer_id", "channel": "channel", "arm": "arm"}
DAY = 86_400_000_000
WINDOW_DAYS = 14


def month_name(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m")


def period_name(day: int, grain: str) -> str:
    when = date(1970, 1, 1) + timedelta(days=day)
    week = when.isocalendar()
    return {"month": month_name(day), "week": f"{week.year}-W{week.week:02d}", "day": when.isoformat()}[grain]


def counted(events: list[Event]) -> list[Event]:
    """The events that count, each once."""
    unique = list({event.event_id: event for event in events}.values())
    kept = [event for event in unique if event.kind in (EventKind.IMPRESSION, EventKind.CLICK)]
    for line in {(event.subscriber_id, event.offer_id) for event in unique}:
        connected = False
        for event in sorted(unique, key=lambda event: (event.occurred_at, event.event_id)):
            if (event.subscriber_id, event.offer_id) != line:
                continue
            if event.kind is EventKind.CONNECTION and not connected:
                connected = True
                kept.append(event)
            elif event.kind is EventKind.DISCONNECTION and connected:
                connected = False
                kept.append(event)
    return kept


def accepted(events: list[Event]) -> list[Event]:
    """Impressions that are the latest of their line before a connection that counts, at most the window before it."""
    kept = counted(events)
    found = []
    for shown in kept:
        for taken in kept:
            if shown.kind is not EventKind.IMPRESSION or taken.kind is not EventKind.CONNECTION:
                continue
            line = (shown.subscriber_id, shown.offer_id)
            between = [
                other
                for other in kept
                if other.kind is EventKind.IMPRESSION
                and (other.subscriber_id, other.offer_id) == line
                and shown.occurred_at < other.occurred_at <= taken.occurred_at
            ]
            near = 0 <= taken.occurred_at - shown.occurred_at <= WINDOW_DAYS * DAY
            if (taken.subscriber_id, taken.offer_id) == line and near and not between:
                found.append(shown)
                break
    return found


def uptake_rows(events: list[Event], baseline: str, by: str | None, grain: str = "month") -> list[dict[str, Any]]:
    """All rows of the table, by period and group, but for `complete` and what hangs on the watermark."""
    if not events:
        return []
    first, last = min(event.local_day for event in events), max(event.local_day for event in events)
    days = {day: period_name(day, grain) for day in range(first - 31, last + 32)}
    kept = counted(events)

    def group_of(event: Event) -> str:
        return "total" if by is None else getattr(event, COLUMN[by])

    groups = (
        ["total"]
        if by is None
        else sorted({group_of(event) for event in kept}, key=lambda group: (group is not None, group))
    )
    rows = []
    for period in sorted({days[day] for day in range(first, last + 1)}):
        ends = max(day for day, name in days.items() if name == period)
        for group in groups:
            own = [event for event in kept if group_of(event) == group]
            inside = [event.kind for event in own if days[event.local_day] == period]
            begun = [event.local_day for event in own if event.kind is EventKind.CONNECTION]
            ended = [event.local_day for event in own if event.kind is EventKind.DISCONNECTION]
            total = sum(day <= ends for day in begun)
            base = sum(month_name(day) <= baseline for day in begun)
            since = sum(day <= ends and month_name(day) >= baseline for day in begun)
            during = sum(month_name(day) == baseline for day in begun)
            early = month_name(ends) < baseline
            rows.append(
                {
                    grain: period,
                    "group": group,
                    "impressions": inside.count(EventKind.IMPRESSION),
                    "clicks": inside.count(EventKind.CLICK),
                    "connections": inside.count(EventKind.CONNECTION),
                    "disconnections": inside.count(EventKind.DISCONNECTION),
                    "cumulative": total,
                    "index": total / base if base else None,
                    "growth_percent": (total / base - 1) * 100 if base else None,
                    "net_active": total - sum(day <= ends for day in ended),
                    "since_baseline": None if early else since,
                    "since_baseline_index": since / during if during and not early else None,
                    "since_baseline_growth_percent": (since / during - 1) * 100 if during and not early else None,
                    "small_base": min(base, during) < 1,
                }
            )
    return rows


def an_event(event_id: str, kind: EventKind, local_day: int, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "occurred_at": local_day * 86_400_000_000,
        "subscriber_id": "s1",
        "offer_id": "music",
        "channel": "app",
        "arm": "mia",
        "region": "Kurgan",
        "macro_region": "Urals",
    }
    return Event(event_id, kind=kind, local_day=local_day, **(fields | changes))


# Few subscribers, offers and instants, so that periods, ties and repeats are common; days around three turns of months.
_EVENT = st.builds(
    lambda local_day, moment, **fields: an_event(
        "", local_day=local_day, occurred_at=local_day * DAY + moment, **fields
    ),
    kind=st.sampled_from(
        [EventKind.CONNECTION, EventKind.DISCONNECTION, EventKind.IMPRESSION, EventKind.CLICK, EventKind.DECLINE]
    ),
    local_day=st.sampled_from([18_627, 18_628, 18_640, 18_658, 18_659, 18_686, 18_687]),
    moment=st.integers(0, 2),
    subscriber_id=st.sampled_from(["s1", "s2"]),
    offer_id=st.sampled_from(["music", "video"]),
    channel=st.sampled_from(["app", "web"]),
    arm=st.sampled_from(["mia", "control"]),
    region=st.sampled_from([None, "Kurgan", "Rostov"]),
    macro_region=st.sampled_from([None, "Urals", "South"]),
)


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Events with distinct ids, in an order that says nothing about their times."""
    drawn = draw(st.lists(_EVENT, min_size=1, max_size=25))
    names = draw(st.permutations([f"e{number:02d}" for number in range(len(drawn))]))
    return [
        Event(**{field: getattr(event, field) for field in Event.__slots__} | {"event_id": name})
        for event, name in zip(drawn, names, strict=True)
    ]


@st.composite
def splits(draw: st.DrawFn, events: list[Event]) -> list[list[Event]]:
    """The same events, shuffled, some repeated, in several batches."""
    repeated = [event for event in events if draw(st.booleans())]
    shuffled = draw(st.permutations(events + repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=3)))
    return [shuffled[start:end] for start, end in pairwise([0, *cuts, len(shuffled)])]
