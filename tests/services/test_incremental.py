"""Sums that are moved on day by day, whatever comes late, are those of a lake that was filled at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledger import FakeLedger
from tests.fakes.profiles import USAGE_SCHEMA, append_subscribers, append_usage, same
from tests.unit.profiles.bench import Bench, bits

from mia.services.refresh import ProfileBuilder, sums
from mia.services.refresh.sums import MOST_STEPS, WindowSums
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.timeline import date_of, day_of

START = day_of(date(2021, 11, 28))
PEOPLE = ("s1", "s2", "s3", "s4")
LEAVING = (7, 30, 45, 90, 120, 365)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def usage_row(random: Random, local_day: int, known_day: int) -> Row:
    kind = random.choice(("voice", "sms", "data", "data", "content", "fee", "top_up", "purchase"))
    return {
        "subscriber_id": random.choice(PEOPLE),
        "local_day": local_day,
        "known_day": known_day,
        "local_hour": random.randint(0, 23),
        "kind": kind,
        "quantity": random.choice((0.0, random.randint(1, 10**8) / (1 if kind == "data" else 1000))),
        "charge": random.randint(0, 10**4) / 100,
        "discount": random.choice((None, random.randint(0, 100) / 100)),
        "direction": random.choice((None, "in", "out")),
        "on_net": random.choice((None, True, False)),
        "roaming": random.choice((None, "home", "national", "international")),
        "category": random.choice((None, "video", "music;video")),
        "item": random.choice((None, "i1", "i2")),
    }


@dataclass
class History:
    """An operator whose usage comes in day by day, and what the lake is expected to do about it."""

    random: Random
    lake: ParquetLake
    as_of: int = START
    rows: list[Row] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self) -> None:
        """Days of records before START, most of them about to leave a window."""
        append_subscribers(self.lake, PEOPLE)
        days = [START - 1 - back + shift for back in (0, *LEAVING) for shift in range(-1, 5)]
        found = [self._some(days) for _ in range(120)]
        late = [self._some(days) for _ in range(20)]
        self.add([*found, *({**row, "known_day": min(row["local_day"] + 9, START - 1)} for row in late)])

    def _some(self, days: Sequence[int]) -> Row:
        day = min(self.random.choice(days), START - 1)
        return usage_row(self.random, day, day)

    def add(self, given: Iterable[Row]) -> None:
        """Load rows, and remember them."""
        rows = list(given)
        append_usage(self.lake, rows, f"load {len(self.rows)}")
        self.rows += rows
        for row in rows:
            if row["known_day"] > row["local_day"]:
                self.latest[row["local_day"]] = max(self.latest[row["local_day"]], row["known_day"])

    def go_on(self, days: int, event: str) -> bool:
        """Some days more, with something else; returns whether sums must be made anew."""
        before, self.as_of = self.as_of, self.as_of + days
        news = [usage_row(self.random, day, day) for day in range(before, self.as_of) for _ in range(8)]
        other = self._other(event, before)
        self.add([*news, *other])
        touched = any(before - 365 <= row["local_day"] < before for row in other)
        known_since = any(known >= before for local, known in self.latest.items() if local < self.as_of)
        return days > MOST_STEPS or touched or known_since

    def _other(self, event: str, before: int) -> list[Row]:
        yesterday = self.as_of - 1
        old = [row for row in self.rows if row.get("sign", 1) == 1 and row["local_day"] < before]
        chosen = self.random.choice(old)
        match event:
            case "late":
                return [usage_row(self.random, chosen["local_day"], yesterday)]
            case "not yet known":
                return [usage_row(self.random, yesterday, yesterday + 2)]
            case "known all along":
                return [usage_row(self.random, chosen["local_day"], chosen["local_day"])]
            case "withdrawn":
                return [{**chosen, "sign": -1, "known_day": yesterday}]
            case "corrected":
                taken = {**chosen, "sign": -1, "known_day": yesterday}
                return [taken, {**chosen, "quantity": 5.0, "known_day": yesterday}]
        return []


def bring(lake: ParquetLake, as_of: int) -> bool:
    """Fold and bring the sums of a day; returns whether they were made anew."""
    engine = DuckDBEngine(threads=1)
    ProfileBuilder(lake, FakeLedger(), engine).fold()
    heard: list[str] = []
    WindowSums(lake, engine).bring(as_of, lambda label, *_: heard.append(label))
    return "adding up windows" in heard


def kept(lake: ParquetLake, as_of: int) -> list[Any]:
    """The sums of a day in the lake, to the bit."""
    names = ("window_sums", "key_sums")
    return [bits(pa.concat_tables(map(pq.read_table, lake.paths(name, [as_of])))) for name in names]


def summed(bench: Bench, history: History, lake: ParquetLake) -> list[Any]:
    """The same sums straight from all records, without a lake."""
    usage = pa.Table.from_pylist([{"sign": 1, **row} for row in history.rows], USAGE_SCHEMA)
    windows, keys, _ = bench.sums(bench.daily(usage), PEOPLE, [date_of(history.as_of)])
    order = [pq.read_schema(lake.paths(name, [history.as_of])[0]).names for name in ("window_sums", "key_sums")]
    return [bits(table.select(names)) for table, names in zip((windows, keys), order, strict=True)]


def rebuilt(history: History, folder: Path, people: Sequence[str] = PEOPLE) -> ParquetLake:
    """A lake that got every record at once, in another order."""
    lake = ParquetLake(folder)
    append_subscribers(lake, people)
    append_usage(lake, history.random.sample(history.rows, len(history.rows)), "all")
    assert bring(lake, history.as_of)
    return lake


EVENTS = ("nothing", "late", "not yet known", "known all along", "withdrawn", "corrected")
STEPS = st.tuples(st.sampled_from((1, 1, 1, 2, 3, 8)), st.sampled_from(("nothing", *EVENTS)))


SCRIPT = (
    (1, "nothing", False),
    (3, "nothing", False),
    (1, "late", True),
    (1, "not yet known", True),
    (MOST_STEPS + 1, "nothing", True),
)


def grow(bench: Bench, history: History, days: int, event: str) -> bool:
    """Bring the sums of some days on; returns whether they were made anew, which they are only where they must."""
    must_be_made = history.go_on(days, event)
    made = bring(history.lake, history.as_of)
    assert made == must_be_made
    assert kept(history.lake, history.as_of) == summed(bench, history, history.lake)
    return made


def test_sums_move_on_by_a_day_where_nothing_came_late(bench: Bench, tmp_path: Path) -> None:
    history = History(Random(1), ParquetLake(tmp_path / "grown"))
    history.begin()
    assert [bring(history.lake, history.as_of) for _ in range(2)] == [True, False]
    for days, event, anew in SCRIPT:
        assert grow(bench, history, days, event) is anew


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32), st.lists(STEPS, min_size=2, max_size=3))
def test_whatever_comes_the_sums_are_those_of_a_rebuild(bench: Bench, seed: int, steps: list[tuple[int, str]]) -> None:
    with TemporaryDirectory() as folder:
        history = History(Random(seed), ParquetLake(Path(folder) / "grown"))
        history.begin()
        assert bring(history.lake, history.as_of)
        for days, event in steps:
            grow(bench, history, days, event)
        fresh = rebuilt(history, Path(folder) / "fresh")
        assert kept(history.lake, history.as_of) == kept(fresh, history.as_of)


def test_several_ranges_of_subscribers_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(Random(5), ParquetLake(tmp_path / "grown"))
    history.begin()
    monkeypatch.setattr(sums, "RANGE_SUBSCRIBERS", 2)
    assert bring(history.lake, history.as_of)
    # One more in the midst of a range that is there already, and one after the last.
    newcomers = [*PEOPLE, "s11", "s9"]
    append_subscribers(history.lake, newcomers)
    history.go_on(1, "nothing")
    history.add({**history.rows[-1], "subscriber_id": name} for name in newcomers[-2:])
    assert not bring(history.lake, history.as_of)
    parts = list(ProfileBuilder(history.lake, FakeLedger(), DuckDBEngine(threads=1)).of_day((), history.as_of))
    assert [part.profiles.subscriber_ids.tolist() for part in parts] == [["s1", "s11", "s2"], ["s3", "s4", "s9"]]
    monkeypatch.undo()
    fresh = rebuilt(history, tmp_path / "fresh", newcomers)
    assert kept(history.lake, history.as_of) == kept(fresh, history.as_of)
    (whole,) = ProfileBuilder(fresh, FakeLedger(), DuckDBEngine(threads=1)).of_day((), history.as_of)
    assert bits(pa.concat_tables(part.features for part in parts)) == bits(whole.features)
    for part in parts:
        places = np.flatnonzero(np.isin(whole.profiles.subscriber_ids, part.profiles.subscriber_ids))
        assert same(part.profiles, whole.profiles.take(places))
