"""Microseconds that the rules take of a request: contact history and verdicts, for small and large catalogues.

make bench-rules
"""

import time
from collections.abc import Callable
from datetime import date

import numpy as np

from mia.domain.event import Channel, EventKind, Response
from mia.domain.offer import Condition, Limits, Offer, Op, Text
from mia.domain.policy import Cap, CapScope, ContactPolicy, Unanswered
from mia.frames import Profiles, SparseBlock
from mia.offers.contact import Room, history_of
from mia.offers.eligibility import Eligibility
from mia.offers.policy import default_policy
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
ROUNDS, TURNS, EVENTS, FEATURES = 9, 10, 100, 100
NOW, ON = 18_700 * DAY, date(2021, 3, 14)
FULL = ContactPolicy(
    (
        Cap(CapScope.OFFER, 12, 30),
        Cap(CapScope.CATEGORY, 30, 7),
        Cap(CapScope.CHANNEL, 60, 7),
        Cap(CapScope.ALL, 90, 7),
    ),
    after_decline_days=30,
    after_connection_days=30,
    unanswered=Unanswered(6, 60, 14),
    outbound=frozenset({"vk"}),
)


def build_offers(count: int) -> tuple[Offer, ...]:
    """Offers of ten categories, each with two bounds on features and one on the tariff; some bound to others."""
    rng = np.random.default_rng(1)

    def one(place: int) -> Offer:
        bounds = tuple(
            Condition(f"f{rng.integers(FEATURES)}", (Op.GE, Op.LT)[side], float(rng.normal(-3 + 6 * side)))
            for side in range(2)
        )
        return Offer(
            f"o{place:05d}",
            Text("", ""),
            Text("", ""),
            f"c{place % 10}",
            "pack",
            eligible_if=(*bounds, Condition("tariff", Op.NOT_IN, (f"t{place % 7}",))),
            regions=frozenset({"Kurgan", "Moscow"}) if place % 5 == 0 else frozenset(),
            excludes=frozenset({f"o{place - 1:05d}"}) if place % 4 == 3 else frozenset(),
            limits=Limits(total=10_000) if place % 10 == 0 else Limits(),
        )

    return tuple(one(place) for place in range(count))


def build_subscriber() -> Profiles:
    rng = np.random.default_rng(2)
    empty = SparseBlock.empty(1, ("n",))
    texts = {"region": "Kurgan", "tariff": "t9", "consent_channels": "app;vk"}
    return Profiles(
        np.asarray(["s"], object),
        np.zeros(1, np.int64),
        tuple(f"f{number}" for number in range(FEATURES)),
        rng.normal(size=(1, FEATURES)).astype(np.float32),
        {name: np.asarray([text], object) for name, text in texts.items()},
        empty,
        empty,
    )


def build_responses(offers: tuple[Offer, ...]) -> list[Response]:
    """The past of a busy subscriber, in order of time."""
    rng = np.random.default_rng(3)
    kinds = [*[EventKind.IMPRESSION] * 8, EventKind.CLICK, EventKind.DECLINE]
    ages = np.sort(rng.uniform(0, 90 * DAY, EVENTS))[::-1].astype(np.int64).tolist()
    channels = list(Channel)
    return [
        Response(offers[rng.integers(len(offers))].id, kinds[rng.integers(10)], NOW - age, channels[rng.integers(7)])
        for age in ages
    ]


def microseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time of one turn, medians over rounds."""
    work()
    times = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(TURNS):
            work()
        times.append(((time.perf_counter() - wall) / TURNS, (time.process_time() - cpu) / TURNS))
    wall, cpu = np.median(np.asarray(times), axis=0) * 1e6
    return float(wall), float(cpu)


def main() -> None:
    print("policy    offers  stage          median us  processor us")
    for name, policy in (("default", default_policy().contact), ("full", FULL)):
        for count in (60, 600, 2_500):
            offers = build_offers(count)
            eligibility, who, past = Eligibility(offers, policy), build_subscriber(), build_responses(offers)
            history = history_of(past, {}, eligibility.book, at=NOW)
            stages: dict[str, Callable[[], object]] = {
                "history": lambda book=eligibility.book, past=past: history_of(past, {}, book, at=NOW),
                "rules": lambda rules=eligibility, history=history, who=who: rules.check(
                    who, history, channel="vk", on=ON, minute=720
                ),
                "room": lambda book=eligibility.book, history=history: Room.left(book, history, "vk"),
            }
            for stage, work in stages.items():
                wall, cpu = microseconds(work)
                print(f"{name:<9} {count:>6}  {stage:<14} {wall:>9.0f} {cpu:>13.0f}")


if __name__ == "__main__":
    main()
