"""What the framework alone costs: one FastAPI route that reads the same body and returns the same bytes."""

import os
from pathlib import Path

from fastapi import FastAPI, Response
from pydantic import BaseModel


class Body(BaseModel):
    subscriber_id: str
    channel: str
    limit: int = 3


def bare_factory() -> FastAPI:
    content = Path(os.environ["BARE_ANSWER"]).read_bytes()
    app = FastAPI()

    @app.post("/v1/decisions")
    async def decide(body: Body) -> Response:  # noqa: ARG001 - reading it is what is measured
        return Response(content, media_type="application/json")

    return app
