"""Uptake: connections over time, as JSON or CSV."""

import asyncio
import io
from typing import Annotated, Any

import orjson
import pyarrow as pa
from fastapi import APIRouter, Depends, Header, Query, Response
from pyarrow import csv

from mia.api import access
from mia.api.access import Access
from mia.api.parameters import require_known
from mia.api.problems import problem_responses
from mia.api.services import Uptake
from mia.api.wire import GrainName, Month, OptionalBy, OptionalMonth, RestatementsAnswer, UptakeAnswer
from mia.timeline import timestamp_of
from mia.uptake.dimensions import FILTERS
from mia.uptake.growth import name_unknown

CSV_TYPE = "text/csv"
PARAMETERS = ("baseline", "by", "from", "to", "grain", *FILTERS)
Values = Annotated[list[str] | None, Query(description="only these; given again for several, `(unknown)` for none")]


def uptake_routes(figures: Uptake, door: Access) -> APIRouter:
    """Routes under /v1/uptake."""
    router = APIRouter(tags=["uptake"])
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {CSV_TYPE: {"schema": {"type": "string"}}}}}

    def only(
        region: Values = None,
        macro_region: Values = None,
        category: Values = None,
        offer: Values = None,
        channel: Values = None,
        arm: Values = None,
    ) -> dict[str, list[str]]:
        given = zip(FILTERS, (region, macro_region, category, offer, channel, arm), strict=True)
        chosen = {name: [value for value in values or [] if value] for name, values in given}
        return {name: values for name, values in chosen.items() if values}

    @router.get(
        "/v1/uptake",
        summary="Connections by period and group",
        response_model=UptakeAnswer,
        responses=answers | problem_responses(401, 403, 422, 429, 503),
        dependencies=[Depends(door.require(access.UPTAKE)), Depends(require_known(PARAMETERS))],
    )
    async def uptake(
        chosen: Annotated[dict[str, list[str]], Depends(only)],
        baseline: Annotated[Month, Query(description="month that growth is counted from")] = "2021-01",
        by: Annotated[OptionalBy, Query(description="how to group, two as `one,other`; else the total")] = None,
        start: Annotated[OptionalMonth, Query(alias="from", description="first month")] = None,
        end: Annotated[OptionalMonth, Query(alias="to", description="last month")] = None,
        grain: Annotated[GrainName, Query(description="length of a period")] = "month",
        accept: Annotated[str | None, Header(description="`text/csv` for CSV")] = None,
    ) -> Response:
        """Each connection counts once, in the period of the subscriber's local day."""
        table = await asyncio.to_thread(figures.table, baseline, by, start, end, grain=grain, only=chosen)
        if CSV_TYPE in (accept or "").lower():
            return csv_response(table, f"uptake-{(by or 'total').replace(',', '-')}.csv")
        answer = {"baseline": baseline, "by": by, "grain": grain, "rows": table.to_pylist()}
        return Response(orjson.dumps(answer), media_type="application/json", headers={"Vary": "Accept"})

    @router.get(
        "/v1/uptake/restatements",
        summary="Figures that changed since they were published",
        response_model=RestatementsAnswer,
        responses=problem_responses(401, 403, 503),
        dependencies=[Depends(door.require(access.UPTAKE))],
    )
    async def restatements() -> Response:
        """A month is published when it is first found complete; late events may change it afterwards."""
        rows = (await asyncio.to_thread(figures.restated)).to_pylist()
        for row in rows:
            row["published_at"] = timestamp_of(row["published_at"]).isoformat()
        return Response(orjson.dumps({"rows": rows}), media_type="application/json")

    return router


def csv_response(table: pa.Table, name: str) -> Response:
    """Uptake as a CSV file to keep."""
    buffer = io.BytesIO()
    csv.write_csv(name_unknown(table), buffer)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(buffer.getvalue(), headers=headers, media_type=CSV_TYPE)
