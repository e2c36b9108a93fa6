"""The table of offers: how far each reached, how it was accepted, and where it goes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mia.api.dashboard.choice import Choice
from mia.api.dashboard.words import group_name
from mia.domain.offer import Offer
from mia.frames import Floats, Ints

TREND_MONTHS = 3
TREND_BASE = 10
"""Fewer connections than this in the earlier months are no base for a percentage."""


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer in the months shown.

    `reach` counts impressions, `acceptance` is percent of the matured ones, `trend` percent by which connections of the
    last complete months differ from those of as many before; `months` are connections by month.
    """

    offer_id: str | None
    name: str
    category: str
    reach: int
    clicks: int
    connections: int
    acceptance: float | None
    trend: float | None
    months: tuple[int, ...]


def build_offers(table: pa.Table, offer_of: Callable[[str], Offer | None], choice: Choice) -> tuple[OfferRow, ...]:
    """Rows of uptake by offer and month, added up by offer and sorted; empty values always come last."""
    if not table.num_rows:
        return ()
    ids = table["group"].to_pylist()
    groups = list(dict.fromkeys(ids))
    months = table.num_rows // len(groups)

    def cells(name: str) -> Ints:
        return np.asarray(table[name].to_numpy(), np.int64).reshape(months, len(groups))

    connections = cells("connections")
    complete = np.asarray(table["complete"].to_numpy(zero_copy_only=False)).reshape(months, len(groups))[:, 0]
    trends = find_trends(connections[complete])
    matured, accepted = cells("matured_impressions").sum(0), cells("accepted_impressions").sum(0)
    reach, clicks = cells("impressions").sum(0), cells("clicks").sum(0)
    rows = []
    for place, offer_id in enumerate(groups):
        offer = offer_of(offer_id) if offer_id else None
        category = group_name(offer.category if offer else None, choice.language) if offer else "—"
        rows.append(
            OfferRow(
                offer_id,
                offer.name.in_language(choice.language) if offer else group_name(offer_id, choice.language),
                category,
                int(reach[place]),
                int(clicks[place]),
                int(connections[:, place].sum()),
                float(accepted[place] / matured[place] * 100) if matured[place] else None,
                None if np.isnan(trends[place]) else float(trends[place]),
                tuple(connections[:, place].tolist()),
            )
        )
    return sort_offers(rows, choice.sort)


def find_trends(connections: Ints) -> Floats:
    """Percent between the last `TREND_MONTHS` of m complete months and as many before, for each of g offers (m x g);
    NaN on a small base.

    >>> find_trends(np.array([[10], [10], [10], [10], [15], [20]]))
    array([50.])
    """
    half = min(TREND_MONTHS, len(connections) // 2)
    if not half:
        return np.full(connections.shape[1], np.nan)
    now, then = connections[-half:].sum(0), connections[-2 * half : -half].sum(0)
    trend: Floats = np.divide((now - then) * 100.0, then, out=np.full(len(now), np.nan), where=then >= TREND_BASE)
    return trend


def sort_offers(rows: list[OfferRow], sort: str) -> tuple[OfferRow, ...]:
    """In the order of `name` or `-name` of a column; rows without a value of it come last."""
    column, downwards = sort.removeprefix("-"), sort.startswith("-")
    named = sorted(rows, key=lambda row: row.name.casefold())
    known = [row for row in named if getattr(row, column) is not None]
    without = [row for row in named if getattr(row, column) is None]

    def key(row: OfferRow) -> str | float:
        value = getattr(row, column)
        return value.casefold() if isinstance(value, str) else value

    return (*sorted(known, key=key, reverse=downwards), *without)


def offers_table(rows: tuple[OfferRow, ...]) -> pa.Table:
    """The rows to be kept as a file."""
    columns = ("offer_id", "name", "category", "reach", "clicks", "connections", "acceptance", "trend")
    named = {"acceptance": "acceptance_percent", "trend": "trend_percent"}
    types = {"reach": pa.int64(), "clicks": pa.int64(), "connections": pa.int64()}
    types |= {"acceptance": pa.float64(), "trend": pa.float64()}
    return pa.table(
        {
            named.get(name, name): pa.array([getattr(row, name) for row in rows], types.get(name, pa.string()))
            for name in columns
        }
    )
