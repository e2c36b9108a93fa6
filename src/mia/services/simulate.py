"""Write a simulated world: the canonical tables, the catalogue, and beside them the truth."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from mia.errors import InvalidInput
from mia.frames import Floats
from mia.simulator.catalogue import arrange_offers, load_catalogue, load_catalogue_text
from mia.simulator.files import (
    ParquetFile,
    events_table,
    subscribers_table,
    traits_table,
    truth_table,
    usage_table,
)
from mia.simulator.population import Population, draw_population
from mia.simulator.response import Response, build_response
from mia.simulator.scenario import Block, Clock, Month, Scenario, Stage
from mia.simulator.usage import draw_usage
from mia.simulator.visits import Offered, Standing, build_calendar, draw_visits, join_offered
from mia.timeline import month_text

Progress = Callable[[str, int, int], None]

README = """# A simulated mobile operator

Everything in this folder is synthetic. No row stands for a real person, contract, call or purchase; names of tariffs,
services and partners are invented. It was made by

    mia simulate --subscribers {subscribers} --months {months} --seed {seed} --start {start} --out DIR

and the same command gives the same bytes again.

| file | holds |
|---|---|
| `subscribers.parquet` | {people} subscribers: region, tariff and its allowances, device, year of birth, consent |
| `usage/YYYY-MM.parquet` | {records} usage records, a file for each month of local time, by subscriber and time (UTC) |
| `events.parquet` | {events} events: what an earlier, not personalised policy showed, and what came of it |
| `catalogue.yaml` | {offers} offers, names in Russian and English |
| `truth/` | what no operator knows; the engine never reads it |

`truth/impressions.parquet` has the true probability of connection of every impression and whether it led to one (be it
after the last day here), `truth/subscribers.parquet` the hidden traits of the people, `truth/world.yaml` what
the whole world can be built from again.

A data record stands for what an application did in one stretch, so there are fewer records than on a real network.
The earlier policy showed three offers a visit: with probability one half in a uniformly random order of those
available, else in the order of the day's campaign calendar; `propensity` is the exact probability of the offer at its
position.
Each subscriber's time is that of its region unless `timezone` says otherwise.
"""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was written, in rows."""

    subscribers: int
    records: int
    events: int
    impressions: int
    connections: int


def simulate(scenario: Scenario, out: Path, progress: Progress | None = None) -> Simulation:
    """Write the world of `scenario` into `out`; the same scenario gives the same bytes.

    Needs about 0.3 GB for any number of subscribers. `out` must be new, empty, or an earlier simulation, else
    InvalidInput is raised.
    """
    _require_own_folder(out)
    response = build_response(scenario, arrange_offers(load_catalogue()))
    calendar = build_calendar(scenario, response)
    clock = Clock.over(scenario.first_day - 1, scenario.end_day + 1)
    months = [Month.of(scenario.start + index) for index in range(scenario.months)]
    connections = 0
    with ExitStack() as stack:

        def opened(name: str) -> ParquetFile:
            return stack.enter_context(ParquetFile(out / name))

        subscribers, traits = opened("subscribers.parquet"), opened("truth/subscribers.parquet")
        events, truth = opened("events.parquet"), opened("truth/impressions.parquet")
        usage = [opened(f"usage/{month_text(month.number)}.parquet") for month in months]
        for block in scenario.blocks():
            people = draw_population(scenario, block)
            subscribers.write(subscribers_table(people))
            traits.write(traits_table(people))
            _write_usage(scenario, block, people, clock, months, usage)
            offered = _offer(scenario, block, people, response, calendar, months)
            block_events = events_table(people, response.offers, clock, offered, scenario.end_day)
            connections += int(np.sum(block_events["kind"].to_numpy() == "connection"))
            events.write(block_events)
            truth.write(truth_table(people, offered))
            if progress:
                progress("simulate", block.first + block.size, scenario.subscribers)
    done = Simulation(scenario.subscribers, sum(file.rows for file in usage), events.rows, truth.rows, connections)
    _write_texts(scenario, out, done, len(response.offers))
    return done


def _write_usage(
    scenario: Scenario, block: Block, people: Population, clock: Clock, months: list[Month], files: list[ParquetFile]
) -> None:
    written = np.zeros(len(people), np.int64)
    for month, file in zip(months, files, strict=True):
        records = draw_usage(scenario, people, month, scenario.stream(Stage.USAGE, block.index, month.number))
        first = np.searchsorted(records.row, records.row)
        numbers = written[records.row] + np.arange(len(records)) - first
        file.write(usage_table(people, clock, records, numbers))
        written += np.bincount(records.row, minlength=len(people))


def _offer(
    scenario: Scenario, block: Block, people: Population, response: Response, calendar: Floats, months: list[Month]
) -> Offered:
    standing = Standing(len(people), len(response.offers))
    return join_offered(
        [
            draw_visits(
                scenario,
                people,
                response,
                calendar,
                standing,
                month,
                scenario.stream(Stage.VISITS, block.index, month.number),
            )
            for month in months
        ]
    )


def _require_own_folder(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "truth" / "world.yaml").exists())):
        raise InvalidInput("must be a new or empty folder, or an earlier simulation", file=str(out))


def _write_texts(scenario: Scenario, out: Path, done: Simulation, offers: int) -> None:
    recipe = {
        "subscribers": scenario.subscribers,
        "months": scenario.months,
        "seed": scenario.seed,
        "start": month_text(scenario.start),
    }
    (out / "catalogue.yaml").write_text(load_catalogue_text(), encoding="utf-8")
    (out / "truth" / "world.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    counts = {"people": done.subscribers, "records": done.records, "events": done.events, "offers": offers}
    texts = {name: f"{count:,}" for name, count in counts.items()}
    (out / "README.md").write_text(README.format(**recipe, **texts), encoding="utf-8")
