"""Arbitration: what a shown offer is expected to earn, what a model orders by, and the greedy order that follows."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mia.domain.policy import ArbitrationPolicy, ContextWeight, Factor
from mia.frames import Floats, Ints, Objects
from mia.ranking.offer_table import OfferTable


class Objective(StrEnum):
    """What the best offer has the most of."""

    ACCEPTANCE = "acceptance"
    VALUE = "value"

    def merit(self, acceptance: Floats, worth: Floats) -> Floats:
        """What offers are ordered by: the acceptance itself, or the expected value (`worth`).

        >>> Objective.VALUE.merit(np.asarray([0.5, 0.1]), np.asarray([10.0, 20.0])).tolist()
        [10.0, 20.0]
        """
        return acceptance if self is Objective.ACCEPTANCE else worth


@dataclass(frozen=True, slots=True)
class _Weighing:
    """One weight of the context: what it makes of each of m offers, where the context is its own."""

    of: ContextWeight
    offers: Floats

    def speaks_of(self, channel: str | None, placement: str | None) -> bool:
        """Whether it counts there; one that names channels or placements does not where these are not known."""
        channels, placements = self.of.channels, self.of.placements
        return (not channels or channel in channels) and (not placements or placement in placements)


@dataclass(frozen=True, slots=True)
class Arbitration:
    """acceptance x margin x context x priority over m offers, each factor 1 where it is switched off.

    `value` in currency units and `priority` are m values; so is every weight of the context.
    """

    factors: frozenset[Factor]
    value: Floats
    priority: Floats
    weights: tuple[_Weighing, ...]

    @classmethod
    def build(cls, policy: ArbitrationPolicy, table: OfferTable) -> Self:
        """The arbitration of a policy over the offers of a catalogue."""
        weights = tuple(_Weighing(weight, _weights(weight, table)) for weight in policy.weights)
        return cls(policy.factors, table.value, table.priority, weights)

    def without(self, factor: Factor) -> "Arbitration":
        """The same with one factor switched off."""
        return replace(self, factors=self.factors - {factor})

    def worth(self, acceptance: Floats, cols: Ints, channel: str | None, placement: str | None = None) -> Floats:
        """Expected value of R offers of numbers `cols` shown in one context, as far as it is known."""
        weight = self._weight(channel, placement)
        return self._product(acceptance, cols, None if weight is None else weight[cols])

    def worth_of(self, acceptance: Floats, cols: Ints, channel: Objects, placement: Objects | None = None) -> Floats:
        """The same where each of the R offers has a channel and a placement of its own."""
        if Factor.CONTEXT not in self.factors or not self.weights:
            return self._product(acceptance, cols, None)
        where = list(
            zip(channel.tolist(), [None] * len(cols) if placement is None else placement.tolist(), strict=True)
        )
        numbers = {context: number for number, context in enumerate(dict.fromkeys(where))}
        ones = np.ones(len(self.value))
        found = [self._weight(*context) for context in numbers]
        table = np.asarray([ones if weight is None else weight for weight in found]).reshape(-1, len(ones))
        return self._product(acceptance, cols, table[[numbers[context] for context in where], cols])

    def _weight(self, channel: str | None, placement: str | None) -> Floats | None:
        """Weight of each offer in a context (m), None where all are 1."""
        if Factor.CONTEXT not in self.factors:
            return None
        mine = [weighing.offers for weighing in self.weights if weighing.speaks_of(channel, placement)]
        return np.asarray(np.prod(mine, axis=0)) if mine else None

    def _product(self, acceptance: Floats, cols: Ints, weight: Floats | None) -> Floats:
        # In the order of the factors, so that a stored decision is rebuilt to the last bit.
        worth = acceptance if Factor.ACCEPTANCE in self.factors else np.ones(len(acceptance))
        if Factor.VALUE in self.factors:
            worth = worth * self.value[cols]
        if weight is not None:
            worth = worth * weight
        if Factor.PRIORITY in self.factors:
            worth = worth * self.priority[cols]
        return worth


def _weights(weight: ContextWeight, table: OfferTable) -> Floats:
    spoken: NDArray[np.bool_] = np.asarray(
        [
            (not weight.categories or offer.category in weight.categories)
            and (not weight.tags or not weight.tags.isdisjoint(offer.tags))
            for offer in table.offers
        ],
        bool,
    )
    return np.where(spoken, weight.weight, 1.0)


def greedy_order(merit: Floats, acceptance: Floats) -> Ints:
    """Candidates by merit, then by acceptance, then as given: a total order, so that replay meets no tie.

    Of n candidates, or of each row of D x n.
    """
    # Equals stay as they were given, since the sort is stable.
    return np.lexsort((-acceptance, -merit)).astype(np.int64, copy=False)
