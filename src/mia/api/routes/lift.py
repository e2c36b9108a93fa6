"""Lift: what arm `mia` connects beyond arm `control`, as JSON or CSV."""

import asyncio
import io
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Response
from pyarrow import csv

from mia.api import access
from mia.api.access import Access
from mia.api.lift_wire import LiftAnswer, OptionalDay, OptionalLiftBy, OptionalSeed
from mia.api.parameters import require_known
from mia.api.problems import problem_responses
from mia.api.routes.uptake import CSV_TYPE
from mia.api.services import Lift
from mia.api.wire import OptionalMonth

PARAMETERS = ("by", "from", "to", "baseline", "aa")


def lift_routes(lift: Lift, door: Access) -> APIRouter:
    """Routes under /v1/lift."""
    router = APIRouter(tags=["uptake"])
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {CSV_TYPE: {"schema": {"type": "string"}}}}}

    @router.get(
        "/v1/lift",
        summary="What MIA caused",
        response_model=LiftAnswer,
        responses=answers | problem_responses(401, 403, 422, 429, 503),
        dependencies=[Depends(door.require(access.UPTAKE)), Depends(require_known(PARAMETERS))],
    )
    async def measure(
        by: Annotated[OptionalLiftBy, Query(description="how to group beside the total")] = None,
        start: Annotated[OptionalDay, Query(alias="from", description="first day, or its month")] = None,
        end: Annotated[OptionalDay, Query(alias="to", description="last day, or its month")] = None,
        baseline: Annotated[
            OptionalMonth, Query(description="month that the index counts from; else all before the period")
        ] = None,
        aa: Annotated[OptionalSeed, Query(description="seed of an A/A split instead of the real arms")] = None,
        accept: Annotated[str | None, Header(description="`text/csv` for CSV")] = None,
    ) -> Response:
        """One subscriber is one row, whatever it was shown; intervals named `anytime` hold however often one looks."""
        report = await asyncio.to_thread(lift.report, by, start, end, baseline, aa)
        if CSV_TYPE in (accept or "").lower():
            buffer = io.BytesIO()
            csv.write_csv(report.table(), buffer)
            name = f"lift-{by or 'total'}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
            return Response(buffer.getvalue(), headers=headers, media_type=CSV_TYPE)
        content = orjson.dumps(report.to_json())
        return Response(content, media_type="application/json", headers={"Vary": "Accept"})

    return router
