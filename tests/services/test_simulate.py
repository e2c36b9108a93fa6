from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from mia import tables
from mia.domain.event import Channel, EventKind
from mia.domain.region import REGIONS
from mia.domain.usage import USAGE_KINDS
from mia.errors import InvalidInput
from mia.services.simulate import simulate
from mia.simulator.scenario import Scenario

SCENARIO = Scenario(subscribers=300, months=2, seed=4)
SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("world")
    simulate(SCENARIO, out)
    return out


@pytest.fixture(scope="module")
def usage(folder):
    return pa.concat_tables([pq.read_table(path) for path in sorted((folder / "usage").iterdir())])


@pytest.fixture(scope="module")
def events(folder):
    return pq.read_table(folder / "events.parquet")


def test_the_same_seed_gives_the_same_bytes_over_an_earlier_run_too(folder, tmp_path):
    simulate(SCENARIO, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)
    simulate(SCENARIO, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)


def test_another_seed_gives_another_world(folder, tmp_path):
    simulate(Scenario(subscribers=300, months=2, seed=5), tmp_path)
    ours, theirs = content(folder), content(tmp_path)
    assert ours.keys() == theirs.keys()
    same = {name for name in ours if ours[name] == theirs[name]}
    assert same == {"catalogue.yaml"}


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(InvalidInput, match="empty folder"):
        simulate(SCENARIO, tmp_path)
    assert content(tmp_path) == {"letters.txt": b"dear"}


def test_the_tables_are_canonical(folder, usage, events):
    subscribers = pq.read_table(folder / "subscribers.parquet")
    assert {*tables.SUBSCRIBERS.required, "tariff", "birth_year", "consent_channels"} <= set(subscribers.column_names)
    amending = {tables.ARRIVED_AT, tables.VERSION, tables.WITHDRAWN}
    assert set(usage.column_names) == set(tables.USAGE.names) - amending - {tables.DISCOUNT}
    assert set(events.column_names) == set(tables.EVENTS.names)
    assert set(subscribers["region"].to_pylist()) <= set(REGIONS)
    assert set(usage["kind"].to_pylist()) == set(USAGE_KINDS)
    assert set(events["kind"].to_pylist()) == set(EventKind)
    assert set(events["channel"].to_pylist()) <= set(Channel)
    assert usage.schema.field("occurred_at").type == pa.timestamp("ms", "UTC")
    for table, keys in ((usage, tables.USAGE.key), (events, tables.EVENTS.key), (subscribers, tables.SUBSCRIBERS.key)):
        (key,) = keys
        assert pc.count_distinct(table[key]).as_py() == table.num_rows
        assert table[key].null_count == 0
    known = set(subscribers["subscriber_id"].to_pylist())
    assert set(usage["subscriber_id"].to_pylist()) <= known
    assert set(events["subscriber_id"].to_pylist()) <= known
    offers = {offer["id"] for offer in yaml.safe_load((folder / "catalogue.yaml").read_text("utf-8"))["offers"]}
    assert set(events["offer_id"].to_pylist()) <= offers


def test_the_truth_stays_out_of_the_tables(folder, usage, events):
    hidden = set(pq.read_schema(folder / "truth" / "impressions.parquet").names) - {"event_id", "connected"}
    hidden |= set(pq.read_schema(folder / "truth" / "subscribers.parquet").names) - {"subscriber_id"}
    open_tables = {*usage.column_names, *events.column_names, *pq.read_schema(folder / "subscribers.parquet").names}
    assert not hidden & open_tables


def test_every_answer_follows_its_impression(events, folder):
    rows = events.select(["event_id", "kind", "subscriber_id", "offer_id", "occurred_at", "propensity"]).to_pylist()
    impressions = {row["event_id"]: row for row in rows if row["kind"] == "impression"}
    answers = [row for row in rows if row["kind"] != "impression"]
    assert answers
    for row in answers:
        shown = impressions[row["event_id"][:-1]]
        assert (row["subscriber_id"], row["offer_id"]) == (shown["subscriber_id"], shown["offer_id"])
        assert row["occurred_at"] > shown["occurred_at"]
        assert row["propensity"] is None
    assert all(0 < row["propensity"] <= 1 for row in impressions.values())
    truth = pq.read_table(folder / "truth" / "impressions.parquet").to_pylist()
    assert {row["event_id"] for row in truth} == set(impressions)
    accepted = {row["event_id"] for row in truth if row["connected"]}
    assert {row["event_id"][:-1] for row in rows if row["kind"] == "connection"} <= accepted


def test_progress_is_told_and_counts_are_returned(tmp_path):
    told = []
    done = simulate(Scenario(20, 1, 1), tmp_path, lambda *step: told.append(step))
    assert told == [("simulate", 20, 20)]
    assert done.subscribers == 20
    assert done.records == pq.read_metadata(tmp_path / "usage" / "2021-01.parquet").num_rows
    assert done.events == pq.read_metadata(tmp_path / "events.parquet").num_rows
    assert f"{done.records:,} usage records" in (tmp_path / "README.md").read_text("utf-8")


def test_one_subscriber_is_a_world_too(tmp_path):
    simulate(Scenario(1, 1, 0), tmp_path)
    assert pq.read_schema(tmp_path / "events.parquet").field("propensity").type == pa.float64()


def test_the_sample_is_what_its_command_makes(tmp_path):
    recipe = yaml.safe_load((SAMPLE / "truth" / "world.yaml").read_text("utf-8"))
    assert recipe == {"subscribers": 2000, "months": 6, "seed": 2021, "start": "2021-01"}
    simulate(Scenario(recipe["subscribers"], recipe["months"], recipe["seed"]), tmp_path)
    made = content(tmp_path)
    for name, data in made.items():
        assert (SAMPLE / name).stat().st_size < 4 * 2**20
        if name.endswith(".parquet"):
            assert pq.read_table(SAMPLE / name).equals(pq.read_table(tmp_path / name)), name
        else:
            assert (SAMPLE / name).read_bytes() == data, name


def test_connections_in_the_urals_grow_by_half_or_so_in_the_sample():
    events = pq.read_table(SAMPLE / "events.parquet").to_pandas()
    people = pq.read_table(SAMPLE / "subscribers.parquet").to_pandas().set_index("subscriber_id")
    events = events[events["kind"] == "connection"]
    urals = events["subscriber_id"].map(people["region"]).map(lambda region: REGIONS[region].macro_region) == "Urals"
    by_month = events[urals]["occurred_at"].dt.strftime("%Y-%m").value_counts()
    assert 1.4 <= by_month["2021-06"] / by_month["2021-01"] <= 1.7
