"""What stands behind the HTTP door, in a few plain lines each."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
from fastapi import FastAPI
from tests.fakes.ledger import FakeLedger
from tests.fakes.population import FakePopulation
from tests.fakes.uptake import CONNECT, report_of

from mia.api.app import create_app
from mia.api.services import Services
from mia.domain.change import Change, Changed
from mia.domain.decision import Decision, DecisionRequest, Fallback, RankedOffer, Reason, Stage, Versions
from mia.domain.event import Event, EventKind
from mia.domain.offer import Language, Offer, Text
from mia.domain.region import REGIONS
from mia.errors import LedgerUnavailable, NoReport, Overloaded, UnknownModel, UnknownOffer
from mia.ports import ApiKey, Proposal
from mia.sections import DoorSettings, TokenSettings
from mia.services.decide import Traced
from mia.services.lift import LiftMeter
from mia.services.record import Recorder
from mia.services.sign_in import SignIn
from mia.storage.ledger import GroupCommit
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_number, month_start
from mia.uptake.lift.rules import LiftRules

NOON_JULY_FIRST = 1_625_140_800 * MICROSECONDS
"""2021-07-01T12:00:00Z."""
CATEGORIES = {"music_30": "music", "data_10": "data", "roaming_7": "roaming"}
CHANGED = 1_618_000_000 * MICROSECONDS
"""In April 2021."""
MONTHS = tuple(f"2021-{month:02d}" for month in range(1, 7))
MACRO_REGIONS = ("Urals", "South", "North-West", "Centre", "Volga", "Siberia", "Far East")


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    now: int = NOON_JULY_FIRST

    def __call__(self) -> int:
        return self.now


class FakeCatalogue:
    """Three offers."""

    def __init__(self, version: str = "c1") -> None:
        self.version = version
        self.offers = tuple(
            Offer(name, Text(ru, en), Text(f"{ru}!", f"{en}!"), category, "add_on", price=price)
            for name, ru, en, category, price in (
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


class LocalFacts(NamedTuple):
    """Where a subscriber belongs."""

    region: str | None
    macro_region: str | None
    timezone: str
    arm: str


class FakeDecisions:
    """Shows the catalogue in its order; knows the subscriber `s1` of Kurgan."""

    model_version = "7"
    snapshot = "2021-07-01"
    policy = "p1"
    is_warm = True
    trouble: str | None = None

    def __init__(self, ledger: FakeLedger) -> None:
        self.catalogue = FakeCatalogue()
        self.asked: list[DecisionRequest] = []
        self.reloads = 0
        self._ledger = ledger

    together = 64

    def propose(self, requests: Sequence[DecisionRequest]) -> list[Proposal | Exception]:
        return [Proposal(self.decide(request)) for request in requests]

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

    def find_decisions(self, decision_ids: Sequence[str]) -> dict[str, Decision]:
        return {one.decision_id: one for one in self._ledger.find_decisions(decision_ids)}

    def traced(self, decision_id: str) -> Traced:
        return Traced(self.trace(decision_id), None)

    def reload(self) -> None:
        self.reloads += 1

    def local_facts(self, subscriber_id: str) -> LocalFacts:
        if subscriber_id == "s1":
            return LocalFacts("Kurgan", "Urals", "Asia/Yekaterinburg", "mia")
        return LocalFacts(None, None, "UTC", "control")


class FakeKeys:
    """Keys named after their scopes: `mia_offers`, `mia_events`, `mia_uptake`, `mia_admin`."""

    def __init__(self) -> None:
        self.asked, self.down = 0, False
        self.keys = {f"mia_{scope}": frozenset({scope}) for scope in ("offers", "events", "uptake", "admin")}

    def live(self) -> dict[str, ApiKey]:
        self.asked += 1
        if self.down:
            raise LedgerUnavailable("the ledger is down")
        return {sha256(secret.encode()).hexdigest(): ApiKey(secret, scopes) for secret, scopes in self.keys.items()}


def build_history() -> list[Event]:
    """Events of January to June 2021; the earlier a macro-region is named the faster it grows; June is not complete."""
    return [
        _event(month, number, place, kind)
        for place, _ in enumerate(MACRO_REGIONS)
        for month in range(6)
        for number in range(3 + (7 - place) * (2 + month) // 2)
        for kind in (EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONNECTION)
    ]


def _event(month: int, number: int, place: int, kind: EventKind) -> Event:
    day = month_start(month_number(MONTHS[month])) + number % 28
    macro_region = MACRO_REGIONS[place]
    return Event(
        event_id=f"{macro_region}-{month}-{number}-{kind}",
        occurred_at=(day * DAY_SECONDS + 36_000) * MICROSECONDS,
        subscriber_id=f"{macro_region}-{month}-{number}",
        offer_id=("music_30", "data_10", "gone_1")[number % 3],
        kind=kind,
        channel="app" if number % 4 else "call_centre",
        local_day=day,
        arm="mia" if number % 10 else "control",
        region=f"Land {place}" if number % 9 else None,
        macro_region=macro_region if number % 9 else None,
    )


def build_population() -> FakePopulation:
    """The subscribers of `build_history` with the arms of their events."""
    own = {event.subscriber_id: event for event in build_history()}
    people = [(name, one.region, one.macro_region, 18_000, one.arm) for name, one in own.items()]
    return FakePopulation(people, share=0.1)


def card_of(version: str) -> bytes:
    """A card of version 7 only."""
    if version != "7":
        raise UnknownModel(version)
    return b"<!doctype html><title>Model 7</title>"


class FullWriter:
    """A writer that refuses everything."""

    def submit(self, proposals: Sequence[Proposal], answered: Any) -> None:
        raise LedgerUnavailable("the local spool is full")

    def submit_events(self, events: Any) -> Any:
        raise Overloaded("its queue is full")

    waiting = 4_096


@dataclass
class Door:
    """The application over fakes, and a client that needs no event loop of its caller."""

    clock: FakeClock
    ledger: FakeLedger
    decisions: FakeDecisions
    keys: FakeKeys
    services: Services
    app: FastAPI

    def fill(self) -> None:
        """Put half a year of events into the ledger."""
        self.ledger.append_events(build_history())

    def call(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer mia_{key}"

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://mia") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(exchange())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.call("POST", path, **options)

    def with_services(self, **changes: Any) -> "Door":
        services = replace(self.services, **changes)
        return replace(self, services=services, app=create_app(services))

    def with_settings(self, limits: DoorSettings | None = None, tokens: TokenSettings | None = None) -> "Door":
        return replace(self, app=create_app(self.services, limits, tokens))


class FakeHealth:
    """A live model that was not looked at yet, until `last` is set."""

    def __init__(self) -> None:
        self.last: dict[str, Any] | None = None

    def report(self) -> dict[str, Any] | None:
        return self.last

    def page(self) -> bytes:
        if self.last is None:
            raise NoReport("the live model was not looked at yet")
        return f"<html>model {self.last['model']}</html>".encode()


@contextmanager
def open_door() -> Iterator[Door]:
    """A door over fakes with a real group commit between."""
    with TemporaryDirectory() as folder:
        clock, ledger, keys = FakeClock(), FakeLedger(), FakeKeys()
        decisions = FakeDecisions(ledger)
        writer = GroupCommit(ledger)
        services = Services(
            decisions=decisions,
            catalogue=FakeCatalogue,
            recorder=Recorder(decisions, clock, MappingProxyType(REGIONS)),
            ledger=ledger,
            writer=writer,
            keys=keys,
            uptake=report_of(ledger, Path(folder), categories=lambda: CATEGORIES),
            lift=LiftMeter(
                ledger,
                build_population(),  # type: ignore[arg-type]
                lambda: {offer.id: offer for offer in decisions.catalogue.offers},
                CONNECT,
                LiftRules(minimum_connections=5),
            ),
            card=card_of,
            health=FakeHealth(),
            headline="Urals",
            clock=clock,
            sign_in=SignIn(b"secret of the house", clock, 3_600),
            ages=lambda: {"model": 60.0, "profile": 43_200.0},
            changes=lambda: (Change(Changed.POLICY, "p1", CHANGED), Change(Changed.CATALOGUE, "c1", CHANGED)),
            close=writer.close,
        )
        yield Door(clock, ledger, decisions, keys, services, create_app(services))
        writer.close()
