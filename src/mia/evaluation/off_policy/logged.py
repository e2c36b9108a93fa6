"""What off-policy evaluation works on: logged places with their propensities, and what a target would do there.

A row is one offer shown at one place of one slate. With a single place a slate is a row. With more, slates are valued
under the item-position model (Li, S. et al., 2018, "Offline evaluation of ranking policies with click models"): whether
an offer is connected depends on the subscriber, the offer and its place, not on what else the slate holds. Then the
marginal propensity of (offer, place), which MIA stores, is all that is needed, and the value of a slate is the sum over
its places. Estimators that drop this assumption want the propensity of whole slates, or of pairs of places
(pseudo-inverse: Swaminathan, A. et al., 2017), which a log of marginals does not have.
"""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints


@dataclass(frozen=True, slots=True)
class Logged:
    """R rows: `reward` of the offer shown, `propensity` in (0, 1] of the live policy to show it there, `slate` and
    `place` (from 0) of the row, and the `cluster` it belongs to, which is the subscriber.

    Raises ValueError for a propensity out of range and for arrays of different lengths.
    """

    reward: Floats
    propensity: Floats
    slate: Ints
    place: Ints
    cluster: Ints

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in self.__slots__}) != 1:
            raise ValueError("the columns of a log have one value a row each")
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise ValueError("propensities lie in (0, 1]")

    def __len__(self) -> int:
        return len(self.reward)

    @classmethod
    def single(cls, reward: Floats, propensity: Floats, cluster: Ints) -> "Logged":
        """A log of single places."""
        return cls(reward, propensity, np.arange(len(reward)), np.zeros(len(reward), np.int64), cluster)

    def take(self, rows: Ints) -> "Logged":
        """The given rows, in their order."""
        return Logged(self.reward[rows], self.propensity[rows], self.slate[rows], self.place[rows], self.cluster[rows])

    @property
    def slates(self) -> int:
        """Number of slates."""
        return len(np.unique(self.slate))

    @property
    def first_of_slate(self) -> Floats:
        """1 in one row of each slate, 0 in the others: its sums count slates (R)."""
        found = np.zeros(len(self))
        found[np.unique(self.slate, return_index=True)[1]] = 1.0
        return found


@dataclass(frozen=True, slots=True)
class Target:
    """What a policy would do at R logged places, and what a model of the reward expects of it.

    `chance` in [0, 1] is the policy's probability to show the logged offer there; `expected` is the modelled reward of
    the logged offer there; `planned` is the modelled reward of the policy there: the sum over its offers of chance x
    expected. The model must not have been fitted on these rows.
    """

    chance: Floats
    expected: Floats
    planned: Floats

    def take(self, rows: Ints) -> "Target":
        """The given rows, in their order."""
        return Target(self.chance[rows], self.expected[rows], self.planned[rows])

    def weight(self, log: Logged) -> Floats:
        """Importance weights chance / propensity (R)."""
        return np.asarray(self.chance / log.propensity)
