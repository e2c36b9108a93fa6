from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from tests.fakes.world import AS_OF, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import DecisionRequest, Rule
from mia.domain.event import Event, EventKind
from mia.errors import FeatureMismatch, InvalidInput, NotEnoughData
from mia.frames import Floats
from mia.ranking.local_time import weekday_of
from mia.ranking.pairs import Context, Pairs
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

DAY = DAY_SECONDS * MICROSECONDS


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory):
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("score"))))
    yield found
    found.close()


@pytest.fixture(scope="module")
def pairs(world: World) -> pa.Table:
    """Impressions of April in no order, with columns of the caller's own."""
    shown = pq.read_table(world.source / "events.parquet").to_pylist()[-900::7]
    rng = np.random.default_rng(3)
    rows = [shown[place] for place in rng.permutation(len(shown))]
    return pa.table(
        {
            "note": [f"row {place}" for place in range(len(rows))],
            "offer_id": [row["offer_id"] for row in rows],
            "zone": ["mine"] * len(rows),
            "subscriber_id": [row["subscriber_id"] for row in rows],
            "local_day": rng.integers(0, 9, len(rows)),
            "occurred_at": pa.array([row["occurred_at"] for row in rows], pa.timestamp("us", "UTC")),
            "channel": [row["channel"] for row in rows],
        }
    )


def score(opened: Workspace, given: pa.Table, folder: Path, suffix: str = "parquet") -> pa.Table:
    path = folder / f"pairs.{suffix}"
    pq.write_table(given, path) if suffix == "parquet" else pacsv.write_csv(given, path)
    return opened.pair_scorer("1").score(path)


@pytest.fixture(scope="module")
def scored(opened: Workspace, pairs: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return score(opened, pairs, tmp_path_factory.mktemp("scored"))


def test_rows_come_back_in_order_with_two_columns_more(opened: Workspace, pairs: pa.Table, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "pairs.parquet"
    pq.write_table(pairs, path)
    found = opened.pair_scorer("1").score(path, lambda *step: told.append(step))
    assert found.column_names == [*pairs.column_names, "acceptance", "expected_value"]
    assert found.select(pairs.column_names).equals(pairs)
    assert told[-1] == ("scoring", len(pairs), len(pairs))
    offers = opened.catalogue()
    for row in found.to_pylist():
        offer = offers.offer(row["offer_id"])
        assert 0 < row["acceptance"] < 1
        assert row["expected_value"] == pytest.approx(row["acceptance"] * offer.value * offer.priority)


def test_csv_gives_the_same_scores_and_keeps_its_words(
    opened: Workspace, pairs: pa.Table, scored: pa.Table, tmp_path: Path
) -> None:
    found = score(opened, pairs, tmp_path, "csv")
    assert found["acceptance"].equals(scored["acceptance"])
    assert found["note"].to_pylist() == pairs["note"].to_pylist()
    assert found["local_day"].to_pylist() == [str(day) for day in pairs["local_day"].to_pylist()]


def test_scores_already_there_are_replaced(opened: Workspace, scored: pa.Table, tmp_path: Path) -> None:
    stale = scored.set_column(scored.column_names.index("acceptance"), "acceptance", pa.array([0.5] * len(scored)))
    assert score(opened, stale, tmp_path).equals(scored)


def test_each_row_is_scored_alone_as_among_many(
    opened: Workspace, pairs: pa.Table, scored: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scored["acceptance"].to_pylist()
    for row in (0, 17):
        assert score(opened, pairs.slice(row, 1), tmp_path)["acceptance"].to_pylist() == [whole[row]]
    monkeypatch.setattr("mia.services.score.pairs.CHUNK", 10)
    assert score(opened, pairs, tmp_path)["acceptance"].to_pylist() == whole


def test_no_rows_are_no_rows(opened: Workspace, pairs: pa.Table, tmp_path: Path) -> None:
    found = score(opened, pairs.slice(0, 0), tmp_path)
    assert (len(found), found.column_names[-2:]) == (0, ["acceptance", "expected_value"])


def test_a_channel_that_is_not_given_is_average(opened: Workspace, pairs: pa.Table, tmp_path: Path) -> None:
    without = score(opened, pairs.drop_columns(["channel"]), tmp_path)
    assert np.isfinite(without["acceptance"].to_numpy()).all()


def put(pairs: pa.Table, row: int, **values: Any) -> pa.Table:
    rows = pairs.to_pylist()
    rows[row] |= values
    return pa.Table.from_pylist(rows, pairs.schema)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"subscriber_id": "nobody"}, "no such subscriber"),
        ({"subscriber_id": None}, "no such subscriber"),
        ({"offer_id": "nothing"}, "no such offer"),
        ({"offer_id": None}, "no such offer"),
        ({"occurred_at": None}, "not a timestamp"),
    ],
)
def test_a_row_that_cannot_be_scored_is_named(
    opened: Workspace, pairs: pa.Table, tmp_path: Path, values: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule) as caught:
        score(opened, put(pairs, 6, **values), tmp_path)
    (column,) = values
    assert (caught.value.row, caught.value.column) == (7, column)
    assert caught.value.file == str(tmp_path / "pairs.parquet")


@pytest.mark.parametrize("moment", ["yesterday", "2021-13-01", "1620000000", "infinity", ""])
def test_a_time_that_is_none_is_named(opened: Workspace, tmp_path: Path, moment: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(f"subscriber_id,offer_id,occurred_at\ns0000001,data_5,2021-04-01T10:00\ns0000001,data_5,{moment}\n")
    offer = opened.current_offers()[0].id
    path.write_text(path.read_text().replace("data_5", offer))
    with pytest.raises(InvalidInput, match="not a timestamp") as caught:
        opened.pair_scorer("1").score(path)
    assert caught.value.row == 2


@pytest.mark.parametrize("missing", ["subscriber_id", "offer_id", "occurred_at"])
def test_a_missing_column_is_named(opened: Workspace, pairs: pa.Table, tmp_path: Path, missing: str) -> None:
    with pytest.raises(InvalidInput, match="column is missing") as caught:
        score(opened, pairs.drop_columns([missing]), tmp_path)
    assert caught.value.column == missing


def test_what_cannot_be_read_is_refused(opened: Workspace, world: World, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        opened.pair_scorer("1").score(tmp_path / "absent.csv")
    (tmp_path / "broken.parquet").write_text("no parquet")
    with pytest.raises(InvalidInput, match="cannot be read"):
        opened.pair_scorer("1").score(tmp_path / "broken.parquet")


def test_a_time_carries_its_offset_and_the_day_is_local(opened: Workspace, tmp_path: Path) -> None:
    people = pq.read_table(opened.lake.paths("subscribers")).to_pylist()
    urals = next(row["subscriber_id"] for row in people if row["region"] == "Kurgan" and row["timezone"] is None)
    offer = opened.current_offers()[0].id
    rows = [
        f"{urals},{offer},{text}"
        for text in (
            "2021-04-10T18:59:59Z",  # the 10th in the Urals
            "2021-04-10 12:00:00",
            "2021-04-10T19:00:00Z",  # the 11th
            "2021-04-11T00:00:00+05:00",
        )
    ]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["subscriber_id,offer_id,occurred_at", *rows]))
    table, days, moments = opened.pair_scorer("1")._read(path)
    assert [date_of(day).isoformat() for day in days.tolist()] == [
        "2021-04-10",
        "2021-04-10",
        "2021-04-11",
        "2021-04-11",
    ]
    assert (moments - moments[0]).tolist() == [0, -25_199_000_000, 1_000_000, 1_000_000]
    assert table.column_names == ["subscriber_id", "offer_id", "occurred_at"]


def test_a_score_does_not_change_when_later_data_arrive(
    world: World, pairs: pa.Table, scored: pa.Table, tmp_path: Path
) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    first = min(pairs["occurred_at"].to_pylist()).date()
    people = sorted(set(pairs["subscriber_id"].to_pylist()))
    lines = [f"{one},2021-05-05T12:00:00Z,data,5000000000,0,video" for one in people]
    (tmp_path / "usage.csv").write_text("\n".join(["subscriber_id,occurred_at,kind,quantity,charge,category", *lines]))
    opened.ingest(tmp_path / "usage.csv")
    offers = opened.current_offers()
    opened.ledger.append_events(
        [
            Event(f"{one} {offer.id}", (AS_OF + 4) * DAY, one, offer.id, EventKind.CONNECTION, "app", AS_OF + 4, "mia")
            for one in people
            for offer in offers[::9]
        ]
    )
    opened.builder.fold()
    opened.refresh(AS_OF + 10)
    assert score(opened, pairs, tmp_path).equals(scored)
    later = pairs.set_column(
        pairs.column_names.index("occurred_at"), "occurred_at", pa.array(["2021-05-09"] * len(pairs))
    )
    assert first.isoformat() < "2021-05-05"
    assert score(opened, later, tmp_path)["acceptance"].to_pylist() != scored["acceptance"].to_pylist()
    opened.close()


class Blind(LightGBMRanker):
    """Sees no more of the moment than `top` does: the weekday."""

    def score(self, pairs: Pairs) -> Floats:
        context = Context.constant(len(pairs), None, numbers={"weekday": weekday_of(AS_OF)})
        return super().score(replace(pairs, context=context))


def test_the_best_are_what_a_decision_without_exploration_shows(opened: Workspace, tmp_path: Path) -> None:
    """Scored without a channel on both sides: `top` knows none, a decision always does."""
    everyone = pq.read_table(opened.lake.paths("subscribers"), columns=["subscriber_id"])["subscriber_id"].to_pylist()
    opted_out = {
        row["subscriber_id"]
        for row in pq.read_table(opened.lake.paths("subscribers")).to_pylist()
        if not row["personalisation"]
    }
    midnight = AS_OF * DAY
    offers = opened.current_offers()
    opened.ledger.append_events(
        [
            Event(f"{one} {kind}", midnight - DAY, one, offer.id, kind, "app", AS_OF - 1, "mia")
            for place, one in enumerate(everyone)
            for kind, offer in (
                (EventKind.DECLINE, offers[place % len(offers)]),
                (EventKind.CONNECTION, offers[(3 * place + 1) % len(offers)]),
            )
        ]
    )
    opened.refresh(AS_OF)
    k = 5
    out = tmp_path / "best.parquet"
    rows = opened.score_best("1", k, as_of=AS_OF, out=out)
    best = pq.read_table(out).to_pylist()
    assert len(best) == rows
    by_person: dict[str, list[dict[str, Any]]] = {}
    for row in best:
        by_person.setdefault(row["subscriber_id"], []).append(row)
    maker = opened.decisions
    model = maker._force.live.model
    assert model is not None
    maker._force.live = replace(maker._force.live, model=Blind(model._boosters, model.schema, model.calibration))
    compared = 0
    for subscriber_id in everyone:
        if str(opened.arms.arm_of(subscriber_id)) == "control" and subscriber_id not in opted_out:
            continue
        # The moment that `top` looks back from.
        request = DecisionRequest(subscriber_id, "app", midnight, limit=len(offers))
        decision = next(one for one in iter(lambda: maker.decide(request), None) if not one.explored)  # noqa: B023
        off_channel = {offer_id for offer_id, rule in decision.dropped.items() if rule == Rule.CHANNEL}
        shown = [(one.offer_id, one.acceptance, one.expected_value) for one in decision.offers]
        listed = [
            (row["offer_id"], row["acceptance"], row["expected_value"])
            for row in by_person[subscriber_id]
            if row["offer_id"] not in off_channel
        ]
        assert listed == shown[: len(listed)]
        assert [row["position"] for row in by_person[subscriber_id]] == list(
            range(1, len(by_person[subscriber_id]) + 1)
        )
        assert len(by_person[subscriber_id]) == k
        compared += 1
    assert compared > 200
    assert opted_out & set(by_person)


def test_a_model_of_other_features_is_refused(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia.bootstrap.workshop.feature_fingerprint", lambda: "other features")
    with pytest.raises(FeatureMismatch, match="other features"):
        opened.ranker("1")


def test_nobody_had_begun(opened: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="activated"):
        opened.score_best("1", 3, as_of=-20_000, out=tmp_path / "none.csv")
    assert not list(tmp_path.iterdir())
