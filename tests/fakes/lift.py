"""Lift of a made-up experiment, by the real meter over a ledger of its own."""

from collections.abc import Iterator

import numpy as np
from tests.fakes.ledger import FakeLedger
from tests.fakes.population import FakePopulation
from tests.fakes.uptake import CONNECT

from mia.domain.event import Event, EventKind
from mia.domain.offer import Offer, Text
from mia.services.lift import LiftMeter
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_number, month_start
from mia.uptake.lift.rules import LiftRules

SHARE = 0.3
PLACES = {"Centre": 700, "Urals": 900, "South": 500, "Volga": 12}
"""Subscribers by macro-region; the last are too few for an interval."""
CHANCE = {"mia": 0.7, "control": 0.35}
OFFERS = ("music_30", "data_10")
ACTIVATED = 18_000
DAYS = 60


def lift_meter() -> LiftMeter:
    """Subscribers of arm mia connect about twice as often as those of control, from March 2021 on."""
    chance = np.random.default_rng(7)
    people = [
        (f"{place}-{number}", f"{place} land", place, ACTIVATED, "control" if chance.random() < SHARE else "mia")
        for place, size in PLACES.items()
        for number in range(size)
    ]
    ledger = FakeLedger()
    ledger.append_events([event for person in people for event in _events(person, chance)])
    offers = {name: Offer(name, Text(name, name), Text("", ""), name, "add_on", value=90.0) for name in OFFERS}
    return LiftMeter(
        ledger,
        FakePopulation(people, share=SHARE),  # type: ignore[arg-type]
        lambda: offers,
        CONNECT,
        LiftRules(minimum_connections=5),
    )


def _events(person: tuple[str, str, str, int, str], chance: np.random.Generator) -> Iterator[Event]:
    name, region, macro_region, _, arm = person
    day = month_start(month_number("2021-03")) + int(chance.integers(DAYS))
    kinds = [EventKind.IMPRESSION, EventKind.CONNECTION][: 2 if chance.random() < CHANCE[arm] else 1]
    offer, channel = OFFERS[int(chance.integers(2))], ("app", "call_centre")[int(chance.integers(2))]
    for kind in kinds:
        yield Event(
            event_id=f"{name}-{kind}",
            occurred_at=(day * DAY_SECONDS + 36_000) * MICROSECONDS,
            subscriber_id=name,
            offer_id=offer,
            kind=kind,
            channel=channel,
            decision_id=f"d-{name}",
            local_day=day,
            arm=arm,
            region=region,
            macro_region=macro_region,
        )
