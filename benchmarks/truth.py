"""What the simulator knows: true probabilities of what was shown, and the true value of any order of offers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mia.domain.offer import Offer
from mia.frames import Floats, Ints, Objects
from mia.ranking.training_set import Impressions
from mia.simulator.lifestyles import CHANNELS
from mia.simulator.response import CHANNEL_EFFECT, POSITION_DECAY
from mia.simulator.world import World

TOP = 3
LOT = 5_000
EFFECTS = np.array([CHANNEL_EFFECT[channel] for channel in CHANNELS])


def places_of(subscribers: Path, subscriber_ids: Objects) -> Ints:
    """Running numbers of subscribers in the world, from the file that the simulator wrote."""
    known = pq.read_table(subscribers)["subscriber_id"].combine_chunks()
    return pc.index_in(pa.array(subscriber_ids, pa.string()), known).to_numpy().astype(np.int64)


def acceptance_of(world: World, people: Ints, offers: tuple[Offer, ...], cols: Ints, shown: Impressions) -> Floats:
    """True probability of each impression as it was shown; `cols` are places in `offers`."""
    order = in_world(world, offers)
    channels = np.array([CHANNELS.index(channel) for channel in shown.channel])
    return np.concatenate(
        [
            world.acceptance(
                people[part], order[cols[part]], shown.local_day[part], channels[part], shown.position[part].astype(int)
            )
            for part in np.array_split(np.arange(len(people)), max(1, len(people) // LOT))
        ]
    )


def in_world(world: World, offers: tuple[Offer, ...]) -> Ints:
    """Places of offers in the catalogue of the world."""
    return np.array([world.offers.ids.index(offer.id) for offer in offers])


@dataclass(frozen=True, slots=True)
class Slates:
    """k visits x m offers: true log odds in the visit's channel in first place, which offers may be shown, margins."""

    log_odds: Floats
    allowed: np.ndarray
    value: Floats

    @classmethod
    def of(
        cls,
        world: World,
        people: Ints,
        days: Ints,
        channel: Objects,
        offers: tuple[Offer, ...],
        allowed: np.ndarray,
    ) -> Self:
        """The slates of some visits."""
        order = in_world(world, offers)
        parts = np.array_split(np.arange(len(people)), max(1, len(people) // LOT))
        utilities = np.concatenate([world.utilities(people[part], days[part])[:, order] for part in parts])
        effect = EFFECTS[[CHANNELS.index(name) for name in channel]]
        return cls(utilities + effect[:, None], allowed, np.array([offer.value for offer in offers]))

    @property
    def chance(self) -> Floats:
        """True probabilities in first place."""
        return 1.0 / (1.0 + np.exp(-self.log_odds))

    def worth(self, acceptance: Floats) -> float:
        """True value a visit of the first TOP offers by acceptance x margin, each at its place."""
        wanted = np.where(self.allowed, acceptance * self.value, -np.inf)
        best = np.argsort(-wanted, axis=1, kind="stable")[:, :TOP]
        log_odds = np.take_along_axis(self.log_odds, best, axis=1) - POSITION_DECAY * np.arange(TOP)
        shown = np.take_along_axis(self.allowed, best, axis=1)
        return float((shown * self.value[best] / (1.0 + np.exp(-log_odds))).sum(axis=1).mean())

    def best_for_all(self) -> Floats:
        """The best that is the same for everyone: the true mean acceptance of each offer among whom it may be shown."""
        mean = (self.chance * self.allowed).sum(axis=0) / np.maximum(self.allowed.sum(axis=0), 1)
        return np.broadcast_to(mean, self.log_odds.shape)

    def captured(self, acceptance: Floats) -> float:
        """Share of the way from the best order for everyone to the oracle's."""
        common, oracle = self.worth(self.best_for_all()), self.worth(self.chance)
        return (self.worth(acceptance) - common) / (oracle - common)
