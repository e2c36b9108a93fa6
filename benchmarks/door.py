"""What a request pays for the door: processor time of one bare FastAPI route, alone and behind everything.

Requests are ASGI calls in this process, so that neither a socket nor another process is measured. Processor time, the
least of the repeats: what else the machine does counts as little as possible.
"""

import argparse
import logging.config
import os
import sys
from collections.abc import Awaitable, Callable
from time import process_time, time_ns
from typing import Any

import orjson
import uvloop
from fastapi import Depends, FastAPI, Response
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from mia.api.access import OFFERS, Access, KeyRing
from mia.api.access.rates import Rates
from mia.api.access_log import AccessLog
from mia.api.envelope import Envelope
from mia.api.metrics import Metrics
from mia.logs import log_config
from mia.ports import ApiKey
from mia.sections import DoorSettings
from mia.services.sign_in import SignIn

SECRET = "mia_" + "x" * 32
BODY = orjson.dumps({"subscriber_id": "s0000001", "channel": "app", "limit": 3})
ANSWER = b"x" * 2_400


class OneKey:
    def live(self) -> dict[str, ApiKey]:
        return {KeyRing.digest_of(SECRET): ApiKey("account", frozenset({OFFERS}))}


class Body(BaseModel):
    subscriber_id: str
    channel: str
    limit: int = 3


def clock() -> int:
    return time_ns() // 1_000


def application(*, keyed: bool, wrapped: bool) -> Callable[..., Awaitable[None]]:
    limits = DoorSettings()
    rates = Rates(1e6, {}, 1_000_000, clock)
    access = Access(KeyRing(OneKey(), clock), None, rates, SignIn(b"secret", clock, 60), login=True)
    app = FastAPI()

    @app.post("/v1/decisions", dependencies=[Depends(access.require(OFFERS))] if keyed else [])
    async def decide(body: Body) -> Response:  # noqa: ARG001 - reading it is what is measured
        return Response(ANSWER, media_type="application/json")

    return Envelope(app, Metrics(), limits, AccessLog()) if wrapped else app


async def measure(app: Callable[..., Awaitable[None]], requests: int) -> float:
    """Microseconds of processor time a request."""
    headers = [(b"host", b"mia"), (b"content-type", b"application/json"), (b"x-api-key", SECRET.encode())]
    headers += [(b"content-length", str(len(BODY)).encode()), (b"user-agent", b"load"), (b"accept", b"*/*")]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(str(message))

    begun = process_time()
    for _ in range(requests):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/decisions",
            "raw_path": b"/v1/decisions",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("10.0.0.1", 50_000),
            "server": ("10.0.0.2", 8_080),
            "state": {},
        }
        await app(scope, receive, send)
    return (process_time() - begun) / requests * 1e6


async def run(requests: int, repeats: int) -> dict[str, float]:
    variants = {
        "bare route": application(keyed=False, wrapped=False),
        "with key, scope and rate": application(keyed=True, wrapped=False),
        "with everything": application(keyed=True, wrapped=True),
    }
    least = dict.fromkeys(variants, float("inf"))
    for _ in range(repeats):
        for name, app in variants.items():
            least[name] = min(least[name], await measure(app, requests))
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    told = os.fdopen(os.dup(sys.stderr.fileno()), "w")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - lines of the log are made and written, but not shown
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    logging.config.dictConfig(log_config("json", "info"))
    least = uvloop.run(run(chosen.requests, chosen.repeats))
    table = Table("request", "microseconds", "more than bare")
    for name, found in least.items():
        table.add_row(name, f"{found:.1f}", f"{found - least['bare route']:.1f}")
    Console(file=told).print(table)


if __name__ == "__main__":
    main()
