"""Late, corrected and withdrawn records: the lake tells on every day what was known then, however records came."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.intake import NOW, SUBSCRIBER, USAGE, Operator

from mia.intake.report import TableReport
from mia.timeline import day_of

JUNE = datetime(2021, 6, 1, tzinfo=UTC)
FIRST = day_of(JUNE.date())
YEKATERINBURG = timedelta(hours=5)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path).begin()


def row(record_id: str = "r1", day: int = 1, quantity: float = 1.0, **fields: Any) -> dict[str, Any]:
    """A record of a day of June at 10:00 UTC; `arrived` is another day of June."""
    arrived = fields.pop("arrived", None)
    made = {
        **USAGE,
        "record_id": record_id,
        "occurred_at": f"2021-06-{day:02d}T10:00:00Z",
        "quantity": str(quantity),
        "arrived_at": "" if arrived is None else f"2021-06-{arrived:02d}T12:00:00Z",
        "version": "",
        "withdrawn": "",
    }
    return {**made, **fields}


def load(operator: Operator, *rows: Mapping[str, Any], **options: Any) -> TableReport:
    """Load rows as a file; what its report says of usage."""
    return operator.load(operator.write("usage.csv", *rows), **options).table("usage")


def contributions(operator: Operator) -> list[tuple[int, int, float]]:
    """Day of June, day of June known, sign x quantity of every row of the lake."""
    return sorted(
        (row["local_day"] - FIRST + 1, row["known_day"] - FIRST + 1, row["sign"] * row["quantity"])
        for row in operator.rows("usage")
    )


def test_a_late_record_is_known_from_the_local_day_of_its_arrival(operator: Operator) -> None:
    evening = {**row("r2", 2), "arrived_at": "2021-06-04T20:00:00Z"}
    load(operator, row("r1", 1, arrived=3), evening, row("r3", 3))
    assert contributions(operator) == [(1, 3, 1.0), (2, 5, 1.0), (3, 3, 1.0)]


def test_records_that_do_not_say_arrive_with_the_load_where_the_settings_say_so(operator: Operator) -> None:
    live = replace(operator.terms, arrival="load")
    now = NOW - 10 * 86_400_000_000
    load(operator, row("r1", 1), row("r2", 2, arrived=4), terms=live, now=now)
    assert contributions(operator) == [(1, 21, 1.0), (2, 4, 1.0)]
    report = load(operator, row("r1", 1, 5.0, version="2"), terms=live, now=NOW)
    assert (report.accepted, report.corrected) == (1, 1)
    assert contributions(operator) == [(1, 21, 1.0), (1, 31, -1.0), (1, 31, 5.0), (2, 4, 1.0)]


def test_a_correction_takes_back_the_old_day_and_counts_on_its_own(operator: Operator) -> None:
    load(operator, row("r1", 1, 7.0, category="films"), row("r2", 1))
    report = load(operator, row("r1", 3, 9.0, version="2", arrived=8))
    assert (report.accepted, report.duplicates, report.corrected, report.withdrawn) == (1, 0, 1, 0)
    assert contributions(operator) == [(1, 1, 1.0), (1, 1, 7.0), (1, 8, -7.0), (3, 8, 9.0)]
    (taken_back,) = [row for row in operator.rows("usage") if row["sign"] == -1]
    (first,) = [row for row in operator.rows("usage") if (row["record_id"], row["local_day"]) == ("r1", FIRST)][:1]
    same = set(first) - {"sign", "known_day"}
    assert {name: taken_back[name] for name in same} == {name: first[name] for name in same}
    assert (taken_back["category"], taken_back["version"]) == ("films", 1)


def test_a_correction_that_does_not_say_when_it_arrived_holds_all_along(operator: Operator) -> None:
    load(operator, row("r1", 1, 7.0, arrived=4))
    load(operator, row("r1", 2, 9.0, version="2"))
    assert contributions(operator) == [(1, 4, -7.0), (1, 4, 7.0), (2, 2, 9.0)]


def test_a_withdrawal_only_cancels_and_a_higher_version_counts_again(operator: Operator) -> None:
    load(operator, row("r1", 1, 7.0))
    report = load(operator, row("r1", 1, 7.0, withdrawn="true", version="2", arrived=5))
    assert (report.accepted, report.corrected, report.withdrawn) == (1, 0, 1)
    assert contributions(operator) == [(1, 1, 7.0), (1, 5, -7.0)]
    report = load(operator, row("r1", 1, 8.0, version="3", arrived=9))
    assert (report.accepted, report.corrected, report.withdrawn) == (1, 1, 0)
    assert contributions(operator) == [(1, 1, 7.0), (1, 5, -7.0), (1, 9, 8.0)]


def test_a_withdrawal_without_a_version_of_its_own_takes_back_the_one_it_names(operator: Operator) -> None:
    load(operator, row("r1"))
    assert load(operator, row("r1", withdrawn="yes", arrived=2)).withdrawn == 1
    assert contributions(operator) == [(1, 1, 1.0), (1, 2, -1.0)]


@pytest.mark.parametrize("amendment", [{"version": "2"}, {"withdrawn": "true"}, {"withdrawn": "true", "version": "2"}])
def test_what_amends_a_record_wins_also_when_it_comes_first(operator: Operator, amendment: dict[str, str]) -> None:
    load(operator, row("r1", 4, 9.0, **amendment))
    before = contributions(operator)
    # On whatever day the lower version lies.
    report = load(operator, row("r1", 20, 7.0, arrived=25), row("r2", 1))
    assert (report.accepted, report.duplicates) == (1, 1)
    assert contributions(operator) == sorted([*before, (1, 1, 1.0)])


def test_an_equal_version_again_is_a_duplicate(operator: Operator) -> None:
    versions = [row("r1", 1, 7.0), row("r1", 1, 8.0, version="2", arrived=3), row("r1", withdrawn="1", version="3")]
    load(operator, *versions)
    before = operator.rows("usage"), operator.rows("amended")
    report = load(operator, *versions, row("r1", 9, 5.0, version="2"), row("r1", 9, 5.0))
    assert (report.rows, report.accepted, report.duplicates) == (5, 0, 5)
    assert (operator.rows("usage"), operator.rows("amended")) == before


def test_the_highest_version_of_a_load_wins_and_the_earlier_ones_were_known_before_it(operator: Operator) -> None:
    report = load(
        operator,
        row("r1", 1, 3.0, version="3", arrived=9),
        row("r1", 1, 1.0, arrived=2),
        row("r1", 1, 2.0, version="2", arrived=5),
        row("r1", 1, 2.0, version="2", arrived=5),
        row("r2", 1, 5.0, version="2"),
        row("r2", 1, 4.0),
    )
    assert (report.rows, report.accepted, report.duplicates, report.corrected) == (6, 4, 2, 3)
    assert contributions(operator) == sorted(
        [(1, 2, 1.0), (1, 5, -1.0), (1, 5, 2.0), (1, 9, -2.0), (1, 9, 3.0), (1, 1, 5.0)]
    )


def test_a_version_that_turns_up_between_two_others_mends_what_was_known(operator: Operator) -> None:
    load(operator, row("r1", 1, 1.0, arrived=2), row("r1", 1, 3.0, version="3", arrived=9))
    assert load(operator, row("r1", 1, 2.0, version="2", arrived=5)).accepted == 1
    known = Counter[int]()
    for _, day, quantity in contributions(operator):
        known[day] += int(quantity)
    assert {day: change for day, change in known.items() if change} == {2: 1, 5: 1, 9: 1}


def test_only_the_days_of_an_amended_record_get_new_files(operator: Operator) -> None:
    load(operator, *(row(f"r{day}", day) for day in range(1, 11)))
    before = {file.path for file in operator.lake.files("usage")}
    load(operator, row("r3", 3, 5.0, version="2", arrived=20), row("r7", 8, 5.0, version="2", arrived=20))
    fresh = [file for file in operator.lake.files("usage") if file.path not in before]
    assert sorted(int(file.day or 0) - FIRST + 1 for file in fresh) == [3, 7, 8]


def test_an_amendment_names_its_record(operator: Operator) -> None:
    report = operator.load(operator.write("usage.csv", row("", version="2"), row("", withdrawn="true"), row("")))
    assert [(kept["column"], kept["rule"]) for kept in operator.rejected(report)] == [
        ("record_id", "needed to amend a record")
    ] * 2
    assert report.table("usage").accepted == 1


def test_the_lake_keeps_the_types_of_its_columns_in_every_file(operator: Operator) -> None:
    load(operator, row("r1", 1, 7.0))
    load(operator, row("r1", 1, 9.0, version="2", arrived=8))
    with operator.connect() as connection:
        found = {
            tuple(connection.execute(f"SELECT name, type FROM parquet_schema('{path}')").fetchall())
            for path in operator.lake.paths("usage")
        }
    assert len(operator.lake.paths("usage")) == 2
    assert len(found) == 1


def test_records_of_a_lake_from_before_there_were_versions_can_be_amended(operator: Operator) -> None:
    with operator.lake.change() as change, operator.connect() as connection:
        path = change.folder() / "usage-old.parquet"
        connection.execute(
            f"COPY (SELECT 's1' AS subscriber_id, 1622541600 AS occurred_at, {FIRST} AS local_day, 15 AS local_hour, "
            f"'voice' AS kind, 7.0::DOUBLE AS quantity, 0.0::DOUBLE AS charge, 'r1' AS record_id) TO '{path}'"
        )
        change.add("usage", path, rows=1, load="old", day=FIRST)
        change.commit()
    assert load(operator, row("r1", 2, 9.0, version="2", arrived=6)).corrected == 1
    assert [(row["local_day"], row["known_day"], row["sign"]) for row in operator.rows("usage", "local_day, sign")] == [
        (FIRST, FIRST + 5, -1),
        (FIRST, None, None),
        (FIRST + 1, FIRST + 5, 1),
    ]


@dataclass(frozen=True)
class Version:
    record_id: str
    version: int
    withdrawn: bool
    subscriber_id: str
    day: int
    hour: int
    quantity: int
    arrived: tuple[int, int] | None

    @property
    def occurred_at(self) -> datetime:
        return JUNE + timedelta(days=self.day, hours=self.hour)

    @property
    def arrived_at(self) -> datetime | None:
        return (
            None if self.arrived is None else self.occurred_at + timedelta(days=self.arrived[0], hours=self.arrived[1])
        )

    @property
    def local_day(self) -> int:
        return local_day(self.occurred_at)

    @property
    def known_day(self) -> int:
        return self.local_day if self.arrived_at is None else local_day(self.arrived_at)

    def amends(self, other: "Version", as_of: int) -> bool:
        """Whether it is known as of a day that this amends the other."""
        higher = (self.version, self.withdrawn) > (other.version, other.withdrawn)
        return self.record_id == other.record_id and higher and (self.arrived is None or self.known_day < as_of)

    def row(self) -> dict[str, Any]:
        return {
            **USAGE,
            "subscriber_id": self.subscriber_id,
            "record_id": self.record_id,
            "occurred_at": self.occurred_at.isoformat(),
            "quantity": str(self.quantity),
            "arrived_at": "" if self.arrived_at is None else self.arrived_at.isoformat(),
            "version": str(self.version),
            "withdrawn": str(self.withdrawn),
        }


def local_day(moment: datetime) -> int:
    return day_of((moment + YEKATERINBURG).date())


def as_of_sums(rows: Iterable[tuple[str, int, int, float]], as_of: int) -> dict[tuple[str, int], float]:
    """Sums of (subscriber, local day) over rows of (subscriber, local day, known day, quantity)."""
    sums: dict[tuple[str, int], float] = {}
    for subscriber_id, day, known, quantity in rows:
        if day < as_of and known < as_of:
            sums[subscriber_id, day] = sums.get((subscriber_id, day), 0.0) + quantity
    return {key: value for key, value in sums.items() if value}


@pytest.fixture(scope="module")
def two_subscribers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    operator = Operator(tmp_path_factory.mktemp("two")).begin()
    operator.load(operator.write("subscribers.csv", {**SUBSCRIBER, "subscriber_id": "s2"}))
    return operator.folder


VERSIONS = st.lists(
    st.builds(
        Version,
        record_id=st.sampled_from("abcdef"),
        version=st.integers(1, 3),
        withdrawn=st.sampled_from([False, False, True]),
        subscriber_id=st.sampled_from(["s1", "s2"]),
        day=st.integers(0, 3),
        hour=st.integers(0, 23),
        quantity=st.integers(1, 1_000),
        arrived=st.none() | st.tuples(st.integers(0, 4), st.integers(0, 23)),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda version: (version.record_id, version.version, version.withdrawn),
)


@settings(max_examples=15)
@given(data=st.data(), versions=VERSIONS)
def test_however_versions_come_the_lake_knows_what_was_known(
    two_subscribers: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, versions: Sequence[Version]
) -> None:
    operator = Operator(copytree(two_subscribers, tmp_path_factory.mktemp("operator") / "home"))
    order = data.draw(st.permutations(versions), "order")
    loads = data.draw(st.lists(st.integers(0, 2), min_size=len(order), max_size=len(order)), "load of each")
    again = data.draw(st.lists(st.sampled_from(versions), max_size=2), "once more")
    for number in (0, 1, 2):
        part = [version for version, place in zip(order, loads, strict=True) if place == number]
        if number == 2:
            part += again
        if part:
            report = operator.load(operator.write(f"usage_{number}.csv", *(version.row() for version in part)))
            usage = report.table("usage")
            assert report.already_loaded or usage.rows == usage.accepted + usage.duplicates == len(part)
    rows = [
        (row["subscriber_id"], row["local_day"], row["known_day"], row["sign"] * row["quantity"])
        for row in operator.rows("usage")
    ]
    assert all(known >= day for _, day, known, _ in rows)
    for as_of in range(FIRST - 1, FIRST + 12):
        counting = [
            (one.subscriber_id, one.local_day, one.known_day, float(one.quantity))
            for one in versions
            if not one.withdrawn and not any(other.amends(one, as_of) for other in versions)
        ]
        assert as_of_sums(rows, as_of) == as_of_sums(counting, as_of), as_of
