"""A simulated world as a whole: its people, and the truth about how they answer any offer."""

from dataclasses import dataclass

from mia.frames import Floats, Ints
from mia.simulator.catalogue import OfferArrays, arrange_offers, load_catalogue
from mia.simulator.needs import find_needs
from mia.simulator.population import Population, draw_population, join_populations
from mia.simulator.response import Response, build_response
from mia.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class World:
    """The oracle of a scenario: row i of `people` is the subscriber of running number i."""

    scenario: Scenario
    people: Population
    response: Response

    @property
    def offers(self) -> OfferArrays:
        """The offers, in the order of the catalogue."""
        return self.response.offers

    def utilities(self, rows: Ints, days: Ints) -> Floats:
        """Log odds that the subscribers `rows` (k) connect each of the m offers on local `days` (k): k x m.

        Channel and position come on top; see `acceptance`. About 2.5 KB a row while it runs: ask in lots.
        """
        return self.response.utilities(self.people, rows, find_needs(self.scenario, self.people, rows, days))

    def acceptance(self, rows: Ints, offers: Ints, days: Ints, channels: Ints, positions: Ints) -> Floats:
        """True probability of connection of k shown offers, in (0, 1); all arguments are arrays of k.

        `offers` are places in the catalogue, `days` local days within the scenario, `channels` places in
        `lifestyles.CHANNELS`, `positions` count from 1.
        """
        utilities = self.utilities(rows, days)[range(len(rows)), offers]
        return self.response.acceptance(utilities, channels, positions)


def build_world(scenario: Scenario) -> World:
    """The world of a scenario, the same that `mia simulate` writes records of. About 1 KB a subscriber."""
    people = join_populations([draw_population(scenario, block) for block in scenario.blocks()])
    return World(scenario, people, build_response(scenario, arrange_offers(load_catalogue())))
