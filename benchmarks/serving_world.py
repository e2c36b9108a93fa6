"""A workspace of the size that serving is measured at: offers, a large model, a snapshot of many people, a full ledger.

The people, the offers and the model come from data/sample: people and offers many times over, the model with its own
schema but 300 trees of 63 leaves over its 100 most telling columns.
"""

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mia.bootstrap import Workspace, open_workspace
from mia.frames import Objects, Profiles
from mia.offers.contact import no_history
from mia.ports import ChampionChange
from mia.profiles.features import feature_fingerprint
from mia.ranking.pairs import Context, Pairs, build_pairs
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.settings import ArmSettings, Settings
from mia.timeline import DAY_SECONDS, MICROSECONDS, timestamp_of

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
LARGE = {"objective": "binary", "num_leaves": 63, "min_data_in_leaf": 20, "learning_rate": 0.05, "verbosity": -1}
TREES, COLUMNS, PEOPLE = 300, 100, 400
CHUNK, EVENTS_CHUNK = 20_000, 500_000
DAY = DAY_SECONDS * MICROSECONDS
OPEN = [{"tenure_days": {"ge": 0}}]
SHUT = [{"tenure_days": {"lt": 0}}]


def settings_of(home: Path, ledger_url: str | None = None) -> Settings:
    """Everybody gets the personal order, so that every request is a whole one."""
    return Settings(home=home, ledger_url=ledger_url, threads=2, arms=ArmSettings(control_share=0.0))


def build_world(home: Path, *, offers: int, subscribers: int) -> None:
    """A workspace with a champion of the size asked for; two of three offers are open to everybody."""
    opened = open_workspace(settings_of(home))
    with tempfile.TemporaryDirectory() as name:
        for table in ("subscribers.parquet", "events.parquet", "usage"):
            copy = shutil.copytree if (SAMPLE / table).is_dir() else shutil.copy
            copy(SAMPLE / table, Path(name) / table)
        shutil.copy(SAMPLE / "catalogue.yaml", Path(name) / "offers.yaml")
        opened.ingest(Path(name))
    day = opened.profile_day(None)
    opened.refresh(day)
    ranker = opened.ranker(opened.train(fit={"trees": 60}).version)
    assert isinstance(ranker, LightGBMRanker)
    ids = pq.read_table(opened.lake.paths("subscribers"), columns=["subscriber_id"])["subscriber_id"].to_pylist()
    snapshot = str(opened.profiles.current())
    people, _ = opened.profiles.find_many(snapshot, ids)
    _widen(opened, offers)
    _enlarge(opened, ranker, _pairs(opened, people))
    history = opened.profiles.history(snapshot)
    opened.profiles.publish(day, crowd_of(people, subscribers), history, feature_fingerprint())
    opened.close()


def fill_ledger(workspace: Workspace, *, subscribers: int, events: int) -> None:
    """Events of the last 90 days, as many for each subscriber as for another; one in forty is a connection."""
    rng, offers = np.random.default_rng(3), [offer.id for offer in workspace.current_offers()]
    now = int(time.time() * MICROSECONDS)
    have = workspace.ledger.position()
    for start in range(have, events, EVENTS_CHUNK):
        count = min(EVENTS_CHUNK, events - start)
        at = now - (rng.random(count) * 90 * DAY).astype(np.int64)
        kinds = np.where(
            rng.random(count) < 0.025, "connection", np.where(rng.random(count) < 0.02, "decline", "impression")
        )
        people = rng.integers(0, subscribers, count)
        workspace.ledger.load_events(
            pa.table(
                {
                    "event_id": [f"b{start + number:09d}" for number in range(count)],
                    "occurred_at": at,
                    "subscriber_id": [_id(number) for number in people.tolist()],
                    "offer_id": pa.DictionaryArray.from_arrays(rng.integers(0, len(offers), count), offers).cast(
                        "string"
                    ),
                    "kind": kinds,
                    "channel": pa.repeat("app", count),
                    "local_day": at // DAY,
                    "arm": pa.repeat("mia", count),
                }
            )
        )


def ids_of(subscribers: int, count: int, seed: int = 1) -> list[str]:
    """Some subscribers of the snapshot, in no order."""
    return [_id(number) for number in np.random.default_rng(seed).integers(0, subscribers, count).tolist()]


def _id(number: int) -> str:
    return f"c{number:08d}"


def _widen(opened: Workspace, offers: int) -> None:
    """A catalogue of so many offers: those of the sample again and again, under other ids and prices."""
    base = yaml.safe_load((SAMPLE / "catalogue.yaml").read_text("utf-8"))["offers"]
    rules = ("requires", "excludes", "regions", "channels", "limits")
    rows = []
    for number in range(offers):
        row = {name: value for name, value in base[number % len(base)].items() if name not in rules}
        row |= {"id": f"{row['id']}_{number}", "valid_to": "2099-12-31", "value": row.get("value", 1.0) + number % 7}
        rows.append(row | {"eligible_if": SHUT if number % 3 == 2 else OPEN})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "offers.yaml"
        path.write_text(yaml.safe_dump({"offers": rows}, allow_unicode=True), "utf-8")
        opened.ingest(path)


def _pairs(opened: Workspace, people: Profiles) -> Pairs:
    live, some = opened.decisions.live, people.take(np.arange(PEOPLE))
    on = timestamp_of(int(some.as_of[0]) * DAY).date()
    passed = live.eligibility.check(some, no_history(len(some), live.eligibility.book, {}), channel="app", on=on).passed
    rows, cols = (found.astype(np.int64) for found in np.nonzero(passed))
    kept = np.random.default_rng(4).permutation(len(rows))[:20_000]
    rows, cols = rows[kept], cols[kept]
    return build_pairs(some, live.table, live.rates, rows, cols, Context.constant(len(rows), "app"))


def _enlarge(opened: Workspace, ranker: LightGBMRanker, pairs: Pairs) -> None:
    matrix, rng = ranker.matrix(pairs), np.random.default_rng(1)
    labels = (rng.random(len(matrix)) < np.minimum(3 * ranker.score(pairs), 1.0)).astype(float)
    told = list(ranker.gains())[:COLUMNS]
    constant = np.asarray([name not in told for name in ranker.columns])
    seen = matrix.copy()
    seen[:, constant] = 0.0
    booster = lightgbm.train({**LARGE, "num_threads": 2}, lightgbm.Dataset(seen, labels), TREES)
    large = LightGBMRanker([booster], ranker.schema, ranker.calibration)
    with tempfile.TemporaryDirectory() as name:
        large.save(Path(name))
        example = dict(zip(large.columns, matrix[:3].T, strict=True))
        version = opened.registry.register(folder=Path(name), parameters={}, metrics={}, tags={}, example=example)
    opened.registry.make_champion(ChampionChange(version, 0, "benchmark", "override"))


def crowd_of(people: Profiles, subscribers: int) -> Iterator[Profiles]:
    """Copies of people, each with amounts and an id of its own, by id."""
    rng = np.random.default_rng(5)
    for start in range(0, subscribers, CHUNK):
        count = min(CHUNK, subscribers - start)
        found = people.take(rng.integers(0, len(people), count))
        ids: Objects = np.empty(count, object)
        ids[:] = [_id(number) for number in range(start, start + count)]
        numeric = (found.numeric * rng.lognormal(0.0, 0.1, (count, 1))).astype(np.float32)
        yield dataclasses.replace(found, subscriber_ids=ids, numeric=numeric)
