"""The connections of the experiment's subscribers, and when those were in touch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mia.domain.offer import Offer
from mia.domain.subscriber import Arm
from mia.frames import Floats, Ints
from mia.services.lift.ledger import FIRST, LAST, SHOWN_FIRST, SHOWN_LAST, Seen
from mia.services.lift.period import Period
from mia.services.lift.population import Population
from mia.tables import ARM, CATEGORY, LOCAL_DAY, OFFER_ID, SUBSCRIBER_ID
from mia.uptake.lift.measure import Outcomes, cells_of
from mia.uptake.lift.moments import gather_moments, stack_moments

NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class Connected:
    """The n subscribers activated by a day, whether each is in arm control, and their connections.

    `rows` are the connections with `who` (place of the subscriber), `day` and `value` of each; `others` are those of
    everybody else.
    """

    people: pa.Table
    control: NDArray[np.bool_]
    rows: pa.Table
    who: Ints
    day: Ints
    value: Floats
    others: pa.Table

    @classmethod
    def build(cls, seen: Seen, population: Population, upto: int, offers: Mapping[str, Offer]) -> "Connected":
        """Of the subscribers activated on day `upto` at the latest; offers that are unknown have a value of 0."""
        active = population.activated <= upto
        people = population.people.filter(pa.array(active))
        place = _places(seen.connections[SUBSCRIBER_ID], people[SUBSCRIBER_ID])
        rows = seen.connections.filter(place.is_valid())
        values = pa.array([offer.value for offer in offers.values()], pa.float64())
        worth = values.take(_places(rows[OFFER_ID], pa.chunked_array([list(offers)], pa.string())))
        return cls(
            people,
            population.control[active],
            rows,
            place.drop_null().to_numpy().astype(np.int64),
            rows[LOCAL_DAY].to_numpy(),
            worth.fill_null(0.0).to_numpy(),
            seen.connections.filter(place.is_null()),
        )

    def unvalued(self, period: Period, offers: Mapping[str, Offer]) -> int:
        """Connections in the period of offers that are unknown."""
        known = pc.is_in(self.rows[OFFER_ID], pa.array(list(offers), pa.string())).to_numpy()
        return int((~known & (self.day >= period.start) & (self.day <= period.end)).sum())

    def outside(self, period: Period) -> int:
        """Connections in the period of subscribers that take no part."""
        day = self.others[LOCAL_DAY].to_numpy()
        return int(((day >= period.start) & (day <= period.end)).sum())

    def outcomes(
        self,
        period: Period,
        groups: tuple[str | None, ...],
        reached: NDArray[np.bool_],
        *,
        people: Ints | None = None,
        rows: Ints | None = None,
    ) -> Outcomes:
        """What was counted in groups of `people` (a group each, n), or of `rows` (a group each), or of all in one."""
        count = len(self.control)
        cells = cells_of(np.zeros(count, np.int64) if people is None else people, self.control)
        # Where groups split connections every subscriber belongs to each of them, with what it connected there.
        parts = [np.ones(len(self.who), bool)] if rows is None else [rows == place for place in range(len(groups))]
        size = len(groups) if rows is None else 1
        within = (self.day >= period.start) & (self.day <= period.end)
        before = (self.day >= period.pre_start) & (self.day < period.pre_end)
        based = self.day <= period.baseline

        def add(chosen: NDArray[np.bool_], weights: Floats) -> Floats:
            return np.bincount(self.who[chosen], weights=weights[chosen], minlength=count).astype(np.float64)

        one = np.ones(len(self.who))
        found = {
            name: stack_moments(
                [gather_moments(cells, size, add(part & within, worth), add(part & before, worth)) for part in parts]
            )
            for name, worth in (("connections", one), ("value", self.value))
        }
        shown = np.bincount(cells[reached], minlength=2 * size).reshape(size, 2)
        base = [np.bincount(cells // 2, weights=add(part & based, one), minlength=size) for part in parts]
        return Outcomes(
            groups,
            found["connections"],
            found["value"],
            np.tile(shown, (len(parts), 1)),
            np.concatenate(base).astype(np.int64),
        )

    def labels(self, by: str, offers: Mapping[str, Offer]) -> pa.ChunkedArray:
        """What each connection is grouped by; null where its offer is unknown."""
        if by != CATEGORY:
            return self.rows[by]
        named = pa.array([offer.category for offer in offers.values()], pa.string())
        return named.take(_places(self.rows[OFFER_ID], pa.chunked_array([list(offers)], pa.string())))


@dataclass(frozen=True, slots=True)
class Contacts:
    """Subscribers in touch in a period: who was `reached` by an impression (n), how many had events at all (`seen`),
    and how many of them in an arm other than their own (`crossed`).
    """

    reached: NDArray[np.bool_]
    seen: int
    crossed: int

    @classmethod
    def build(cls, seen: Seen, connected: Connected, period: Period) -> "Contacts":
        """Spans of days stand for days: who was in touch before and after a period counts as in touch within it."""
        place = _places(seen.contacts[SUBSCRIBER_ID], connected.people[SUBSCRIBER_ID])
        rows = seen.contacts.filter(place.is_valid())
        who = place.drop_null().to_numpy().astype(np.int64)
        in_touch = _overlaps(rows, FIRST, LAST, period)
        shown = _overlaps(rows, SHOWN_FIRST, SHOWN_LAST, period)
        count = len(connected.control)
        own = np.where(connected.control[who], Arm.CONTROL.value, Arm.MIA.value)
        other = rows[ARM].to_numpy() != own
        return cls(
            np.bincount(who[shown], minlength=count) > 0,
            len(np.unique(who[in_touch])),
            len(np.unique(who[in_touch & other])),
        )


def number_groups(labels: pa.ChunkedArray) -> tuple[tuple[str | None, ...], Ints]:
    """Distinct labels, the unknown first if there is one, and the place of each row's label among them."""
    known = pc.unique(labels.drop_null()).sort()
    names = pa.concat_arrays([pa.nulls(int(labels.null_count > 0), pa.string()), known.cast(pa.string())])
    return tuple(names.to_pylist()), pc.index_in(labels, names).to_numpy().astype(np.int64)


def _places(values: pa.ChunkedArray, among: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.index_in(values, among.combine_chunks())


def _overlaps(rows: pa.Table, first: str, last: str, period: Period) -> NDArray[np.bool_]:
    begins, ends = (rows[name].fill_null(NEVER).to_numpy() for name in (first, last))
    return np.asarray((ends >= period.start) & (begins <= period.end))
