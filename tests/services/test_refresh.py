"""Refresh: only what changed is folded, and what comes out is what a rebuild from nothing gives."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.intake import EVENT, OFFER, SUBSCRIBER, USAGE, Operator
from tests.fakes.profiles import profiles_of_day, same

from mia.domain.offer import Offer
from mia.errors import NotEnoughData, WorkspaceBusy
from mia.frames import Profiles
from mia.offers.catalogue import build_catalogue
from mia.profiles.features import FEATURE_NAMES, feature_fingerprint
from mia.services.refresh import ProfileBuilder, refresh
from mia.services.refresh import fold as folding
from mia.storage.engine import DuckDBEngine
from mia.storage.files import table_writer
from mia.storage.profile_store import LmdbProfileStore
from mia.timeline import day_of

DAY = date(2021, 6, 20)
OFFERS: tuple[Offer, ...] = build_catalogue([dict(OFFER)], file="offers.yaml").offers


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "first").begin()


def builder_of(operator: Operator, threads: int = 1) -> ProfileBuilder:
    return ProfileBuilder(operator.lake, operator.ledger, DuckDBEngine(threads=threads))


def record(number: int, days: int, **given: Any) -> dict[str, Any]:
    """A record some days before DAY at 10:00 UTC, which is the same day in Sverdlovsk."""
    moment = datetime(DAY.year, DAY.month, DAY.day, 10, tzinfo=UTC) - timedelta(days=days)
    return {**USAGE, "record_id": f"r{number}", "occurred_at": moment.isoformat(), **given}


def load(operator: Operator, name: str, *rows: Mapping[str, Any]) -> None:
    operator.load(operator.write(f"{name}.csv", *rows))


def roll_ups(operator: Operator) -> dict[int, tuple[str, int]]:
    return {file.day or 0: (file.path, file.rows) for file in operator.lake.files("daily")}


def number(profiles: Profiles, name: str, row: int = 0) -> float:
    values = profiles.column(name)
    assert values is not None
    return float(values[row])


def test_only_days_that_changed_are_folded(operator: Operator) -> None:
    builder = builder_of(operator)
    load(operator, "a", record(1, 3), record(2, 2), record(3, 2, subscriber_id="s1", category="video"))
    assert (builder.fold(), builder.fold()) == (2, 0)
    before = roll_ups(operator)
    assert [rows for _, rows in before.values()] == [1, 1]
    load(operator, "b", record(4, 1))
    assert (builder.fold(), builder.fold()) == (1, 0)
    after = roll_ups(operator)
    assert len(after) == 3
    assert before.items() <= after.items()


def test_late_records_fold_their_days_again_and_no_other(operator: Operator) -> None:
    builder = builder_of(operator)
    load(operator, "a", *(record(days, days, item="x") for days in (1, 5, 9)))
    builder.fold()
    before = roll_ups(operator)
    load(operator, "late", record(50, 5, quantity="120", item="y"), record(51, 7))
    assert builder.fold() == 2
    after = roll_ups(operator)
    late = {day_of(DAY) - 5, day_of(DAY) - 7}
    assert {day for day, found in after.items() if before.get(day) != found} == late
    profiles = profiles_of_day(builder, (), day_of(DAY))
    assert number(profiles, "voice_minutes_7d") == 1.0 + 1.0 + 2.0 + 1.0
    assert profiles.usage.vocabulary[profiles.usage.codes].tolist() == ["item:x", "item:y"]


def test_a_load_that_is_loaded_again_changes_nothing(operator: Operator) -> None:
    builder = builder_of(operator)
    folded = []
    for _ in range(2):
        load(operator, "a", record(1, 3))
        folded.append(builder.fold())
    assert folded == [1, 0]


def many(random: np.random.Generator, count: int = 120) -> list[dict[str, Any]]:
    kinds = ["voice", "sms", "data", "content", "fee", "top_up"]
    return [
        record(
            place,
            int(random.integers(-2, 16)),
            subscriber_id=f"s{random.integers(1, 4)}",
            kind=str(random.choice(kinds)),
            quantity=int(random.integers(0, 10**6)),
            charge=f"{random.integers(0, 10**4) / 100:.2f}",
            direction=str(random.choice(["in", "out", ""])),
            category=str(random.choice(["", "video", "music"])),
            item=str(random.choice(["", "a", "b"])),
        )
        for place in range(count)
    ]


def people(operator: Operator) -> None:
    load(operator, "people", *({**SUBSCRIBER, "subscriber_id": f"s{n}"} for n in range(1, 4)))


def test_a_profile_knows_nothing_of_its_day_or_later(operator: Operator) -> None:
    builder = builder_of(operator)
    operator.load(operator.write("offers.yaml", OFFER))
    load(operator, "a", record(1, 1, item="x"))
    load(operator, "events", {**EVENT, "occurred_at": (DAY - timedelta(days=1)).isoformat()})
    builder.fold()
    before = profiles_of_day(builder, OFFERS, day_of(DAY))
    assert (number(before, "voice_minutes_7d"), number(before, "days_since_active")) == (1.0, 1.0)
    # 19:00 UTC of the day before is already the day itself in Sverdlovsk.
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) - timedelta(hours=5)
    load(
        operator,
        "planted",
        record(2, 0, occurred_at=midnight.isoformat(), item="y", quantity="6000"),
        record(3, -5, kind="top_up", charge="1000"),
    )
    load(
        operator,
        "planted_events",
        {**EVENT, "event_id": "e2", "occurred_at": midnight.isoformat(), "kind": "connection"},
        {**EVENT, "event_id": "e3", "occurred_at": (DAY + timedelta(days=3)).isoformat()},
    )
    assert builder.fold() == 2
    days = [day_of(DAY), day_of(DAY) + 1]
    after = builder.of_spine(OFFERS, pa.table({"subscriber_id": ["s1"] * 2, "as_of": days}))
    assert same(after.take(np.asarray([0])), before)
    assert number(after, "voice_minutes_7d", 1) == 101.0


def test_days_without_any_usage_file_give_zeros(operator: Operator) -> None:
    builder = builder_of(operator)
    load(operator, "old", {**SUBSCRIBER, "activated_on": "2015-01-01"})
    load(operator, "a", record(1, 1, item="x"))
    builder.fold()
    profiles = profiles_of_day(builder, (), day_of(DAY) + 600)
    assert profiles.subscriber_ids.tolist() == ["s1"]
    assert number(profiles, "active_days_90d") == number(profiles, "charge_sum_90d") == 0.0
    assert np.isnan(number(profiles, "days_since_top_up"))
    assert len(profiles.usage.codes) == 0


def test_whoever_was_known_by_the_day_is_there(operator: Operator) -> None:
    later = {"activated_on": (DAY + timedelta(days=1)).isoformat()}
    load(
        operator,
        "people",
        {**SUBSCRIBER, "subscriber_id": "today", "activated_on": DAY.isoformat()},
        {**SUBSCRIBER, "subscriber_id": "later", **later},
        {**SUBSCRIBER, "subscriber_id": "later_with_records", **later},
        {**SUBSCRIBER, "subscriber_id": "later_with_later_records", **later},
    )
    load(
        operator,
        "a",
        record(1, 1, subscriber_id="later_with_records"),
        record(2, 0, subscriber_id="later_with_later_records"),
    )
    builder = builder_of(operator)
    builder.fold()
    profiles = profiles_of_day(builder, (), day_of(DAY))
    assert profiles.subscriber_ids.tolist() == ["later_with_records", "s1", "today"]
    assert [number(profiles, "voice_minutes_7d", row) for row in range(3)] == [1.0, 0.0, 0.0]
    assert [number(profiles, "tenure_days", row) for row in (0, 2)] == [0.0, 0.0]


def test_profiles_of_a_spine_are_those_of_the_days(operator: Operator) -> None:
    people(operator)
    load(operator, "a", *many(np.random.default_rng(5), 30))
    builder = builder_of(operator)
    builder.fold()
    days = [day_of(DAY) - 7, day_of(DAY)]
    spine = pa.table({"subscriber_id": ["s2", "s2", "s1"], "as_of": [days[1], days[0], days[0]]})
    profiles = builder.of_spine((), spine)
    assert list(zip(profiles.subscriber_ids, profiles.as_of, strict=True)) == [
        ("s1", days[0]),
        ("s2", days[0]),
        ("s2", days[1]),
    ]
    for day, rows in zip(days, ([0, 1], [2]), strict=True):
        everyone = profiles_of_day(builder, (), day)
        places = np.flatnonzero(np.isin(everyone.subscriber_ids, profiles.subscriber_ids[rows]))
        assert same(profiles.take(np.asarray(rows)), everyone.take(places))


def test_roll_ups_of_another_recipe_are_folded_again(operator: Operator) -> None:
    load(operator, "a", record(1, 1), record(2, 2))
    builder = builder_of(operator)
    builder.fold()
    old = operator.lake.files("daily")[0]
    with operator.lake.change() as change:
        change.drop("daily", [int(old.day or 0)])
        change.add("daily", operator.lake.folder / old.path, rows=old.rows, load="another recipe", day=old.day)
        change.commit()
    assert (builder.fold(), builder.fold()) == (1, 0)


def test_records_from_before_a_column_was_there_are_folded(operator: Operator) -> None:
    load(operator, "a", record(1, 1, item="x", direction="out"))
    (path,) = operator.lake.paths("usage")
    pq.write_table(pq.read_table(path).drop_columns(["roaming", "item", "direction", "discount"]), path)
    builder = builder_of(operator)
    assert builder.fold() == 1
    profiles = profiles_of_day(builder, (), day_of(DAY))
    assert (number(profiles, "voice_minutes_7d"), number(profiles, "voice_out_minutes_7d")) == (1.0, 0.0)
    assert len(profiles.usage.codes) == 0


def test_folding_reports_its_progress_in_batches(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "BATCH_RECORDS", 2)
    load(operator, "a", *(record(number, days) for number, days in enumerate((1, 2, 2, 3))))
    heard: list[tuple[str, int, int]] = []
    assert builder_of(operator).fold(lambda *words: heard.append(words)) == 3
    assert heard == [("folding days", 1, 3), ("folding days", 2, 3), ("folding days", 3, 3)]


def test_nothing_is_folded_while_the_lake_is_being_changed(operator: Operator) -> None:
    load(operator, "a", record(1, 1))
    builder = builder_of(operator)
    with operator.lake.change(), pytest.raises(WorkspaceBusy):
        builder.fold()
    assert builder.fold() == 1
    with operator.lake.change():
        assert builder.fold() == 0


def test_without_usage_or_subscribers_it_says_what_is_missing(operator: Operator, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="usage records"):
        list(builder_of(operator).of_day((), day_of(DAY)))
    with pytest.raises(NotEnoughData, match="subscribers"):
        list(builder_of(Operator(tmp_path / "empty")).of_day((), day_of(DAY)))


def test_refresh_folds_writes_and_publishes(operator: Operator, tmp_path: Path) -> None:
    load(operator, "a", record(1, 1, item="x"), record(2, 2, kind="top_up", charge="10"))
    load(
        operator, "events", {**EVENT, "occurred_at": (DAY - timedelta(days=1)).isoformat()}, {**EVENT, "event_id": "e2"}
    )
    store, out = LmdbProfileStore(tmp_path / "profiles"), tmp_path / "out.parquet"
    builder = builder_of(operator)
    learnt = builder.ledger.events()
    done = refresh(builder, store, OFFERS, learnt=learnt, as_of=day_of(DAY), out=out, open_table=table_writer)
    assert (done.snapshot, done.subscribers, done.days_folded) == ("2021-06-20.1", 1, 2)
    assert (store.current(), store.fingerprint(done.snapshot)) == (done.snapshot, feature_fingerprint())
    written = pq.read_table(out)
    assert written.column_names == ["subscriber_id", "as_of", *FEATURE_NAMES]
    assert written.schema.types[:3] == [pa.string(), pa.date32(), pa.float64()]
    profiles = profiles_of_day(builder_of(operator), OFFERS, day_of(DAY))
    exact = np.column_stack([written[name].to_numpy(zero_copy_only=False) for name in FEATURE_NAMES])
    assert np.array_equal(exact.astype(np.float32), profiles.numeric, equal_nan=True)
    assert written["as_of"].to_pylist() == [DAY]
    assert written["data_night_share_30d"].null_count == 1
    kept = store.find(done.snapshot, "s1")
    assert kept is not None
    assert same(kept, profiles)
    answered = kept.responses
    assert sorted(answered.vocabulary[answered.codes]) == ["offer:music", "offer_category:music"]
    assert answered.values[:, :2].tolist() == [[2.0, 0.0], [2.0, 0.0]]
    history = store.history(done.snapshot)
    assert (history.offer_ids, history.regions, history.impressions.tolist()) == (
        ("music",),
        ("Sverdlovsk",),
        [[[2.0]]],
    )
    store.close()


def test_refresh_of_a_day_on_which_nobody_was_known_is_refused(operator: Operator, tmp_path: Path) -> None:
    load(operator, "a", record(1, 1))
    out = tmp_path / "out.csv"
    store = LmdbProfileStore(tmp_path / "profiles")
    builder, early = builder_of(operator), day_of(date(2019, 1, 1))
    learnt = builder.ledger.events()
    with pytest.raises(NotEnoughData, match="activated"):
        refresh(builder, store, (), learnt=learnt, as_of=early, out=out, open_table=table_writer)
    assert (store.current(), out.exists()) == (None, False)
