"""`mia simulate --live`: months of subscribers at a running service, and what MIA learns of them."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import typer
import yaml

from mia.bootstrap import Workspace
from mia.cli.console import new_table, print_table
from mia.cli.progress import progress_bar
from mia.cli.workspace import workspace
from mia.domain.subscriber import Arm
from mia.errors import GateRefused, InvalidInput, NotEnoughData
from mia.services.play import HttpDoor, keep_waiting, play, read_waiting, write_usage
from mia.simulator.living import LivingMonth, live_month
from mia.simulator.scenario import Scenario
from mia.tables import SUBSCRIBERS, USAGE
from mia.timeline import date_of, month_number, month_of, month_start, month_text

URL = "http://127.0.0.1:8080"
WORLD = Path("data/sample")
CLIENTS = 8
KEY_NAME = "live"
FOLDER = "live"


@dataclass(frozen=True, slots=True)
class Living:
    """What is played: `months` of the `world` at `url`, or `days` of the first of them alone."""

    world: Path
    url: str
    months: int
    days: int | None
    clients: int


def live(asked: Living, home: Path | None) -> None:
    """Play, load, learn and show, month after month."""
    scenario = load_scenario(asked.world)
    with workspace(home) as opened:
        _require_same_world(opened, scenario)
        with HttpDoor(asked.url, _make_key(opened)) as door:
            door.require_ready()
            for _ in range(1 if asked.days else asked.months):
                lived = live_month(scenario, _next_month(opened))
                _live_month(opened, lived, door, asked)
    # The newest month is not complete yet, so the page would stop before it.
    page = f"{door.url}/dashboard?by=arm&to={month_text(lived.month.number)}"
    typer.echo(f"see the arms apart with `mia lift`, and at {page}")


def load_scenario(world: Path) -> Scenario:
    """What a simulated world was made from; raises InvalidInput."""
    path = world / "truth" / "world.yaml"
    try:
        recipe = yaml.safe_load(path.read_text("utf-8"))
        return Scenario(recipe["subscribers"], recipe["months"], recipe["seed"], month_number(recipe["start"]))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput("holds no simulated world; `mia simulate` writes one", file=str(path)) from error


def _live_month(opened: Workspace, month: LivingMonth, door: HttpDoor, asked: Living) -> None:
    text = month_text(month.month.number)
    kept = opened.home / FOLDER / "waiting.jsonl"
    with progress_bar() as progress:
        done = play(
            month,
            door,
            clients=asked.clients,
            waiting=read_waiting(kept),
            days=asked.days,
            progress=lambda _, at, of: progress(f"living {text}, day", at, of),
        )
    kinds = ", ".join(f"{done.kinds[kind]:,} {kind}s" for kind in ("impression", "click", "connection"))
    typer.echo(f"{text}: {done.visits:,} visits, {kinds}")
    for reason, count in done.refused.most_common(5):
        typer.echo(f"refused {count:,} times: {reason}", err=True)
    if done.visits:
        _show_lift(opened, month.month.number)
    if asked.days is None:
        # Before its usage is loaded, which ends the month: one that is cut off is played again, which changes nothing.
        keep_waiting(kept, done.waiting)
        _learn(opened, month, door)


def _learn(opened: Workspace, month: LivingMonth, door: HttpDoor) -> None:
    number = month.month.number
    path = opened.home / FOLDER / f"usage-{month_text(number)}.parquet"
    write_usage(month, path)
    with progress_bar() as progress:
        opened.ingest(path, table=USAGE.name, progress=progress)
        try:
            done = opened.retrain(as_of=month_start(number + 1), progress=progress)
        except (GateRefused, NotEnoughData) as refusal:
            typer.echo(f"retrained: {refusal}")
            return
    if opened.registry.champion() != done.version:
        typer.echo(f"nothing new to learn from: model {done.version} was {done.outcome} before")
        return
    door.require_ready(done.version)
    typer.echo(f"retrained: model {done.version} passed the gate, is champion and in force")


def _show_lift(opened: Workspace, month: int) -> None:
    """What each arm did in a month, and lift since MIA's first decision."""
    text = month_text(month)
    arms = opened.lift.report(start=text, end=text).total.arms
    table = new_table("arm", "subscribers", "shown to", "connections", "per 1,000", numbers=4)
    for arm in (Arm.CONTROL, Arm.MIA):
        found = arms[arm]
        rate = f"{1_000 * found.connections / found.subscribers:,.1f}" if found.subscribers else "-"
        table.add_row(arm, f"{found.subscribers:,}", f"{found.reached:,}", f"{found.connections:,}", rate)
    print_table(table)
    report = opened.lift.report()
    effect, since = report.total.connections, date_of(report.start)
    if effect.relative is None:
        typer.echo(f"since {since}: too few connections for a percentage against control")
        return
    ends = effect.anytime_relative_interval
    low, high = ("?" if end is None else f"{end:+.1%}" for end in (ends.low, ends.high))
    typer.echo(
        f"since {since}: arm mia connects {effect.relative:+.1%} against control, {low} to {high} at every look "
        "(each subscriber beside what it connected before)"
    )


def _next_month(opened: Workspace) -> int:
    days = [file.day for file in opened.lake.files(USAGE.name) if file.day is not None]
    if not days:
        raise NotEnoughData("the lake holds no usage records; `mia demo` loads a world")
    return month_of(max(days)) + 1


def _subscribers(opened: Workspace) -> pa.ChunkedArray:
    with opened.engine.open() as session:
        return session.fetch(session.read(opened.lake.paths(SUBSCRIBERS.name)).select("subscriber_id"))["subscriber_id"]


def _require_same_world(opened: Workspace, scenario: Scenario) -> None:
    ids = _subscribers(opened)
    lowest, highest = (value.as_py() for value in pc.min_max(ids).values())
    if (lowest, highest, len(ids)) != ("s0000000", f"s{scenario.subscribers - 1:07d}", scenario.subscribers):
        raise InvalidInput("the workspace holds other subscribers than this world", option="--world")


def _make_key(opened: Workspace) -> str:
    if any(key.name == KEY_NAME and key.revoked_at is None for key in opened.keys.all()):
        opened.keys.revoke(KEY_NAME)
    return opened.keys.create(KEY_NAME, ("offers", "events"))
