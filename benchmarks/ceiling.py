"""How far any ranking could get that sees the records and nothing else.

The truth is taken apart into what leaves traces and what does not. `untraceable` knows every need and every weight but
not a person's whims (taste, responsiveness) or the trips to come. `from records` knows every weight, but each need only
as well as boosted trees can tell it from the profiles of half of the people, measured on the other half.
"""

import lightgbm
import numpy as np

from mia.domain.offer import Offer
from mia.frames import Floats, Ints, Objects, Profiles
from mia.ranking.person import PersonColumns
from mia.simulator.lifestyles import CHANNELS
from mia.simulator.needs import Needs, find_needs
from mia.simulator.travel import INTERNATIONAL, LOOK_AHEAD, NATIONAL
from mia.simulator.world import World
from truth import EFFECTS, LOT, in_world

TRIPS = {"trip_national": NATIONAL - 1, "trip_international": INTERNATIONAL - 1}
SEASON = 2.0
ROUNDS = 50
PARAMETERS = {
    "objective": "l2",
    "num_leaves": 31,
    "learning_rate": 0.12,
    "feature_fraction": 0.5,
    "max_bin": 63,
    "num_threads": 2,
    "verbosity": -1,
}


def untraceable(world: World, people: Ints, days: Ints, channel: Objects, offers: tuple[Offer, ...]) -> Floats:
    """Probabilities in first place without whims and coming trips, k x m."""
    return _chance(world, people, _needs(world, people, days), channel, offers)


def from_records(
    world: World, profiles: Profiles, people: Ints, days: Ints, channel: Objects, offers: tuple[Offer, ...]
) -> Floats:
    """Probabilities in first place with needs as the records tell them, k x m; profile row i is visit i."""
    needs = _needs(world, people, days)
    levels = {
        name: tuple(sorted({value for value in profiles.attributes[name] if value is not None}))
        for name in ("tariff", "device_class", "region")
    }
    numeric = tuple(
        name
        for name, values in profiles.attributes.items()
        if values[0] is not None and not isinstance(values[0], str) and name != "personalisation"
    )
    seen = PersonColumns.fit(profiles, numeric, levels).build(profiles, profiles.numeric)
    half = people % 2 == 0

    def told(truth: Floats) -> Floats:
        if truth.std() < 1e-9:
            return truth
        out = np.empty(len(truth))
        for here in (half, ~half):
            trees = lightgbm.train(PARAMETERS, lightgbm.Dataset(seen[~here], truth[~here]), ROUNDS)
            out[here] = trees.predict(seen[here])
        return out

    thrift = told(world.people.thrift[people])
    guessed = Needs(
        {name: told(values) for name, values in needs.drivers.items()},
        2.0 ** told(np.log2(needs.gap_mb)),
        needs.data_mb,
        needs.voice_minutes,
        needs.since_activation,
    )
    return _chance(world, people, guessed, channel, offers, thrift)


def _needs(world: World, people: Ints, days: Ints) -> Needs:
    needs = find_needs(world.scenario, world.people, people, days)
    for name, kind in TRIPS.items():
        expected = world.people.trips[people, kind] * SEASON * LOOK_AHEAD / 30.0
        needs.drivers[name] = 1.0 - np.exp(-expected)
    return needs


def _chance(
    world: World,
    people: Ints,
    needs: Needs,
    channel: Objects,
    offers: tuple[Offer, ...],
    thrift: Floats | None = None,
) -> Floats:
    response, crowd = world.response, world.people
    out = []
    for part in np.array_split(np.arange(len(people)), max(1, len(people) // LOT)):
        rows = people[part]
        some = Needs(
            {name: values[part] for name, values in needs.drivers.items()},
            needs.gap_mb[part],
            needs.data_mb[part],
            needs.voice_minutes[part],
            needs.since_activation[part],
        )
        log_odds = response.utilities(crowd, rows, some)
        log_odds -= crowd.taste[rows] @ response.personal + crowd.responsiveness[rows][:, None]
        if thrift is not None:
            slope = response_to_price(response.offers.price)
            log_odds += (crowd.thrift[rows] - thrift[part])[:, None] * slope
        out.append(log_odds)
    log_odds = np.concatenate(out)[:, in_world(world, offers)]
    effect = EFFECTS[[CHANNELS.index(name) for name in channel]]
    return 1.0 / (1.0 + np.exp(-(log_odds + effect[:, None])))


def response_to_price(price: Floats) -> Floats:
    """How much a unit of thrift takes from the log odds of offers of these prices."""
    return 0.45 * np.log1p(price / 100.0)
