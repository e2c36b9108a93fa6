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
from mia.api.wire import Month, OptionalBy, OptionalMonth, UptakeAnswer
from mia.uptake.growth import name_unknown

CSV_TYPE = "text/csv"
PARAMETERS = ("baseline", "by", "from", "to")


def uptake_routes(figures: Uptake, door: Access) -> APIRouter:
    """Routes under /v1/uptake."""
    router = APIRouter(tags=["uptake"])
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {CSV_TYPE: {"schema": {"type": "string"}}}}}

    @router.get(
        "/v1/uptake",
        summary="Connections by month and group",
        response_model=UptakeAnswer,
        responses=answers | problem_responses(401, 403, 422, 429, 503),
        dependencies=[Depends(door.require(access.UPTAKE)), Depends(require_known(PARAMETERS))],
    )
    async def uptake(
        baseline: Annotated[Month, Query(description="month that growth is counted from")] = "2021-01",
        by: Annotated[OptionalBy, Query(description="how to group; else the total")] = None,
        start: Annotated[OptionalMonth, Query(alias="from", description="first month")] = None,
        end: Annotated[OptionalMonth, Query(alias="to", description="last month")] = None,
        accept: Annotated[str | None, Header(description="`text/csv` for CSV")] = None,
    ) -> Response:
        """Each connection counts once, in the month of the subscriber's local day."""
        table = await asyncio.to_thread(figures.table, baseline, by, start, end)
        if CSV_TYPE in (accept or "").lower():
            return csv_response(table, f"uptake-{by or 'total'}.csv")
        content = orjson.dumps({"baseline": baseline, "by": by, "rows": table.to_pylist()})
        return Response(content, media_type="application/json", headers={"Vary": "Accept"})

    return router


def csv_response(table: pa.Table, name: str) -> Response:
    """Uptake as a CSV file to keep."""
    buffer = io.BytesIO()
    csv.write_csv(name_unknown(table), buffer)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(buffer.getvalue(), headers=headers, media_type=CSV_TYPE)
