"""`mia demo`: the whole loop on the sample, then the door open."""

import json
import socket
import sys
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from mia.bootstrap import Workspace
from mia.cli.console import console
from mia.cli.figures import print_measures
from mia.cli.ingest import show_report
from mia.cli.progress import progress_bar
from mia.cli.serve import serve
from mia.cli.workspace import Home, workspace
from mia.domain.decision import DecisionRequest
from mia.domain.event import Channel
from mia.domain.offer import Language
from mia.domain.subscriber import Arm
from mia.errors import InvalidInput
from mia.storage.ledger import SCOPES
from mia.tables import REGION, SUBSCRIBER_ID
from mia.timeline import date_of

MACRO_REGION, BASELINE = "Urals", "2021-01"
KEY_NAME = "demo"


def demo(
    source: Annotated[Path, typer.Option(help="Folder of the sample.", file_okay=False)] = Path("data/sample"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the headline.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on; the next free one is taken.")] = 8080,
    home: Home = None,
) -> None:
    """Ingest the sample, build profiles, train, promote, and serve API and dashboard."""
    if not source.is_dir():
        raise InvalidInput("no such folder; run it where data/sample lies, or name it with --source", file=str(source))
    with workspace(home) as opened:
        _load_and_train(opened, source)
        key = _make_key(opened)
        subscriber = _example_subscriber(opened)
        _show_decision(opened, subscriber)
        headline = opened.uptake.headline(MACRO_REGION, BASELINE)
        place = opened.home
    free = port if no_serve else _free_port(host, port)
    _show_doors(f"http://{host}:{free}", key, subscriber)
    console.rule("Headline")
    console.print(headline.sentence, soft_wrap=True)
    if not no_serve:
        sys.stdout.flush()
        serve(host=host, port=free, workers=1, home=place)


def _load_and_train(opened: Workspace, source: Path) -> None:
    with progress_bar() as progress:
        console.rule("1 Ingest: records and events, judged row by row")
        show_report(opened.ingest(source, progress=progress))
        console.rule("2 Profiles: daily roll-ups, then windows")
        day = 1 + max(file.day for file in opened.lake.files("usage") if file.day is not None)
        done = opened.refresh(day, progress=progress)
        console.print(f"{done.subscribers:,} profiles as of {date_of(day)}, snapshot {done.snapshot}")
        console.rule("3 Train: fit, evaluate on later days, register")
        trained = opened.train(progress=progress)
    window = " to ".join(trained.test_window)
    print_measures(trained.table, f"{trained.test_rows:,} impressions {window}, {trained.test_positives:,} connections")
    console.rule("4 Promote: the gate")
    for check in opened.promote(trained.version).checks:
        console.print(f"passed: {check}")


def _make_key(opened: Workspace) -> str:
    if any(key.name == KEY_NAME and key.revoked_at is None for key in opened.keys.all()):
        opened.keys.revoke(KEY_NAME)
    return opened.keys.create(KEY_NAME, SCOPES)


def _example_subscriber(opened: Workspace) -> str:
    """Somebody in the chosen macro-region whose offers are personalised."""
    regions = {name for name, region in opened.regions.items() if region.macro_region == MACRO_REGION}
    people = pq.read_table(opened.lake.paths("subscribers")[0], columns=[SUBSCRIBER_ID, REGION]).to_pylist()
    fitting = (
        str(person[SUBSCRIBER_ID])
        for person in people
        if person[REGION] in regions and opened.arms.arm_of(str(person[SUBSCRIBER_ID])) is Arm.MIA
    )
    return next(fitting, str(people[0][SUBSCRIBER_ID]))


def _show_decision(opened: Workspace, subscriber: str) -> None:
    console.rule("5 Decide: offers for one subscriber")
    request = DecisionRequest(subscriber, Channel.APP, opened.clock(), language=Language.EN)
    decision = opened.decisions.decide(request)
    for offer in decision.offers:
        name = opened.decisions.catalogue.offer(offer.offer_id).name.en
        reasons = "; ".join(reason.text for reason in offer.reasons)
        console.print(
            f"{offer.position}. {name}: acceptance {offer.acceptance:.1%}" + (f" ({reasons})" if reasons else "")
        )


def _show_doors(address: str, key: str, subscriber: str) -> None:
    request = json.dumps({"subscriber_id": subscriber, "channel": "app"})
    event = json.dumps(
        {
            "events": [
                {
                    "event_id": "example-1",
                    "occurred_at": "2021-06-30T12:00:00+05:00",
                    "subscriber_id": subscriber,
                    "offer_id": "data_15",
                    "kind": "impression",
                    "channel": "app",
                }
            ]
        }
    )
    console.rule("Doors")
    for line in (
        f"dashboard  {address}/dashboard",
        f"API        {address}/docs",
        f"key        {key}",
        "",
        "Ask for a decision:",
        f"curl -s {address}/v1/decisions -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{request}'",
        "",
        "Record an event:",
        f"curl -s {address}/v1/events -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{event}'",
        "",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _free_port(host: str, first: int) -> int:
    for port in range(first, min(first + 100, 65_536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((host, port))
            except OSError:
                continue
            return port
    raise InvalidInput(f"no free port from {first} on", option="--port")
