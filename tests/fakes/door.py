"""What stands behind the HTTP door, in a few plain lines each."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import httpx
import pyarrow as pa
from fastapi import FastAPI

from mia.api.app import create_app
from mia.api.services import Services
from mia.domain.decision import Decision, DecisionRequest, Fallback, RankedOffer, Reason, Stage, Versions
from mia.domain.offer import Language, Offer, Text
from mia.domain.region import REGIONS
from mia.errors import LedgerUnavailable, UnknownOffer
from mia.ports import ApiKey
from mia.services.record import Recorder
from mia.storage.ledger import GroupCommit
from mia.timeline import MICROSECONDS
from tests.fakes.ledger import FakeLedger

NOON_JULY_FIRST = 1_625_140_800 * MICROSECONDS
"""2021-07-01T12:00:00Z."""
MONTHS = tuple(f"2021-{month:02d}" for month in range(1, 7))
MACRO_REGIONS = ("Urals", "South", "North-West", "Centre", "Volga", "Siberia", "Far East")
UPTAKE_SCHEMA = pa.schema(
    {
        "month": pa.string(),
        "group": pa.string(),
        "impressions": pa.int64(),
        "clicks": pa.int64(),
        "connections": pa.int64(),
        "disconnections": pa.int64(),
        "cumulative": pa.int64(),
        "index": pa.float64(),
        "growth_percent": pa.float64(),
        "complete": pa.bool_(),
    }
)


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    now: int = NOON_JULY_FIRST

    def __call__(self) -> int:
        return self.now


class FakeCatalogue:
    """Three offers."""

    version = "c1"

    def __init__(self) -> None:
        self.offers = tuple(
            Offer(id, Text(ru, en), Text(f"{ru}!", f"{en}!"), category, "add_on", price=price)
            for id, ru, en, category, price in (
                ("music_30", "Музыка <30 дней>", "Music for 30 days", "music", 99.0),
                ("data_10", "10 ГБ", "10 GB", "data", 250.0),
                ("roaming_7", "Роуминг на неделю", "Roaming for a week", "roaming", 490.5),
            )
        )

    def offer(self, offer_id: str) -> Offer:
        for offer in self.offers:
            if offer.id == offer_id:
                return offer
        raise UnknownOffer(offer_id)


class FakeDecisions:
    """Shows the catalogue in its order; knows the subscriber `s1` of Kurgan."""

    model_version = "7"
    snapshot = "2021-07-01"

    def __init__(self, ledger: FakeLedger) -> None:
        self.catalogue = FakeCatalogue()
        self.asked: list[DecisionRequest] = []
        self._ledger = ledger

    def decide(self, request: DecisionRequest) -> Decision:
        self.asked.append(request)
        known = request.subscriber_id == "s1"
        text = "Вы слушаете музыку" if request.language is Language.RU else "You listen to music"
        return Decision(
            decision_id=f"d{len(self.asked)}",
            request=request,
            arm="mia",
            versions=Versions(self.model_version, self.catalogue.version, self.snapshot, "p1"),
            seed=2**64 - 1,
            ledger_position=0,
            explored=False,
            fallback=None if known else Fallback.UNKNOWN_SUBSCRIBER,
            offers=tuple(
                RankedOffer(offer.id, place, 0.1 / place, 5.0 / place, 1 / 3, (Reason("affinity", text),))
                for place, offer in enumerate(self.catalogue.offers[: request.limit], 1)
            ),
            stages=(Stage("eligible", 3, 3), Stage("ranked", 3, min(3, request.limit))),
            dropped={offer.id: "below_limit" for offer in self.catalogue.offers[request.limit :]},
        )

    def trace(self, decision_id: str) -> Decision:
        return self._ledger.decision(decision_id)

    def local_facts(self, subscriber_id: str) -> tuple[str | None, str | None, str, str]:
        if subscriber_id == "s1":
            return "Kurgan", "Urals", "Asia/Yekaterinburg", "mia"
        return None, None, "UTC", "control"


class FakeKeys:
    """Keys named after their scopes: `mia_offers`, `mia_events`, `mia_uptake`, `mia_admin`."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys = {f"mia_{scope}": frozenset({scope}) for scope in ("offers", "events", "uptake", "admin")}

    def find(self, secret: str) -> ApiKey | None:
        self.asked += 1
        scopes = self.keys.get(secret)
        return None if scopes is None else ApiKey(secret, scopes)


@dataclass
class FakeUptake:
    """Connections that grow steadily, the earlier a macro-region is named the faster; June is not complete."""

    months: tuple[str, ...] = MONTHS
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def table(self, baseline: str, by: str, start: str | None = None, end: str | None = None) -> pa.Table:
        self.asked.append((baseline, by, start, end))
        groups = {"macro_region": MACRO_REGIONS, "offer": ("music_30", "gone_1", None)}.get(by, ("mia", "control"))
        rows = [
            row
            for place, group in enumerate(groups)
            for row in self._rows(group, 1_200 // (place + 2), baseline)
            if (start is None or row["month"] >= start) and (end is None or row["month"] <= end)
        ]
        return pa.Table.from_pylist(sorted(rows, key=lambda row: row["month"]), UPTAKE_SCHEMA)

    def headline(self, macro_region: str, baseline: str) -> Mapping[str, Any] | None:
        return None

    def _rows(self, group: str | None, size: int, baseline: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        total = 3 * size
        for number, month in enumerate(self.months):
            connections = size // 3 + number * size // 60
            total += connections
            rows.append(
                {
                    "month": month,
                    "group": group,
                    "impressions": connections * 31,
                    "clicks": connections * 4,
                    "connections": connections,
                    "disconnections": connections // 9,
                    "cumulative": total,
                    "complete": month != MONTHS[-1],
                }
            )
        base = next((row["cumulative"] for row in rows if row["month"] == baseline), None)
        for row in rows:
            row["index"] = None if base is None else row["cumulative"] / base
            row["growth_percent"] = None if base is None else 100 * (row["cumulative"] / base - 1)
        return rows


class FullWriter:
    """A writer that refuses everything."""

    def submit_decision(self, decision: Decision) -> Any:
        raise LedgerUnavailable("the ledger writer is overloaded: its queue is full")

    submit_events = submit_decision


@dataclass
class Door:
    """The application over fakes, and a client that needs no event loop of its caller."""

    clock: FakeClock
    ledger: FakeLedger
    decisions: FakeDecisions
    keys: FakeKeys
    uptake: FakeUptake
    services: Services
    runner: asyncio.Runner
    app: FastAPI

    def call(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer mia_{key}"

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://mia") as client:
                return await client.request(method, path, headers=headers, **options)

        return self.runner.run(exchange())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.call("POST", path, **options)

    def with_services(self, **changes: Any) -> "Door":
        services = replace(self.services, **changes)
        return replace(self, services=services, app=create_app(services))


@contextmanager
def open_door() -> Iterator[Door]:
    """A door over fakes with a real group commit between."""
    clock, ledger, keys, uptake = FakeClock(), FakeLedger(), FakeKeys(), FakeUptake()
    decisions = FakeDecisions(ledger)
    writer = GroupCommit(ledger)
    services = Services(
        decisions=decisions,
        recorder=Recorder(decisions, clock, MappingProxyType(REGIONS)),
        ledger=ledger,
        writer=writer,
        keys=keys,
        uptake=uptake,
        clock=clock,
        close=writer.close,
    )
    with asyncio.Runner() as runner:
        yield Door(clock, ledger, decisions, keys, uptake, services, runner, create_app(services))
    writer.close()
