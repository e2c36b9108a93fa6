"""Validate: look over the lake, and say with names, figures and examples what is wrong with it."""

from collections.abc import Callable
from typing import Any, Protocol

from mia.errors import NotEnoughData
from mia.ports import Lake
from mia.quality.checks import run_checks
from mia.quality.facts import Facts, loads_of, since
from mia.quality.grid import build_grid, history_days
from mia.quality.limits import Limits
from mia.quality.report import Report
from mia.quality.scans import SILENCES, count_amended, count_cells, count_people, count_tariffs, measure_values
from mia.tables import SUBSCRIBERS, USAGE
from mia.timeline import date_of

LOADS = "loads"

Progress = Callable[[str, int, int], None]


class Engine(Protocol):
    """Opens sessions that read and run Ibis expressions."""

    def open(self) -> Any:  # noqa: ANN401 - the session of mia.storage.engine
        """A fresh session, to be used as a context."""


def validate(lake: Lake, engine: Engine, limits: Limits, *, as_of: int, progress: Progress | None = None) -> Report:
    """Judge the usage of the `limits.days` days before a day, and the subscribers as of it.

    Everything is aggregated in the engine; what comes back grows with days, kinds and regions, never with records.
    Raises NotEnoughData without subscribers, or without usage in those days.
    """
    days = sorted({int(file.day or 0) for file in lake.files(USAGE.name)})
    for found, what in ((lake.files(SUBSCRIBERS.name), "subscribers"), (days, "usage records")):
        if not found:
            raise NotEnoughData(f"the lake holds no {what}; `mia ingest` loads them")
    judged_from = as_of - limits.days
    if not any(judged_from <= day < as_of for day in days):
        raise NotEnoughData(
            f"no usage in the {limits.days} days before {date_of(as_of)}; the lake holds "
            f"{date_of(days[0])} to {date_of(days[-1])}",
            column="as_of",
        )
    # The days before the first judged one say what is usual on it.
    read = [day for day in days if judged_from - history_days(limits.weeks) <= day < as_of]
    recent = [day for day in days if as_of - max(SILENCES) <= day < as_of] or read[-1:]
    with engine.open() as session:
        people = session.read(lake.paths(SUBSCRIBERS.name))
        usage = session.read(lake.paths(USAGE.name, read))
        scans = (
            count_cells(usage, people, late_after=limits.late_after_days),
            count_amended(usage),
            measure_values(usage),
            count_people(session.read(lake.paths(USAGE.name, recent)), people, as_of=as_of),
            count_tariffs(people, limits.allowances),
        )
        tables = []
        for done, scan in enumerate(scans, start=1):
            tables.append(session.fetch(scan))
            if progress:
                progress("validate", done, len(scans))
    cells, amended, values, by_region, tariffs = tables
    facts = Facts(
        as_of=as_of,
        first_day=days[0],
        grid=build_grid(cells, judged_from=judged_from, weeks=limits.weeks),
        cells=since(cells, judged_from),
        amended=since(amended, judged_from),
        values=values,
        people=by_region,
        tariffs=tariffs,
        loads=loads_of(lake.noted(LOADS)),
        allowances=tuple(name for name in limits.allowances if name in people.columns),
    )
    return Report(facts, limits, run_checks(facts, limits))
