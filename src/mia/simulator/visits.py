"""Visits of one block of subscribers, the slates an earlier policy showed them, and what they did with them.

The earlier policy ranks the available offers, with probability one half, in a uniformly random order, else in the
order of the day's campaign calendar, and shows the first three. So offer o at position p, out of n available
ones, has propensity 0.5 / n + 0.5 [o is p-th of the calendar order].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.simulator.availability import find_available
from mia.simulator.lifestyles import draw_rows
from mia.simulator.needs import find_columns, find_needs
from mia.simulator.population import Population
from mia.simulator.response import Response
from mia.simulator.scenario import Month, Scenario, Stage
from mia.simulator.usage import draw_moments
from mia.timeline import DAY_SECONDS

SLATE = 3
RANDOM_SHARE = 0.5
GROWTH = 1.04  # of visits, month by month: the audience of the personal account grows
REST_AFTER_DECLINE = 30 * DAY_SECONDS
ATTRIBUTION = 14 * DAY_SECONDS
KINDS = ("impression", "click", "connection", "decline", "disconnection")
IMPRESSION, CLICK, CONNECTION, DECLINE, DISCONNECTION = range(len(KINDS))
FAR = np.int64(2**50)

_CALENDAR_NOISE = 0.8
_CLICK_SHARE, _DECLINE_SHARE = 0.07, 0.05  # of impressions that lead to no connection
_MONTHLY_HAZARD, _SUBSCRIPTION_HAZARD = 0.04, 0.08  # of disconnection


@dataclass(frozen=True, slots=True)
class Offered:
    """Impressions with their answers; times are local seconds since the epoch, FAR where nothing happened."""

    row: Ints
    number: Ints  # running number of the impression of this subscriber
    offer: Ints
    channel: Ints
    position: Ints
    propensity: Floats
    acceptance: Floats
    shown: Ints
    clicked: Ints
    connected: Ints
    declined: Ints
    disconnected: Ints


class Standing:
    """Where n subscribers stand with m offers, kept from visit to visit."""

    def __init__(self, people: int, offers: int) -> None:
        self.connected_at = np.full((people, offers), FAR)
        self.connected_until = np.full((people, offers), -FAR)
        self.rests_until = np.full((people, offers), -FAR)
        self.impressions = np.zeros(people, np.int64)


def build_calendar(scenario: Scenario, response: Response) -> Floats:
    """The campaign calendar, days x m: offers are promoted in descending order, which changes from day to day."""
    rng = scenario.stream(Stage.WORLD, 1)
    popularity = response.base + rng.normal(0, 0.2, len(response.offers))
    noise = [rng.gumbel(0, _CALENDAR_NOISE, len(response.offers)) for _ in range(scenario.end_day - scenario.first_day)]
    return popularity + np.stack(noise)


def draw_visits(
    scenario: Scenario,
    people: Population,
    response: Response,
    calendar: Floats,
    standing: Standing,
    month: Month,
    rng: np.random.Generator,
) -> Offered:
    """All that was offered in one month; `standing` moves on with it."""
    row, second, channel = draw_turns(scenario, people, month, rng)
    turn = np.arange(len(row)) - np.searchsorted(row, row)
    slates = [
        _show(scenario, people, response, calendar, standing, rng, row[now], second[now], channel[now])
        for now in (np.flatnonzero(turn == each) for each in range(int(turn.max(initial=-1)) + 1))
    ]
    return join_offered(slates)


def draw_turns(
    scenario: Scenario, people: Population, month: Month, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Who comes when in a month, and where: rows of the population, local seconds and channels, by row and time."""
    rates = people.visits * GROWTH ** (month.number - scenario.start)
    row = np.repeat(np.arange(len(people)), rng.poisson(rates))
    second = draw_moments(rng, people, month, row)
    day = second // DAY_SECONDS
    here = (day >= people.activated[row]) & (day < people.left[row])
    row, second = row[here], second[here]
    order = np.lexsort((second, row))
    row, second = row[order], second[order]
    return row, second, draw_rows(rng, people.channels, row)


def join_offered(parts: list[Offered]) -> Offered:
    """Several lots of impressions as one."""
    return Offered(
        *(
            np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)])
            for name in Offered.__slots__
        )
    )


def _show(
    scenario: Scenario,
    people: Population,
    response: Response,
    calendar: Floats,
    standing: Standing,
    rng: np.random.Generator,
    row: Ints,
    second: Ints,
    channel: Ints,
) -> Offered:
    """One visit each of different subscribers."""
    offers, day = response.offers, second // DAY_SECONDS
    needs = find_needs(scenario, people, row, day)
    now = second[:, None]
    available = find_available(
        offers,
        find_columns(people, row, needs),
        regions=people.region[row],
        channels=channel,
        days=day,
        connected=(standing.connected_at[row] <= now) & (standing.connected_until[row] > now),
        resting=standing.rests_until[row] > now,
    )
    promoted = _first(np.where(available, calendar[day - scenario.first_day], -np.inf))
    shuffled = _first(np.where(available, rng.random(available.shape), -np.inf))
    slate = np.where(rng.random((len(row), 1)) < RANDOM_SHARE, shuffled, promoted)
    count = available.sum(axis=1)[:, None]
    propensity = RANDOM_SHARE / np.maximum(count, 1) + (1 - RANDOM_SHARE) * (slate == promoted)
    position = np.broadcast_to(np.arange(1, SLATE + 1), slate.shape)
    utilities = np.take_along_axis(response.utilities(people, row, needs), slate, axis=1)
    acceptance = response.acceptance(utilities, channel[:, None], position)
    number = standing.impressions[row][:, None] + position
    standing.impressions[row] += np.minimum(count[:, 0], SLATE)
    filled = position <= count
    columns = np.broadcast_arrays(row[:, None], number, slate, channel[:, None], position, propensity, acceptance, now)
    offered = draw_answers(rng, offers.subscription, *(column[filled] for column in columns))
    _remember(standing, offers.once, offered)
    return offered


def _first(score: Floats) -> Ints:
    return np.argsort(-score, axis=1, kind="stable")[:, :SLATE]


def draw_answers(
    rng: np.random.Generator,
    subscription: NDArray[np.bool_],
    row: Ints,
    number: Ints,
    offer: Ints,
    channel: Ints,
    position: Ints,
    propensity: Floats,
    acceptance: Floats,
    shown: Ints,
) -> Offered:
    """Who clicks, connects, declines and leaves again, and when; every array has a value an impression."""
    n = len(row)
    accepts = rng.random(n) < acceptance
    clicks = np.where(accepts, rng.random(n) < 0.9, rng.random(n) < _CLICK_SHARE)
    declines = ~accepts & (rng.random(n) < _DECLINE_SHARE)
    clicked = shown + 2 + rng.exponential(40, n).astype(np.int64)
    pace = rng.choice(3, n, p=[0.65, 0.25, 0.10])
    wait = np.where(pace == 0, rng.exponential(600, n), rng.exponential(DAY_SECONDS, n))
    wait = np.where(pace == 2, rng.random(n) * 13 * DAY_SECONDS, wait)
    connected = clicked + 10 + np.minimum(wait, 13 * DAY_SECONDS).astype(np.int64)
    hazard = np.where(subscription[offer], _SUBSCRIPTION_HAZARD, _MONTHLY_HAZARD)
    lasts = 3_600 + (rng.exponential(1.0, n) * 30 * DAY_SECONDS / hazard).astype(np.int64)
    return Offered(
        row,
        number,
        offer,
        channel,
        position,
        propensity,
        acceptance,
        shown,
        np.where(clicks, clicked, FAR),
        np.where(accepts, connected, FAR),
        np.where(declines, clicked + rng.integers(1, 30, n), FAR),
        np.where(accepts, connected + lasts, FAR),
    )


def _remember(standing: Standing, once: NDArray[np.bool_], offered: Offered) -> None:
    """An accepted offer rests from the answer until it is disconnected, one for life for good."""
    took = offered.connected < FAR
    row, offer = offered.row[took], offered.offer[took]
    standing.connected_at[row, offer] = offered.connected[took]
    standing.connected_until[row, offer] = offered.disconnected[took]
    standing.rests_until[row, offer] = np.where(once[offer], FAR, offered.disconnected[took])
    refused = offered.declined < FAR
    standing.rests_until[offered.row[refused], offered.offer[refused]] = offered.declined[refused] + REST_AFTER_DECLINE
