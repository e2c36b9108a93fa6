"""`mia demo`: the whole loop on the sample, then the door open."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from rich.console import Console

from mia.bootstrap import Workspace
from mia.cli.figures import print_measures
from mia.cli.ingest import show_report
from mia.cli.living import URL as LIVE_URL
from mia.cli.living import WORLD as LIVE_WORLD
from mia.cli.progress import progress_bar
from mia.cli.promote import show_checks
from mia.cli.serve import is_loopback, listen, require_free, serve
from mia.cli.workspace import Home, workspace
from mia.domain.decision import DecisionRequest
from mia.domain.event import Channel
from mia.domain.offer import Language
from mia.domain.subscriber import Arm
from mia.errors import InvalidInput
from mia.settings import Settings, load_settings
from mia.storage.ledger import SCOPES
from mia.tables import REGION, SUBSCRIBER_ID
from mia.timeline import date_of, month_of, month_text

BASELINE = "2021-01"
END_SECONDS = 5.0
KEY_NAME = "demo"
LANGUAGE = Language.EN
LIVE = ("simulate", "--live")
LIVING_APPLICATION = "mia.api.living:living_factory"
MAIN = "from mia.cli.main import main; main()"


def demo(
    source: Annotated[Path, typer.Option(help="Folder of the sample.", file_okay=False)] = Path("data/sample"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the headline.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on; the next free one is taken.")] = 8080,
    months: Annotated[
        int, typer.Option(min=0, help="Months that subscribers live on at the service, MIA learning after each.")
    ] = 1,
    home: Home = None,
) -> None:
    """Ingest the sample, build profiles, train, promote, and serve API and dashboard."""
    if not source.is_dir():
        raise InvalidInput("no such folder; run it where data/sample lies, or name it with --source", file=str(source))
    with workspace(home, make=True) as opened:
        _load_and_train(opened, source)
        key = _make_key(opened)
        link = opened.sign_in.link(sha256(key.encode()).hexdigest())
        subscriber = _example_subscriber(opened)
        _show_decision(opened, subscriber)
        # The month of the newest record of the sample, however late the events are that somebody tried out since.
        month = month_text(month_of(_newest_day(opened)))
        headline = opened.uptake.headline(opened.settings.headline, BASELINE, month)
        place = opened.home
    free = port if no_serve else _free_port(host, port)
    address = f"http://{host}:{free}"
    _show_doors(address, key, link, subscriber)
    _show_commands(place, source, address)
    Console().rule("Headline")
    Console().print(headline.sentence, soft_wrap=True)
    if not no_serve:
        if months:
            Console().rule("6 Live on: subscribers come, MIA learns")
        sys.stdout.flush()
        # Somebody reads along here.
        os.environ.setdefault("MIA_LOGGING__FORMAT", "text")
        _serve(opened, source, host, free, address, months=months)


def _serve(opened: Workspace, source: Path, host: str, port: int, address: str, *, months: int) -> None:
    """Serve until interrupted. The time that visitors say it is counts only for those of this machine."""
    if not is_loopback(host):
        if months:
            Console().print("Nobody lives on: simulated time is for a service that only this machine reaches.")
        serve(host=host, port=port, workers=1, home=opened.home)
        return
    # Subscribers who are played come by the thousand.
    os.environ.setdefault("MIA_LOGGING__ACCESS", "false")
    words = [*LIVE, "--months", str(months), "--world", str(source), "--url", address, "--home", str(opened.home)]
    with _beside(words) if months else nullcontext():
        listen(LIVING_APPLICATION, load_settings(opened.home), host=host, port=port)


@contextmanager
def _beside(words: Sequence[str]) -> Iterator[None]:
    """Another `mia` at work meanwhile, which ends with the context at the latest."""
    other = subprocess.Popen([sys.executable, "-c", MAIN, *words])  # noqa: S603 - our own words
    try:
        yield
    finally:
        _end(other)


def _end(other: subprocess.Popen[bytes]) -> None:
    """Ctrl-C has reached it as well, and without its service it has nothing to do; so it is pressed only then."""
    for press in (other.poll, lambda: other.send_signal(signal.SIGINT), other.kill):
        press()
        with suppress(subprocess.TimeoutExpired):
            other.wait(END_SECONDS)
            return


def _load_and_train(opened: Workspace, source: Path) -> None:
    with progress_bar() as progress:
        Console().rule("1 Ingest: records and events, judged row by row")
        show_report(opened.ingest(source, progress=progress))
        Console().rule("2 Profiles: daily roll-ups, then windows")
        day = 1 + _newest_day(opened)
        done = opened.refresh(day, progress=progress)
        Console().print(f"{done.subscribers:,} profiles as of {date_of(day)}, snapshot {done.snapshot}")
        Console().rule("3 Train: fit, evaluate on later days, register")
        trained = opened.train(progress=progress)
    window = " to ".join(trained.test_window)
    print_measures(trained.table, f"{trained.test_rows:,} impressions {window}, {trained.test_positives:,} connections")
    Console().rule("4 Promote: the gate")
    show_checks(opened.promote(trained.version).verdict.checks)


def _newest_day(opened: Workspace) -> int:
    return max(file.day for file in opened.lake.files("usage") if file.day is not None)


def _make_key(opened: Workspace) -> str:
    if any(key.name == KEY_NAME and key.revoked_at is None for key in opened.keys.all()):
        opened.keys.revoke(KEY_NAME)
    return opened.keys.create(KEY_NAME, SCOPES)


def _example_subscriber(opened: Workspace) -> str:
    """Somebody in the chosen macro-region whose offers are personalised."""
    regions = {name for name, region in opened.regions.items() if region.macro_region == opened.settings.headline}
    people = pq.read_table(opened.lake.paths("subscribers")[0], columns=[SUBSCRIBER_ID, REGION]).to_pylist()
    fitting = (
        str(person[SUBSCRIBER_ID])
        for person in people
        if person[REGION] in regions and opened.arms.arm_of(str(person[SUBSCRIBER_ID])) is Arm.MIA
    )
    return next(fitting, str(people[0][SUBSCRIBER_ID]))


def _show_decision(opened: Workspace, subscriber: str) -> None:
    Console().rule("5 Decide: offers for one subscriber")
    request = DecisionRequest(subscriber, Channel.APP, opened.clock(), language=LANGUAGE)
    decision = opened.decisions.decide(request)
    for offer in decision.offers:
        name = opened.decisions.catalogue.offer(offer.offer_id).name.in_language(LANGUAGE)
        reasons = "; ".join(reason.text for reason in offer.reasons)
        Console().print(
            f"{offer.position}. {name}: acceptance {offer.acceptance:.1%}" + (f" ({reasons})" if reasons else "")
        )


def _show_doors(address: str, key: str, link: str, subscriber: str) -> None:
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
    Console().rule("Doors")
    for line in (
        f"dashboard  {address}/dashboard",
        f"sign in    {address}/dashboard/login?link={link}  (once, within the hour; later with the key)",
        f"API        {address}/docs",
        f"key        {key}",
        "",
        "Ask for a decision:",
        f"curl -s {address}/v1/decisions -H 'X-API-Key: {key}' -H 'Content-Type: application/json' "
        f"-H 'Accept-Language: {LANGUAGE}' -d '{request}'",
        "",
        "Record an event:",
        f"curl -s {address}/v1/events -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{event}'",
        "",
    ):
        Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _show_commands(home: Path, source: Path, address: str) -> None:
    """How the other commands are reached, to be pasted into another terminal."""
    lines = ["Other commands, in another terminal:", f"cd {shlex.quote(str(Path.cwd()))}"]
    activate = Path(sys.prefix) / "bin" / "activate"
    if shutil.which("mia") is None and activate.is_file():
        lines.append(f"source {shlex.quote(str(activate))}")
    if home != Path.cwd() / Settings.model_fields["home"].default:
        lines.append(f"export MIA_HOME={shlex.quote(str(home))}")
    lines += [f"mia uptake --baseline {BASELINE} --by macro_region", "mia --help", ""]
    lines += [
        "More months: subscribers come to this service, and MIA learns from what they do.",
        "mia simulate --live --months 3",
    ]
    lines[-1] += "" if source == LIVE_WORLD else f" --world {shlex.quote(str(source))}"
    lines[-1] += "" if address == LIVE_URL else f" --url {address}"
    lines.append("")
    for line in lines:
        Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _free_port(host: str, first: int) -> int:
    refused: InvalidInput | None = None
    for port in range(first, min(first + 100, 65_536)):
        try:
            require_free(host, port)
        except InvalidInput as error:
            refused = error
        else:
            return port
    raise InvalidInput(f"no free port from {first} on", option="--port") from refused
