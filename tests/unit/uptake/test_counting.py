from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

import duckdb
import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.uptake.reference import an_event, counted, event_lists, splits

from mia.domain.event import Event, EventKind
from mia.timeline import month_of
from mia.uptake.counting import CELL_KEYS, CONNECTED, COUNTED_SCHEMA, count_connected, count_shown

CONNECTION, DISCONNECTION = EventKind.CONNECTION, EventKind.DISCONNECTION
EVENTS = ibis.table(COUNTED_SCHEMA, name="events")
COUNT = ibis.to_sql(ibis.union(count_shown(EVENTS), count_connected(EVENTS)), dialect="duckdb")


@pytest.fixture(scope="module")
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


def cells(session: duckdb.DuckDBPyConnection, events: list[Event]) -> Counter:
    table = pa.Table.from_pylist([asdict(event) for event in events], schema=COUNTED_SCHEMA.to_pyarrow())
    rows = session.register("events", table).sql(COUNT).to_arrow_table().to_pylist()
    return Counter({tuple(row[key] for key in CELL_KEYS): row["count"] for row in rows})


def connections(session: duckdb.DuckDBPyConnection, *events: Event) -> dict[str, int]:
    """Connections and disconnections by month number and kind."""
    counts: Counter[str] = Counter()
    for key, count in cells(session, list(events)).items():
        if key[-1] in CONNECTED:
            counts[f"{key[-1]} {key[0] % 12 + 1}"] += count
    return dict(counts)


def test_a_second_connection_of_the_same_period_does_not_count(session: duckdb.DuckDBPyConnection) -> None:
    line = [an_event("a", CONNECTION, 18_628), an_event("b", CONNECTION, 18_660, channel="web")]
    assert connections(session, *line) == {"connection 1": 1}


def test_a_connection_after_a_disconnection_counts_again(session: duckdb.DuckDBPyConnection) -> None:
    line = [
        an_event("c", CONNECTION, 18_628),
        an_event("b", DISCONNECTION, 18_630),
        an_event("a", CONNECTION, 18_660),
    ]
    assert connections(session, *line) == {"connection 1": 1, "disconnection 1": 1, "connection 2": 1}


def test_a_disconnection_of_what_was_never_connected_does_not_count(session: duckdb.DuckDBPyConnection) -> None:
    assert connections(session, an_event("a", DISCONNECTION, 18_628)) == {}
    assert connections(
        session,
        an_event("a", CONNECTION, 18_628),
        an_event("b", DISCONNECTION, 18_629),
        an_event("c", DISCONNECTION, 18_660),
    ) == {"connection 1": 1, "disconnection 1": 1}


def test_lines_of_other_subscribers_and_offers_are_apart(session: duckdb.DuckDBPyConnection) -> None:
    assert connections(
        session,
        an_event("a", CONNECTION, 18_628),
        an_event("b", CONNECTION, 18_628, subscriber_id="s2"),
        an_event("c", CONNECTION, 18_628, offer_id="video"),
    ) == {"connection 1": 3}


def test_events_of_one_instant_are_ordered_by_their_id(session: duckdb.DuckDBPyConnection) -> None:
    first = an_event("a", DISCONNECTION, 18_628)
    second = an_event("b", CONNECTION, 18_628)
    assert connections(session, second, first) == {"connection 1": 1}
    swapped = [an_event("a", CONNECTION, 18_628), an_event("b", DISCONNECTION, 18_628)]
    assert connections(session, *swapped) == {"connection 1": 1, "disconnection 1": 1}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data(), event_lists())
def test_counts_are_those_of_the_reference_whatever_the_order_and_repeats(
    session: duckdb.DuckDBPyConnection, data: st.DataObject, events: list[Event]
) -> None:
    given_events = [event for batch in data.draw(splits(events)) for event in batch]
    expected = Counter(
        (
            month_of(event.local_day),
            event.region,
            event.macro_region,
            event.offer_id,
            event.channel,
            event.arm,
            event.kind.value,
        )
        for event in counted(events)
    )
    assert cells(session, given_events) == expected


def test_months_are_those_of_the_timeline(session: duckdb.DuckDBPyConnection) -> None:
    days = range(-800, 40_000, 13)
    events = [an_event(f"e{day}", EventKind.CLICK, day) for day in days]
    assert cells(session, events) == Counter(
        (month_of(day), "Kurgan", "Urals", "music", "app", "mia", "click") for day in days
    )
