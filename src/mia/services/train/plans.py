"""What target policies would do at the logged places: chances of what was shown, and modelled rewards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mia.domain.policy import ArbitrationPolicy, ContactPolicy
from mia.evaluation.off_policy import Target
from mia.frames import Floats, Ints, Objects, Profiles
from mia.offers.conditions import Mask
from mia.offers.contact import no_history
from mia.offers.eligibility import Eligibility
from mia.ranking.arbitration import Arbitration
from mia.ranking.exploration import Prospects, marginals_behind
from mia.ranking.pairs import Context, Pairs, build_pairs
from mia.ranking.point_in_time import PointInTime
from mia.ranking.rankers.base import Ranker
from mia.services.train.targets import MIA, TargetPolicy
from mia.timeline import date_of

CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class Audience:
    """n subscribers, each on a day and in a channel."""

    profiles: Profiles
    channel: Objects

    def __len__(self) -> int:
        return len(self.channel)

    def take(self, rows: Ints) -> "Audience":
        """The given ones, in their order."""
        return Audience(self.profiles.take(rows), self.channel[rows])


@dataclass(frozen=True, slots=True)
class Places:
    """R logged places: the row of the audience, the offer number and the place from 0, below `count`, of each."""

    row: Ints
    col: Ints
    place: Ints
    count: int

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Plan:
    """A policy at the logged places, by connections and by margin."""

    connections: Target
    margin: Target


@dataclass(frozen=True, slots=True)
class Planner:
    """Scores the offers that the catalogue's rules allowed on the day in the channel, and asks what policies would do.

    What was shown had passed consent and contact policy; what these dropped is not in the log. The reward model is
    MIA's acceptance at the place in question; it must not have been fitted on the logged rows.
    """

    moment: PointInTime
    policy: ArbitrationPolicy
    rankers: Mapping[str, Ranker]

    def plans(self, targets: Mapping[str, TargetPolicy], audience: Audience, places: Places) -> dict[str, Plan]:
        """What each target would do."""
        value, arbitration = self.moment.table.value, Arbitration.build(self.policy, self.moment.table)
        mandatory = np.asarray([offer.mandatory for offer in self.moment.table.offers], bool)
        rates = self.moment.rates(audience.profiles)
        doubt = rates.doubt[rates.day_places(audience.profiles.as_of)]
        expected = np.zeros(len(places))
        chance = {name: np.zeros(len(places)) for name in targets}
        planned = {name: np.zeros((2, len(places))) for name in targets}
        used = {target.ranker for target in targets.values()}
        for part in self._parts(len(audience)):
            inside = np.flatnonzero((places.row >= part[0]) & (places.row <= part[-1]))
            row, col, place = places.row[inside] - part[0], places.col[inside], places.place[inside]
            asked = audience.take(part)
            acceptance, modelled = self._scored(asked, used, places.count)
            expected[inside] = modelled[row, col, place]
            for name, target in targets.items():
                accepted = acceptance[target.ranker]
                rows, cols = np.nonzero(~np.isnan(accepted))
                known = accepted[rows, cols]
                earned = arbitration.worth_of(known, cols, asked.channel[rows])
                merit = np.full(accepted.shape, -np.inf)
                merit[rows, cols] = self.rankers[target.ranker].objective.merit(known, earned)
                prospects = Prospects(merit, np.nan_to_num(accepted), doubt[part])
                marginals = marginals_behind(target.exploration, prospects, mandatory, places.count)
                chance[name][inside] = marginals[row, col, place]
                rewards = np.einsum("rmk,rmk,bm->brk", marginals, modelled, np.stack([np.ones(len(value)), value]))
                planned[name][:, inside] = rewards[:, row, place]
        earned = value[places.col]
        return {
            name: Plan(
                Target(chance[name], expected, planned[name][0]),
                Target(chance[name], expected * earned, planned[name][1]),
            )
            for name in targets
        }

    def _parts(self, size: int) -> list[Ints]:
        step = max(1, CHUNK // max(len(self.moment.table), 1))
        return [np.arange(start, min(start + step, size)) for start in range(0, size, step)]

    def _scored(self, audience: Audience, used: set[str], count: int) -> tuple[dict[str, Floats], Floats]:
        """Acceptance in first place by each ranker, NaN where an offer is not allowed (n x m), and the modelled reward
        at each place, 0 where it is not (n x m x count).
        """
        table, profiles = self.moment.table, audience.profiles
        passed = self._passed(audience)
        rows, cols = (found.astype(np.int64) for found in np.nonzero(passed))
        acceptance = {name: np.full(passed.shape, np.nan) for name in used}
        modelled = np.zeros((*passed.shape, count))
        if not len(rows):
            return acceptance, modelled
        context = replace(Context.constant(len(rows), None), channel=audience.channel[rows])
        pairs = build_pairs(profiles, table, self.moment.rates(profiles), rows, cols, context)
        for name in used:
            acceptance[name][rows, cols] = self.rankers[name].score(pairs)
        for place in range(count):
            modelled[rows, cols, place] = self.rankers[MIA].score(_at_place(pairs, place))
        return acceptance, modelled

    def _passed(self, audience: Audience) -> Mask:
        eligibility = Eligibility(self.moment.table.offers, ContactPolicy())
        passed = np.zeros((len(audience), len(eligibility.offers)), bool)
        as_of, channels = audience.profiles.as_of, audience.channel.astype(str)
        for day in np.unique(as_of):
            for channel in np.unique(channels[as_of == day]):
                rows = np.flatnonzero((as_of == day) & (channels == channel))
                history = no_history(len(rows), eligibility.book, {})
                profiles = audience.profiles.take(rows)
                verdicts = eligibility.check(profiles, history, channel=str(channel), on=date_of(int(day)))
                passed[rows] = verdicts.passed
        return passed


def _at_place(pairs: Pairs, place: int) -> Pairs:
    return replace(pairs, context=replace(pairs.context, position=np.full(len(pairs), place + 1.0)))
