"""Frames made by hand or at random, for the rooms of ranking and offers."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from mia.domain.offer import Limits, Offer, Text
from mia.frames import Floats, Objects, Profiles, SparseBlock
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import RESPONSE_MEASURES, USAGE_MEASURES
from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, Pairs, build_pairs
from mia.storage.ledger.events import LEDGER_SCHEMA
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
AS_OF = 18_700
REGIONS = ("Kurgan", "Rostov", "Moscow")


def objects(values: Sequence[Any]) -> Objects:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def offer(offer_id: str, category: str = "data", **fields: Any) -> Offer:
    return Offer(offer_id, Text(offer_id, offer_id), Text("", ""), category, fields.pop("kind", "pack"), **fields)


OFFERS = (
    offer("data_10", "data", price=250.0, value=90.0, gives={"data_mb": 10_240.0}, tags=("video",)),
    offer("data_50", "data", price=600.0, value=150.0, gives={"data_mb": 51_200.0}, tags=("video", "games")),
    offer("minutes", "voice", price=150.0, value=60.0, gives={"voice_minutes": 300.0}, priority=1.2),
    offer("music", "music", price=99.0, value=40.0, items=("tune", "song"), tags=("audio",)),
    offer("films", "films", price=299.0, value=70.0, items=("cinema",), limits=Limits(per_subscriber=1)),
    offer("phone", "devices", value=200.0, attributes={"brand": "Zebra", "weight": 0.2}),
    offer("trip", "roaming", value=80.0, tags=("travel",), attributes={"brand": None, "weight": None}),
)


def block(rows: Sequence[Mapping[str, Sequence[float]]], measures: tuple[str, ...]) -> SparseBlock:
    """A block from the keys of each row with their measures."""
    vocabulary = sorted({key for row in rows for key in row})
    entries = [(vocabulary.index(key), row[key]) for row in rows for key in sorted(row)]
    return SparseBlock(
        np.cumsum([0, *(len(row) for row in rows)]).astype(np.int64),
        np.asarray([code for code, _ in entries], np.int64),
        objects(vocabulary),
        np.asarray([values for _, values in entries], float).reshape(len(entries), len(measures)),
        measures,
    )


def profiles(
    rows: int = 1,
    *,
    as_of: int | Sequence[int] = AS_OF,
    numeric: Mapping[str, Sequence[float]] | None = None,
    attributes: Mapping[str, Sequence[Any]] | None = None,
    usage: Sequence[Mapping[str, Sequence[float]]] | None = None,
    responses: Sequence[Mapping[str, Sequence[float]]] | None = None,
) -> Profiles:
    """Profiles of subscribers s0, s1, ... whose features are 0 unless given."""
    values = np.zeros((rows, len(FEATURE_NAMES)))
    for name, column in (numeric or {}).items():
        values[:, FEATURE_NAMES.index(name)] = column
    return Profiles(
        objects([f"s{row}" for row in range(rows)]),
        np.broadcast_to(np.asarray(as_of, np.int64), rows).copy(),
        FEATURE_NAMES,
        values,
        {name: objects(list(column)) for name, column in (attributes or {}).items()},
        block(usage or [{}] * rows, USAGE_MEASURES),
        block(responses or [{}] * rows, RESPONSE_MEASURES),
    )


def events(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Ledger events; what a row leaves out is an impression of the first offer to s0 in Kurgan at noon of its day."""
    numbers = count(1)

    def filled(row: Mapping[str, Any]) -> dict[str, Any]:
        day = row.get("local_day", AS_OF)
        number = next(numbers)
        return {
            "seq": number,
            "event_id": f"e{number:06d}",
            "occurred_at": day * DAY + DAY // 2,
            "subscriber_id": "s0",
            "offer_id": OFFERS[0].id,
            "kind": "impression",
            "channel": "app",
            "local_day": day,
            "arm": "mia",
            "region": REGIONS[0],
            "position": 1 if row.get("kind", "impression") == "impression" else None,
            **row,
        }

    return pa.Table.from_pylist([filled(row) for row in rows], LEDGER_SCHEMA)


def random_profiles(rows: int, seed: int) -> Profiles:
    """Profiles whose columns are of all kinds, with missing values among them."""
    rng = np.random.default_rng(seed)
    keys = ["category:video", "category:audio", "category:unheard", "item:tune", "item:cinema", "item:other"]
    answered = [f"offer:{one.id}" for one in OFFERS] + ["offer_category:data", "offer_category:music", "offer:gone"]

    def some(names: Sequence[str], measures: int) -> list[dict[str, Floats]]:
        return [
            {name: rng.integers(0, 9, measures).astype(float) for name in names if rng.random() < 0.4}
            for _ in range(rows)
        ]

    made = profiles(
        rows,
        as_of=rng.integers(AS_OF, AS_OF + 20, rows).tolist(),
        attributes={
            "region": [[*REGIONS, None][place] for place in rng.integers(0, 4, rows)],
            "tariff": [["S", "M", None][place] for place in rng.integers(0, 3, rows)],
            "tariff_data_mb": [[2048.0, 20_480.0, None][place] for place in rng.integers(0, 3, rows)],
            "tariff_voice_minutes": [[100.0, None][place] for place in rng.integers(0, 2, rows)],
            "personalisation": [1.0] * rows,
        },
        usage=some(keys, len(USAGE_MEASURES)),
        responses=some(answered, len(RESPONSE_MEASURES)),
    )
    numeric = np.where(rng.random(made.numeric.shape) < 0.1, np.nan, rng.gamma(1.0, 200.0, made.numeric.shape))
    return Profiles(made.subscriber_ids, made.as_of, made.names, numeric, made.attributes, made.usage, made.responses)


def random_events(rows: int, seed: int) -> pa.Table:
    """Events of all kinds on the days around AS_OF."""
    rng = np.random.default_rng(seed)
    kinds = ("impression", "impression", "impression", "click", "connection", "decline", "disconnection")
    regions = (*REGIONS, None)
    return events(
        [
            {
                "local_day": int(rng.integers(AS_OF - 30, AS_OF + 30)),
                "subscriber_id": f"s{rng.integers(0, 20)}",
                "offer_id": [*(one.id for one in OFFERS), "gone"][rng.integers(0, len(OFFERS) + 1)],
                "kind": kinds[rng.integers(0, len(kinds))],
                "region": regions[rng.integers(0, len(regions))],
            }
            for _ in range(rows)
        ]
    )


def random_pairs(people: int, pairs: int, seed: int) -> tuple[Pairs, Floats]:
    """Pairs with labels that follow from what the subscriber uses and what the offer is."""
    rng = np.random.default_rng(seed)
    who, table = random_profiles(people, seed), OfferTable.build(OFFERS)
    history = build_history(random_events(400, seed), table, np.unique(who.as_of))
    rows, cols = rng.integers(0, people, pairs), rng.integers(0, len(table), pairs)
    channel = objects([["app", "web", None][place] for place in rng.integers(0, 3, pairs)])
    context = Context(
        channel,
        rng.integers(1, 4, pairs).astype(float),
        objects([["top", "feed", None][place] for place in np.arange(pairs) % 3]),
        {
            "hour": np.arange(pairs) % 24.0,
            "weekday": np.arange(pairs) % 7.0,
            "context_balance": np.where(np.arange(pairs) % 5 == 0, np.nan, np.arange(pairs) % 11.0),
        },
        np.arange(pairs) // 3,
    )
    made = build_pairs(who, table, OfferRates.build(history, table), rows, cols, context)
    heavy = np.nan_to_num(who.column("data_mb_30d").astype(float))[rows] > 150.0
    chance = np.where(heavy & (cols < 2), 0.7, 0.08)
    return made, (rng.random(pairs) < chance).astype(float)
