"""Offers of other systems, from before MIA: read by mapping, and counted as the raw files say."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copy

import duckdb
import pytest
from tests.fakes.intake import Operator, write_csv

from mia.bootstrap import Workspace, open_workspace
from mia.domain.region import REGIONS
from mia.settings import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
EARLIER = SAMPLE / "mappings" / "earlier_offers"
MAPPING = SAMPLE / "mappings" / "earlier_offers.yaml"
RAW = f"""
WITH said AS (
    SELECT DISTINCT абонент, код, событие, strptime(время_мск, '%d.%m.%Y %H:%M:%S') AS msk
    FROM read_csv('{EARLIER}/log.csv', delim = ';', all_varchar = true)
    UNION ALL
    SELECT абонент, код, 'Подключено', strptime(подключено, '%d.%m.%Y %H:%M:%S')
    FROM read_csv('{EARLIER}/calls.csv', delim = ';', all_varchar = true) WHERE подключено IS NOT NULL
    UNION ALL
    SELECT абонент, код, 'Отключено', strptime(отключено, '%d.%m.%Y %H:%M:%S')
    FROM read_csv('{EARLIER}/calls.csv', delim = ';', all_varchar = true) WHERE отключено IS NOT NULL
), judged AS (
    SELECT *, lag(событие) OVER (PARTITION BY абонент, код ORDER BY msk) AS before
    FROM said WHERE событие IN ('Подключено', 'Отключено')
)
SELECT macro, strftime(msk - INTERVAL 3 HOUR + to_minutes(ahead), '%Y-%m') AS month, count(*)
FROM judged JOIN people ON subscriber_id = абонент
WHERE событие = 'Подключено' AND coalesce(before, 'Отключено') = 'Отключено'
GROUP BY ALL
"""
FEWEST = 5  # connections in the baseline month; the history is a small one
# Minutes ahead of UTC, written out: the query must not ask what MIA asks.
AHEAD = {
    "Asia/Yekaterinburg": 300,
    "Europe/Moscow": 180,
    "Europe/Kaliningrad": 120,
    "Europe/Samara": 240,
    "Asia/Novosibirsk": 420,
    "Asia/Vladivostok": 600,
}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("subscribers.parquet", "catalogue.yaml"):
        copy(SAMPLE / name, source / name)
    opened = open_workspace(Settings(home=tmp_path / "home", threads=1, uptake={"small_base": FEWEST}))
    opened.ingest(source)
    yield opened
    opened.close()


def counted_raw() -> dict[tuple[str, str], int]:
    """New connections by macro-region and month from the raw files alone."""
    regions = ", ".join(f"('{name}', '{one.macro_region}', '{one.timezone}')" for name, one in REGIONS.items())
    zones = ", ".join(f"('{name}', {minutes})" for name, minutes in AHEAD.items())
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT subscriber_id, macro, ahead "
            f"FROM read_parquet('{SAMPLE}/subscribers.parquet') "
            f"JOIN (VALUES {regions}) AS r (region, macro, home) USING (region) "
            f"JOIN (VALUES {zones}) AS z (zone, ahead) ON zone = coalesce(timezone, home)"
        )
        return {(row[0], row[1]): row[2] for row in connection.execute(RAW).fetchall()}


def upto(raw: dict[tuple[str, str], int], group: str, month: str) -> int:
    return sum(count for (one, at), count in raw.items() if one == group and at <= month)


def test_the_headline_over_a_foreign_history_is_that_of_a_query_over_its_files(opened: Workspace) -> None:
    report = opened.ingest(EARLIER, mapping=MAPPING)
    (events,) = report.tables
    assert (events.rejected, events.duplicates) == ((), 3)
    raw = counted_raw()
    rows = opened.uptake.table("2021-01", "macro_region").to_pylist()
    assert {(row["group"], row["month"]): row["connections"] for row in rows if row["connections"]} == raw
    for row in rows:
        then, now = (upto(raw, row["group"], month) for month in ("2021-01", row["month"]))
        assert row["cumulative"] == now
        assert row["index"] == (pytest.approx(now / then) if then >= FEWEST else None)
    then, now = (upto(raw, "Urals", month) for month in ("2021-01", "2021-03"))
    headline = opened.uptake.headline("Urals", "2021-01", "2021-03")
    assert headline.growth_percent == pytest.approx((now / then - 1) * 100)


def test_loading_it_again_in_another_export_changes_nothing(opened: Workspace, tmp_path: Path) -> None:
    opened.ingest(EARLIER, mapping=MAPPING)
    position = opened.ledger.position()
    lines = (EARLIER / "log.csv").read_text("utf-8").splitlines()
    again = tmp_path / "again"
    again.mkdir()
    # Another part of it, in another order, in another file.
    (again / "log.csv").write_text("\n".join([lines[0], *reversed(lines[100:300])]) + "\n", "utf-8")
    copy(EARLIER / "calls.csv", again)
    (events,) = opened.ingest(again, mapping=MAPPING).tables
    assert (events.accepted, events.rejected) == (0, ())
    assert opened.ledger.position() == position


LOG = """
events:
  - path: log.csv
    columns: {occurred_at: moment, subscriber_id: who, offer_id: what, kind: said, channel: place, position: slot}
    values:
      kind: {SHOWN: impression, "ON": connection, LOST: ~}
      channel: {site: web}
"""


def row(**changes: object) -> dict[str, object]:
    return {
        "moment": "2021-01-05T10:00:00Z",
        "who": "s1",
        "what": "music",
        "said": "ON",
        "place": "site",
        "slot": "",
    } | changes


def test_an_event_without_an_id_is_told_by_what_it_says(tmp_path: Path) -> None:
    operator = Operator(tmp_path).begin()
    rows = [
        row(),
        row(moment="2021-01-05 13:00:00+03:00"),
        row(said="SHOWN"),
        row(said="SHOWN", slot="2"),
        row(said="LOST"),
        row(said="GONE"),
        row(place="radio"),
        row(what="nobody knows"),
    ]
    write_csv(operator.folder / "log" / "log.csv", rows)
    (tmp_path / "m.yaml").write_text(LOG, "utf-8")
    (events,) = operator.load(operator.folder / "log", mapping=tmp_path / "m.yaml").tables
    # The connection and the impression; the same moment written otherwise; the impression that says another place.
    assert (events.rows, events.accepted, events.duplicates) == (7, 2, 1)
    assert {(one.column, one.rule) for one in events.rejected} == {
        ("kind", "unknown kind"),
        ("channel", "unknown channel"),
        ("offer_id", "unknown offer"),
        ("event_id", "conflict"),
    }
    stored = operator.ledger.events()
    assert sorted(stored["kind"].to_pylist()) == ["connection", "impression"]
    assert set(stored["decision_id"].to_pylist()) == {None}
    assert all(one.startswith("made-") for one in stored["event_id"].to_pylist())


def test_an_offer_of_an_earlier_catalogue_still_counts(tmp_path: Path) -> None:
    operator = Operator(tmp_path).begin()
    write_csv(operator.folder / "log" / "log.csv", [row(what="fax")])
    (tmp_path / "m.yaml").write_text(LOG, "utf-8")
    assert operator.load(operator.folder / "log", mapping=tmp_path / "m.yaml").tables[0].accepted == 0
    for offers in (["fax"], ["music"]):
        write_csv(operator.folder / "offers.csv", [{"id": one, "name": one, "category": "c"} for one in offers])
        operator.load(operator.folder / "offers.csv")
    # The row was rejected for a reason that lies outside of it, so the same file may be tried again.
    assert operator.load(operator.folder / "log", mapping=tmp_path / "m.yaml").tables[0].accepted == 1


def test_an_id_that_is_made_does_not_give_a_number_away(tmp_path: Path) -> None:
    ids = []
    for key in (b"one key", b"another"):
        other = Operator(tmp_path / key.decode()).begin()
        write_csv(
            other.folder / "s.csv",
            [{"subscriber_id": "+79123456789", "region": "Sverdlovsk", "activated_on": "2020-01-01"}],
        )
        write_csv(other.folder / "log" / "log.csv", [row(who="8 912 345-67-89")])
        (tmp_path / "m.yaml").write_text(LOG, "utf-8")
        terms = replace(other.terms, pseudonym_key=key)
        other.load(other.folder / "s.csv", table="subscribers", terms=terms)
        other.load(other.folder / "log", mapping=tmp_path / "m.yaml", terms=terms)
        ids += other.ledger.events()["event_id"].to_pylist()
    assert len(set(ids)) == 2
