"""Promise 1: a pair is what was known before the day, and serving sees the same bits as training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.frames import objects
from tests.fakes.profiles import profiles_of_day
from tests.fakes.world import AS_OF, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.event import Event, EventKind
from mia.ranking.history import OfferRates
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.point_in_time import PointInTime
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

DAY = DAY_SECONDS * MICROSECONDS


@pytest.fixture
def opened(world: World, tmp_path: Path):
    found = open_workspace(world.settings(world.copy(tmp_path)))
    yield found
    found.close()


def in_batch(opened: Workspace, table: OfferTable, subscriber_ids: Any, days: Any, cols: Any) -> Any:
    """The way of training: any subscribers, days and offers in one frame."""
    moment = PointInTime(table, opened.learning_log.events(), opened.build_profiles)
    profiles, rows = moment.profiles(subscriber_ids, days)
    context = Context.constant(len(cols), "app")
    return build_pairs(profiles, moment.table, moment.rates(profiles), rows, cols, context)


def test_serving_and_training_see_the_same_bits(opened: Workspace) -> None:
    offers = opened.current_offers()
    table, snapshot = OfferTable.build(offers), str(opened.profiles.current())
    rates = OfferRates.build(opened.profiles.history(snapshot), table)
    everyone = profiles_of_day(opened.builder, offers, AS_OF).subscriber_ids
    rng = np.random.default_rng(1)
    # Among pairs of many other days, in no order, as a training set has them.
    asked = np.repeat(everyone, len(table))
    days = np.full(len(asked), AS_OF)
    cols = np.tile(np.arange(len(table)), len(everyone))
    others = rng.choice(len(asked), 3_000)
    order = rng.permutation(len(asked) + len(others))
    batch = in_batch(
        opened,
        table,
        np.concatenate([asked, asked[others]])[order],
        np.concatenate([days, AS_OF - rng.integers(1, 100, len(others))])[order],
        np.concatenate([cols, cols[others]])[order],
    ).take(np.argsort(order)[: len(asked)])
    model = LightGBMRanker.load(opened.registry.fetch("1"))
    scores, matrix = model.score(batch), model.schema.matrix(batch)
    for place, subscriber_id in enumerate(everyone):
        profile = opened.profiles.find(snapshot, subscriber_id)
        assert profile is not None
        context = Context.constant(len(table), "app")
        rows = np.zeros(len(table), np.int64)
        alone = build_pairs(profile, table, rates, rows, np.arange(len(table)), context)
        part = slice(place * len(table), (place + 1) * len(table))
        assert alone.names == batch.names
        assert alone.features.tobytes() == batch.features[part].tobytes()
        assert model.schema.matrix(alone).tobytes() == matrix[part].tobytes()
        assert model.score(alone).tobytes() == scores[part].tobytes()


def plant(opened: Workspace, folder: Path, day: int) -> None:
    """Usage and answers of everybody on a day, much more than usual."""
    everyone = profiles_of_day(opened.builder, opened.current_offers(), AS_OF).subscriber_ids.tolist()
    noon = f"{date_of(day).isoformat()}T12:00:00Z"
    lines = ["subscriber_id,occurred_at,kind,quantity,charge,category,item"]
    lines += [f"{one},{noon},{kind},1000000000,99,video,cinema" for one in everyone for kind in ("data", "voice")]
    (folder / "usage.csv").write_text("\n".join(lines), "utf-8")
    opened.ingest(folder / "usage.csv")
    at = day * DAY + DAY // 2
    offers = opened.current_offers()
    opened.ledger.append_events(
        [
            Event(f"{one} {kind} {offer.id}", at, one, offer.id, kind, "app", day, "mia", "Kurgan", "Urals")
            for one in everyone[::10]
            for kind in (EventKind.IMPRESSION, EventKind.CONNECTION, EventKind.DECLINE)
            for offer in offers[::5]
        ]
    )
    opened.builder.fold()


def test_what_happens_on_the_day_or_later_changes_nothing(opened: Workspace, tmp_path: Path) -> None:
    table = OfferTable.build(opened.current_offers())
    everyone = profiles_of_day(opened.builder, opened.current_offers(), AS_OF).subscriber_ids
    day = AS_OF - 20
    rng = np.random.default_rng(2)
    asked, cols = rng.choice(everyone, 500), rng.integers(0, len(table), 500)
    days = rng.integers(day - 30, day + 1, 500)
    before = in_batch(opened, table, asked, days, cols)
    later = in_batch(opened, table, asked, days + 31, cols)
    plant(opened, tmp_path, day)
    after = in_batch(opened, table, asked, days, cols)
    assert after.features.tobytes() == before.features.tobytes()
    assert after.profiles.numeric.tobytes() == before.profiles.numeric.tobytes()
    # The same plant is seen by the days after it, so the test could have failed.
    seen = in_batch(opened, table, asked, days + 31, cols)
    assert (seen.features != later.features).any(axis=0).sum() > 20
    assert (seen.profiles.numeric != later.profiles.numeric).any(axis=0).sum() > 20


def test_profiles_of_people_the_lake_does_not_know_stay_in_their_rows(opened: Workspace) -> None:
    table = OfferTable.build(opened.current_offers())
    known = profiles_of_day(opened.builder, opened.current_offers(), AS_OF).subscriber_ids[:3]
    asked = objects([known[0], "stranger", known[1], "stranger", known[2]])
    mixed = in_batch(opened, table, asked, np.asarray([AS_OF, AS_OF, AS_OF, AS_OF - 5, AS_OF]), np.zeros(5, np.int64))
    alone = in_batch(opened, table, known, np.full(3, AS_OF), np.zeros(3, np.int64))
    assert mixed.features[[0, 2, 4]].tobytes() == alone.features.tobytes()
    assert mixed.profiles.subscriber_ids[mixed.rows].tolist() == asked.tolist()
    assert mixed.profiles.as_of[mixed.rows].tolist() == [AS_OF, AS_OF, AS_OF, AS_OF - 5, AS_OF]


def test_a_day_without_pairs_is_no_trouble(opened: Workspace) -> None:
    table = OfferTable.build(opened.current_offers())
    none = in_batch(opened, table, objects([]), np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert len(none) == 0


def test_the_snapshot_of_a_day_is_made_of_what_came_before_it(opened: Workspace) -> None:
    snapshot = str(opened.profiles.current())
    history = opened.profiles.history(snapshot)
    rows = [row for row in opened.learning_log.events().to_pylist() if row["local_day"] < AS_OF]
    assert history.impressions.sum() == sum(row["kind"] == "impression" for row in rows)
    assert history.connections.sum() == sum(row["kind"] == "connection" for row in rows)
