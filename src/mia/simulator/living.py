"""A month that people live through with somebody else's offers: when they come, and what they do with what they see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia.errors import UnknownOffer
from mia.frames import Floats, Ints
from mia.simulator.lifestyles import CHANNELS
from mia.simulator.scenario import Clock, Month, Scenario, Stage
from mia.simulator.visits import (
    CLICK,
    CONNECTION,
    DECLINE,
    DISCONNECTION,
    FAR,
    IMPRESSION,
    KINDS,
    draw_answers,
    draw_turns,
)
from mia.simulator.world import World, build_world
from mia.timeline import DAY_SECONDS, MICROSECONDS

_LOT = 4_000  # visits whose utilities are worked out at once
_SUFFIXES = {IMPRESSION: "", CLICK: "c", CONNECTION: "k", DECLINE: "d", DISCONNECTION: "x"}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a subscriber did; `at` in microseconds since the epoch, `position` of an impression only."""

    event_id: str
    at: int
    subscriber_id: str
    offer_id: str
    kind: str
    channel: str
    decision_id: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class LivingMonth:
    """The V visits of a month, by time: `row` is who comes, `second` and `at` when (local seconds since the epoch, and
    microseconds), `channel` the code of where; `utilities` (V x m) hold the truth.
    """

    world: World
    month: Month
    clock: Clock
    row: Ints
    second: Ints
    at: Ints
    channel: Ints
    utilities: Floats

    def __len__(self) -> int:
        return len(self.row)

    def subscriber_of(self, visit: int) -> str:
        """Who comes."""
        return f"s{self.world.people.number[self.row[visit]]:07d}"

    def channel_of(self, visit: int) -> str:
        """Where."""
        return CHANNELS[self.channel[visit]]

    def name_of(self, visit: int) -> str:
        """A name of the visit that no other visit has, the same in every run."""
        return f"live-{self.month.number}-{visit}"

    def answer(self, visit: int, decision_id: str, offer_ids: Sequence[str]) -> list[Happening]:
        """What comes of it when these offers are shown in this order, by time: impressions first, then answers, some of
        them days or months later. The same visit answers the same offers in the same way. Raises UnknownOffer.
        """
        places = [_place(self.world.offers.ids, offer_id) for offer_id in offer_ids]
        shown = np.array(places, np.int64)
        n, row = len(shown), self.row[visit]
        position, channel = np.arange(1, n + 1), np.full(n, self.channel[visit])
        acceptance = self.world.response.acceptance(self.utilities[visit, shown], channel, position)
        rng = self.world.scenario.stream(Stage.LIVE, visit + 1, self.month.number)
        answers = draw_answers(
            rng,
            self.world.offers.subscription,
            np.full(n, row),
            position,
            shown,
            channel,
            position,
            np.ones(n),
            acceptance,
            np.full(n, self.second[visit]),
        )
        times = np.stack([answers.shown, answers.clicked, answers.connected, answers.declined, answers.disconnected])
        kinds, which = np.nonzero(times < np.minimum(FAR, self.world.people.left[row] * DAY_SECONDS))
        moments = (
            self.clock.to_utc(self.world.people.zone[np.full(len(kinds), row)], times[kinds, which]) * MICROSECONDS
        )
        name, who, where = self.name_of(visit), self.subscriber_of(visit), self.channel_of(visit)
        found = [
            Happening(
                f"{name}-{place + 1}{_SUFFIXES[kind]}",
                moment,
                who,
                offer_ids[place],
                KINDS[kind],
                where,
                decision_id,
                place + 1 if kind == IMPRESSION else None,
            )
            for kind, place, moment in zip(kinds.tolist(), which.tolist(), moments.tolist(), strict=True)
        ]
        return sorted(found, key=lambda one: (one.at, one.event_id))


def live_month(scenario: Scenario, number: int) -> LivingMonth:
    """The visits of a month (its number) of the world that `scenario` began, which is lived on to that month.

    Needs about 0.5 KB a visit.
    """
    world = build_world(scenario.through(number))
    month = Month.of(number)
    rng = scenario.stream(Stage.LIVE, 0, number)
    row, second, channel = draw_turns(world.scenario, world.people, month, rng)
    # Disconnections come long after the month.
    clock = Clock.over(int(month.days[0]) - 1, int(month.days[-1]) + 400)
    at = clock.to_utc(world.people.zone[row], second) * MICROSECONDS
    order = np.lexsort((row, at))
    row, second, channel, at = row[order], second[order], channel[order], at[order]
    lots = [slice(first, first + _LOT) for first in range(0, len(row), _LOT)]
    parts = [world.utilities(row[lot], second[lot] // DAY_SECONDS) for lot in lots]
    utilities = np.concatenate(parts) if parts else np.zeros((0, len(world.offers)))
    return LivingMonth(world, month, clock, row, second, at, channel, utilities)


def _place(ids: Sequence[str], offer_id: str) -> int:
    try:
        return ids.index(offer_id)
    except ValueError as error:
        raise UnknownOffer(offer_id) from error
