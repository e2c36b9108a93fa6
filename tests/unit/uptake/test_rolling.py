"""Cells folded batch by batch are those of all events at once, counted plainly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.uptake.reference import DAY, WINDOW_DAYS, accepted, an_event, counted, event_lists, splits

from mia.domain.event import Event, EventKind
from mia.uptake import rolling
from mia.uptake.dimensions import CODED, extend_names

IMPRESSION, CONNECTION, DISCONNECTION = EventKind.IMPRESSION, EventKind.CONNECTION, EventKind.DISCONNECTION
MEASURE = {
    EventKind.IMPRESSION: "impressions",
    EventKind.CLICK: "clicks",
    EventKind.CONNECTION: "connections",
    EventKind.DISCONNECTION: "disconnections",
}


def rolled(batches: Sequence[Sequence[Event]]) -> Counter:
    """Cells by local day, names and measure."""
    names: dict[str, list[str]] = {}
    cells: Counter = Counter()
    seen: set[str] = set()
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        engine.execute(f"CREATE TABLE all_shown AS {rolling.NO_SHOWN}")
        engine.execute(f"CREATE TABLE all_connected AS {rolling.NO_CONNECTED}")
        for batch in batches:
            fresh = {event.event_id: event for event in batch if event.event_id not in seen}
            seen |= fresh.keys()
            rows = [asdict(event) | {"placement": None, "model_version": None} for event in fresh.values()]
            events = pa.Table.from_pylist(rows, schema=rolling.BATCH)
            names = extend_names(names, events)
            rolling.fold(
                engine,
                events,
                names,
                connected="FROM all_connected",
                shown_between=lambda low, high: f"FROM all_shown WHERE occurred_at BETWEEN {low} AND {high}",
                window=WINDOW_DAYS * DAY,
            )
            for row in engine.sql(rolling.CELLS).to_arrow_table().to_pylist():
                values = tuple(None if row[name] == 0 else names[name][row[name] - 1] for name in CODED)
                cells.update({(row["local_day"], *values, measure): row[measure] for measure in rolling.MEASURES})
            engine.execute(f"INSERT INTO all_shown BY NAME {rolling.SHOWN}")
            engine.execute(f"INSERT INTO all_connected BY NAME {rolling.CONNECTED}")
            for table in ("fresh", "held", "counted_before", "counted", "moved", "shown_before", "shown"):
                engine.execute(f"DROP TABLE {table}")
            for table in ("accepted_before", "accepted", "delta"):
                engine.execute(f"DROP TABLE {table}")
    return Counter({key: count for key, count in cells.items() if count})


def expected(events: list[Event]) -> Counter:
    def key(event: Event, measure: str) -> tuple:
        names = (event.region, event.macro_region, event.offer_id, event.channel, event.arm, None, None)
        return (event.local_day, *names, measure)

    return Counter(
        [key(event, MEASURE[event.kind]) for event in counted(events)]
        + [key(event, "accepted") for event in accepted(events)]
    )


def sums(*events: Event) -> dict[str, int]:
    """Measures by month, for instance `connections 1`."""
    counts: Counter[str] = Counter()
    for key, count in rolled([events]).items():
        counts[f"{key[-1]} {1 if key[0] < 18_659 else 2}"] += count
    return dict(counts)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.data(), event_lists())
def test_cells_are_those_of_the_reference_whatever_the_order_repeats_and_batches(
    data: st.DataObject, events: list[Event]
) -> None:
    assert rolled(data.draw(splits(events))) == expected(events)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(st.data(), event_lists())
def test_cells_are_those_of_the_reference_looked_at_long(data: st.DataObject, events: list[Event]) -> None:
    assert rolled(data.draw(splits(events))) == expected(events)


def test_a_second_connection_of_the_same_period_does_not_count() -> None:
    line = [an_event("a", CONNECTION, 18_628), an_event("b", CONNECTION, 18_660, channel="web")]
    assert sums(*line) == {"connections 1": 1}


def test_a_connection_after_a_disconnection_counts_again() -> None:
    line = [
        an_event("c", CONNECTION, 18_628),
        an_event("b", DISCONNECTION, 18_630),
        an_event("a", CONNECTION, 18_660),
    ]
    assert sums(*line) == {"connections 1": 1, "disconnections 1": 1, "connections 2": 1}


def test_a_disconnection_of_what_was_never_connected_does_not_count() -> None:
    assert sums(an_event("a", DISCONNECTION, 18_628)) == {}
    line = [
        an_event("a", CONNECTION, 18_628),
        an_event("b", DISCONNECTION, 18_629),
        an_event("c", DISCONNECTION, 18_660),
    ]
    assert sums(*line) == {"connections 1": 1, "disconnections 1": 1}


def test_lines_of_other_subscribers_and_offers_are_apart() -> None:
    assert sums(
        an_event("a", CONNECTION, 18_628),
        an_event("b", CONNECTION, 18_628, subscriber_id="s2"),
        an_event("c", CONNECTION, 18_628, offer_id="video"),
    ) == {"connections 1": 3}


def test_events_of_one_instant_are_ordered_by_their_id() -> None:
    first = an_event("a", DISCONNECTION, 18_628)
    second = an_event("b", CONNECTION, 18_628)
    assert sums(second, first) == {"connections 1": 1}
    swapped = [an_event("a", CONNECTION, 18_628), an_event("b", DISCONNECTION, 18_628)]
    assert sums(*swapped) == {"connections 1": 1, "disconnections 1": 1}


@pytest.mark.parametrize(("days", "count"), [(0, 1), (14, 1), (15, 0)])
def test_an_impression_is_accepted_within_the_window(days: int, count: int) -> None:
    shown, taken = an_event("a", IMPRESSION, 18_628), an_event("b", CONNECTION, 18_628 + days)
    assert rolled([[shown, taken]]) == rolled([[taken], [shown]]) == expected([shown, taken])
    assert sums(shown, taken).get("accepted 1", 0) == count


def test_the_latest_impression_takes_the_credit_however_late_it_comes() -> None:
    early, late = an_event("a", IMPRESSION, 18_628), an_event("b", IMPRESSION, 18_630, channel="web")
    taken = an_event("c", CONNECTION, 18_631)
    cells = rolled([[early, taken], [late]])
    assert [key[4] for key in cells if key[-1] == "accepted"] == ["web"]
    # Before the connection was begun by another, earlier one, the credit was its own.
    earlier = an_event("d", CONNECTION, 18_629)
    cells = rolled([[early, taken], [late], [earlier]])
    assert [key[4] for key in cells if key[-1] == "accepted"] == ["app"]
