"""What the reader asked to see. All of it lives in the address, so that a view can be sent to someone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query
from pydantic import WithJsonSchema

from mia.api.wire import IF_GIVEN, OptionalMonth, OptionalName
from mia.domain.offer import Language

BASELINE = "2021-01"
USUAL_MONTHS = 24
"""How many months are shown where none were asked for."""
DIMENSIONS = ("macro_region", "region", "category", "offer", "channel", "arm")
"""What the charts over months can be grouped by."""
NARROWING = ("region", "category", "channel", "arm")
"""What every figure but lift can be narrowed to."""
COLUMNS = ("name", "category", "reach", "clicks", "connections", "acceptance", "trend")
"""Columns of the table of offers."""
TEXT_COLUMNS = ("name", "category")
"""Those of them that are sorted from A to Z first; the others from the largest."""
SORTS = tuple(sign + name for name in COLUMNS for sign in ("", "-"))
USUAL_SORT = "-connections"

By = Annotated[
    Literal[DIMENSIONS] | None,  # type: ignore[valid-type]
    IF_GIVEN,
    WithJsonSchema({"type": "string", "enum": [*DIMENSIONS, ""]}),
]
Sort = Annotated[
    Literal[SORTS],  # type: ignore[valid-type]
    Query(description="column of the table of offers; a minus before it: the largest first"),
]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked to see; None is as usual."""

    baseline: str
    by: str | None = None
    language: Language = Language.RU
    start: str | None = None
    end: str | None = None
    macro_region: str | None = None
    region: str | None = None
    category: str | None = None
    channel: str | None = None
    arm: str | None = None
    sort: str = USUAL_SORT

    @property
    def query(self) -> str:
        """The choice as a query string.

        >>> Choice("2021-01", channel="app", language=Language.EN).query
        'baseline=2021-01&lang=en&channel=app'
        """
        given = {_NAMES.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        always = {"baseline": self.baseline, "lang": self.language.value}
        usual = (None, USUAL_SORT)
        return urlencode(always | {name: value for name, value in given.items() if value not in usual} | always)

    def changed(self, **changes: Any) -> str:  # noqa: ANN401 - values of fields
        """The query string of another choice."""
        return replace(self, **changes).query

    @property
    def only(self) -> Mapping[str, Sequence[str]]:
        """What figures are narrowed to."""
        given = {name: getattr(self, name) for name in NARROWING}
        return {name: [value] for name, value in given.items() if value is not None}

    @property
    def lift_by(self) -> str:
        """What lift is grouped by: as the charts are, where there is such a lift; else by what is narrowed."""
        if self.by in ("macro_region", "region", "category", "channel"):
            return str(self.by)
        return next((name for name in ("region", "category", "channel") if name in self.only), "macro_region")

    def period(self, months: Sequence[str], settled: str | None) -> tuple[str, str]:
        """The first and the last month to show, of the `months` there are.

        As usual that is the last `USUAL_MONTHS`, up to the newest month, or up to `settled`, the newest complete month
        with events, when months without any event lie between the two.

        >>> months = [f"2021-{month:02d}" for month in range(1, 13)]
        >>> Choice("2021-01").period(months, "2021-11")
        ('2021-01', '2021-12')
        >>> Choice("2021-01").period(months, "2021-06")
        ('2021-01', '2021-06')
        """
        adjacent = settled is None or settled in months[-2:]
        usual = months[-1] if adjacent or settled is None else settled
        end = self.end or (usual if self.start is None or self.start <= usual else months[-1])
        before = [month for month in months if month <= end]
        return self.start or before[-USUAL_MONTHS:][0], end


_NAMES = {"start": "from", "end": "to", "language": "lang"}


class Asked:
    """The choice as query parameters; a dependency of every route of the dashboard.

    `baseline` may be missing: which month is usual hangs on the events there are.
    """

    def __init__(
        self,
        baseline: Annotated[OptionalMonth, Query(description="month that growth is counted from")] = None,
        by: Annotated[By, Query(description="how to group the charts over months")] = None,
        lang: Annotated[Language, Query(description="language of the texts")] = Language.RU,
        start: Annotated[OptionalMonth, Query(alias="from", description="first month; else the last 24")] = None,
        end: Annotated[OptionalMonth, Query(alias="to", description="last month, that of the headline too")] = None,
        macro_region: Annotated[OptionalName, Query(description="macro-region of the headline")] = None,
        region: Annotated[OptionalName, Query(description="only this region")] = None,
        category: Annotated[OptionalName, Query(description="only offers of this category")] = None,
        channel: Annotated[OptionalName, Query(description="only this channel")] = None,
        arm: Annotated[OptionalName, Query(description="only this arm")] = None,
        sort: Sort = USUAL_SORT,
    ) -> None:
        self.baseline = baseline
        self.choice = Choice(BASELINE, by, lang, start, end, macro_region, region, category, channel, arm, str(sort))

    def choose(self, months: Sequence[str]) -> Choice:
        """The choice, with the usual baseline among these months where none was asked for."""
        if self.baseline is not None:
            return replace(self.choice, baseline=self.baseline)
        usual = BASELINE if BASELINE in months or not months else months[0]
        return replace(self.choice, baseline=usual)
