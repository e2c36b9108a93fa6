"""What the services know for a choice, as tables and rows that the page, its charts and its files are made of."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mia.api.dashboard.charts import FunnelRow
from mia.api.dashboard.choice import Choice
from mia.api.dashboard.marks import Mark, build_marks
from mia.api.dashboard.offers import OfferRow, build_offers
from mia.api.dashboard.series import Series, build_series
from mia.api.dashboard.words import group_name
from mia.api.services import Services
from mia.domain.change import Change, Changed
from mia.domain.offer import Offer
from mia.errors import InvalidInput, UnknownOffer
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_number, month_start
from mia.uptake.growth import name_unknown
from mia.uptake.headline import Headline

SUMMED = ("impressions", "clicks", "connections", "matured_impressions", "accepted_impressions")
USUAL_BY = {"index": "macro_region", "connections": "category"}
"""How the charts over months are grouped where the reader asked for nothing else."""


class Figures:
    """Reads uptake for a choice. Blocks: call it in a worker thread."""

    def __init__(self, services: Services) -> None:
        self._services, self._uptake = services, services.uptake

    def months(self) -> list[str]:
        """All months there are, oldest first."""
        return self._uptake.months()

    def period(self, choice: Choice) -> tuple[str, str] | None:
        """The months that the choice shows; raises InvalidInput for one that there is not. None without events."""
        months = self._uptake.months()
        if not months:
            return None
        for name, month in (("from", choice.start), ("to", choice.end)):
            if month is not None and month not in months:
                raise InvalidInput(f"there are no events of {month}, only {months[0]} to {months[-1]}", parameter=name)
        return choice.period(months, self._uptake.newest_settled())

    def table(self, choice: Choice, by: str) -> pa.Table:
        """Uptake of the months shown, grouped."""
        shown = self.period(choice) or (None, None)
        return self._uptake.table(choice.baseline, by, *shown, only=choice.only)

    def series(self, choice: Choice, by: str) -> Series:
        """The same, named for readers."""
        return build_series(self.table(choice, by).to_pylist(), lambda group: self.name(choice, by, group))

    def by(self, choice: Choice, chart: str) -> str:
        """How a chart over months is grouped."""
        return choice.by or USUAL_BY[chart]

    def name(self, choice: Choice, by: str, group: str | None) -> str:
        """What readers call a group."""
        offer = self._offer(group) if by == "offer" and group else None
        return offer.name.in_language(choice.language) if offer else group_name(group, choice.language)

    def headline(self, choice: Choice) -> tuple[str, Headline | None]:
        """The macro-region of the headline, and its figures; None where there are none of the usual one.

        Raises InvalidInput for one that was asked for and is not there.
        """
        region = choice.macro_region or self._services.headline
        if choice.macro_region is None:
            held = self.macro_regions(choice)
            if region not in held:
                if len(held) != 1:
                    return region, None
                region = held[0]
        return region, self._uptake.headline(region, choice.baseline, choice.end, only=choice.only)

    def macro_regions(self, choice: Choice) -> list[str]:
        """Macro-regions with events."""
        found = self._uptake.table(choice.baseline, "macro_region", only=choice.only)["group"]
        return [name for name in dict.fromkeys(found.to_pylist()) if name is not None]

    def funnel(self, choice: Choice) -> tuple[FunnelRow, ...]:
        """Sums over the months shown by channel, most impressions first."""
        return tuple(
            FunnelRow(
                self.name(choice, "channel", row["group"]),
                row["impressions_sum"],
                row["clicks_sum"],
                row["connections_sum"],
                row["acceptance"],
            )
            for row in self._summed(choice, "channel").to_pylist()
        )

    def funnel_table(self, choice: Choice) -> pa.Table:
        """The same with plain names, to be kept as a file."""
        found = name_unknown(self._summed(choice, "channel"))
        names = ["channel", "impressions", "clicks", "connections", "matured_impressions", "accepted_impressions"]
        return found.rename_columns([*names, "acceptance_percent"])

    def offers(self, choice: Choice) -> tuple[OfferRow, ...]:
        """The table of offers, sorted as asked for."""
        return build_offers(self.table(choice, "offer"), self._offer, choice)

    def marks(self, choice: Choice, months: Sequence[str]) -> tuple[Mark, ...]:
        """What changed in the months shown."""
        found = self._uptake.table(choice.baseline, "model_version", only=choice.only)
        found = found.filter(pc.and_(pc.is_valid(found["group"]), pc.greater(found["impressions"], 0)))
        first = found.group_by("group").aggregate([("month", "min")]).to_pylist()
        # A model changed the figures when its first decision was shown, whenever it was put in force.
        models = [Change(Changed.MODEL, row["group"], _start(row["month_min"])) for row in first]
        return build_marks([*models, *self._services.changes()], months, choice.language)

    def _summed(self, choice: Choice, by: str) -> pa.Table:
        found = self.table(choice, by).group_by("group").aggregate([(name, "sum") for name in SUMMED])
        matured, accepted = (found[f"{name}_impressions_sum"].cast(pa.float64()) for name in ("matured", "accepted"))
        share = pc.if_else(pc.greater(matured, 0), pc.divide(pc.multiply(accepted, 100.0), matured), None)
        return found.append_column("acceptance", share).sort_by(
            [("impressions_sum", "descending"), ("connections_sum", "descending")]
        )

    def _offer(self, offer_id: str) -> Offer | None:
        try:
            return self._services.decisions.catalogue.offer(offer_id)
        except UnknownOffer:
            return None


def _start(month: str) -> int:
    return month_start(month_number(month)) * DAY_SECONDS * MICROSECONDS
