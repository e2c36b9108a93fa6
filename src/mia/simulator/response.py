"""How people answer an offer: the true probability that they connect it when it is shown to them.

acceptance = sigmoid(base of the offer + its weights on the drivers + fit of its size and price + taste of the region
and of the person + effect of the channel + position), with weights that follow from the fields of the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints
from mia.simulator.catalogue import OfferArrays
from mia.simulator.lifestyles import APPS, CHANNELS, CONTENTS
from mia.simulator.needs import Needs
from mia.simulator.population import REGION_NAMES, TASTES, Population
from mia.simulator.scenario import Scenario, Stage

INTERCEPT = -3.5
POSITION_DECAY = 0.22
CHANNEL_EFFECT: Mapping[str, float] = {
    "app": 0.1,
    "web": 0.0,
    "chat": -0.1,
    "whatsapp": -0.15,
    "vk": -0.2,
    "call_centre": 0.3,
    "assistant": 0.05,
}
_SIZE_PENALTY = 0.45
_PRICE_PENALTY = 0.45
_THRIFT_PENALTY = 0.45
_DISCOUNT_PULL = 0.5
_TASTE = 0.15
_REGION_TASTE = 0.25
_BASE_SPREAD = 0.3

# What moves people towards the offers of a category, beside what follows from tags and allowances.
CATEGORY_DRIVERS: Mapping[str, Mapping[str, float]] = {
    "data_pack": {"data_short": 0.6, "newcomer": 0.3},
    "data_night": {"night": 0.9, "data_short": 0.3},
    "unlimited_app": {"data_short": 0.6},
    "voice_pack": {"voice_short": 0.6, "voice_heavy": 0.4},
    "sms_pack": {"sms_heavy": 1.1},
    "international_calls": {"abroad_calls": 1.3},
    "roaming_national": {"trip_national": 2.2, "traveller": 0.7},
    "roaming_international": {"trip_international": 2.8, "traveller": 0.6, "fee": 0.2},
    "service_fee_discount": {"fee": 0.6, "thrift": 0.8},
    "loyalty_bonus": {"thrift": 0.7, "newcomer": 0.4},
    "tariff_up": {"data_short": 0.9, "voice_short": 0.4, "thrift": -0.4},
    "tariff_down": {"data_spare": 0.7, "voice_spare": 0.4, "fee": 0.8},
    "exchange_minutes_to_data": {"data_short": 0.7, "voice_spare": 0.8, "young": 0.3},
    "exchange_data_to_minutes": {"data_spare": 0.6, "voice_short": 0.8},
    "sell_data": {"data_spare": 1.1, "thrift": 0.7, "young": 0.4},
    "music": {"young": 0.3},
    "films": {"device_dear": 0.3, "leisure": 0.2},
    "games": {"young": 0.6, "night": 0.3},
    "books": {"senior": 0.2},
    "security": {"device_dear": 0.4},
    "insurance": {"device_dear": 0.4, "traveller": 0.3},
    "family": {"family": 0.8},
    "gift": {"family": 0.4, "leisure": 0.3},
    "cloud": {"device_dear": 0.7, "data_heavy": 0.4},
    "smart_home": {"family": 0.7, "device_dear": 0.6},
    "work_tools": {"voice_heavy": 0.5},
    "device_trade_in": {"device_old": 0.9, "device_dear": 0.6},
    "device_instalment": {"device_old": 0.5, "device_basic": 1.2, "data_heavy": 0.4},
    "recycling_promo_code": {"device_old": 0.8, "young": 0.3},
    "digital_guide": {"senior": 0.3, "data_heavy": -0.6},
    "partner_taxi": {"young": 0.4},
    "partner_grocery": {"family": 0.6, "young": 0.2},
    "partner_pharmacy": {"senior": 0.9},
}
# Tags that are no usage category.
TAG_DRIVERS: Mapping[str, Mapping[str, float]] = {
    "calls": {"voice_heavy": 0.4},
    "travel": {"traveller": 0.5, "trip_national": 0.5, "trip_international": 0.7},
    "family": {"family": 0.5},
    "saving": {"thrift": 0.5},
    "seniors": {"senior": 0.6},
    "device": {"device_old": 0.2},
}
_TAG_WEIGHT = 1.2  # of a tag that is a usage category, shared among the tags of an offer


@dataclass(frozen=True, slots=True)
class Response:
    """The truth of one world about m offers.

    `weights` is drivers x m in the order of `names`, `regional` regions x m, `personal` TASTES x m.
    """

    offers: OfferArrays
    names: tuple[str, ...]
    weights: Floats
    base: Floats
    regional: Floats
    personal: Floats

    def utilities(self, people: Population, rows: Ints, needs: Needs) -> Floats:
        """Log odds of connection, k x m, before the effects of channel and position."""
        offers = self.offers
        drivers = np.stack([needs.drivers[name] for name in self.names], axis=1)
        log_odds = drivers @ self.weights + self.base + self.regional[people.region[rows]]
        log_odds += people.taste[rows] @ self.personal + people.responsiveness[rows][:, None]
        gives_data = offers.data_mb > 0
        misfit = np.abs(np.log2(np.where(gives_data, offers.data_mb, 1.0) / needs.gap_mb[:, None]))
        log_odds -= _SIZE_PENALTY * np.where(gives_data, np.minimum(misfit, 3.0) - 1.5, 0.0)
        reluctance = np.maximum(_PRICE_PENALTY + _THRIFT_PENALTY * people.thrift[rows], 0.1)
        utilities: Floats = log_odds - reluctance[:, None] * np.log1p(offers.price / 100.0)
        return utilities

    def acceptance(self, utilities: Floats, channels: Ints, positions: Ints) -> Floats:
        """Probability of connection; `channels` are codes, `positions` count from 1. Shapes broadcast."""
        effect = np.array([CHANNEL_EFFECT[channel] for channel in CHANNELS])[channels]
        probability: Floats = 1.0 / (1.0 + np.exp(-(utilities + effect - POSITION_DECAY * (positions - 1))))
        return probability


def build_response(scenario: Scenario, offers: OfferArrays) -> Response:
    """The response of a world to these offers."""
    rng = scenario.stream(Stage.WORLD)
    pairs = [_weights_of(offers, column) for column in range(len(offers))]
    names = sorted({name for column in pairs for name, _ in column})
    weights = np.zeros((len(names), len(offers)))
    for column, moved_by in enumerate(pairs):
        for name, weight in moved_by:
            weights[names.index(name), column] += weight
    return Response(
        offers=offers,
        names=tuple(names),
        weights=weights,
        base=INTERCEPT + rng.normal(0, _BASE_SPREAD, len(offers)) + _DISCOUNT_PULL * offers.discount,
        regional=rng.normal(0, _REGION_TASTE, (len(REGION_NAMES), len(offers))),
        personal=rng.normal(0, _TASTE, (TASTES, len(offers))),
    )


def _weights_of(offers: OfferArrays, column: int) -> list[tuple[str, float]]:
    pairs = list(CATEGORY_DRIVERS.get(offers.categories[column], {}).items())
    tags = sorted(offers.tags[column])
    used = [tag for tag in tags if tag in APPS or tag in CONTENTS]
    pairs += [(f"uses_{tag}", _TAG_WEIGHT / len(used) ** 0.5) for tag in used]
    pairs += [pair for tag in tags for pair in TAG_DRIVERS.get(tag, {}).items()]
    if offers.data_mb[column]:
        pairs.append(("data_short", 0.5))
    if offers.voice_minutes[column]:
        pairs.append(("voice_short", 0.5))
    if offers.sms_count[column]:
        pairs.append(("sms_heavy", 0.3))
    return pairs
