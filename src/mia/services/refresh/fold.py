"""Fold: the days whose usage changed become roll-ups again, and no other day does."""

from collections import defaultdict
from collections.abc import Mapping

from mia.ports import Engine, Lake, LakeChange, LakeFile
from mia.profiles.daily import complete, roll_up, roll_up_fingerprint, roll_up_keys
from mia.services.refresh.tables import (
    DAILY,
    DAILY_KEYS,
    LATE,
    RANGE_SUBSCRIBERS,
    SUBSCRIBERS,
    USAGE,
    Progress,
    batches,
    day_of_file,
    digest,
)
from mia.tables import KNOWN_DAY, LOCAL_DAY, SUBSCRIBER_ID

BATCH_RECORDS = 2_000_000


def fold(lake: Lake, engine: Engine, progress: Progress | None = None) -> int:
    """Roll up the days whose usage files, or whose measures, changed since they were folded; returns how many.

    Memory is bounded by the records of BATCH_RECORDS, or of the fullest day.
    """
    sources: dict[int, list[LakeFile]] = defaultdict(list)
    for file in lake.files(USAGE):
        sources[day_of_file(file)].append(file)
    recipe = roll_up_fingerprint()
    wanted = {day: digest(recipe, (file.path for file in files)) for day, files in sources.items()}
    folded = {day_of_file(file): file.load for file in lake.files(DAILY)}
    stale = sorted(day for day, made_of in wanted.items() if folded.get(day) != made_of)
    gone = [day for day in folded if day not in wanted]
    if not stale and not gone:
        return 0
    rows = {day: sum(file.rows for file in sources[day]) for day in stale}
    with lake.change() as change:
        for table in (DAILY, DAILY_KEYS):
            change.drop(table, [*stale, *gone])
        late = {int(day): known for day, known in (lake.noted(LATE) or {}).items()}
        late = {day: known for day, known in late.items() if day not in {*stale, *gone}}
        done = 0
        for days in batches(stale, rows, BATCH_RECORDS):
            late |= _fold_days(lake, engine, change, days, wanted)
            done += len(days)
            if progress:
                progress("folding days", done, len(stale))
        change.note(LATE, {str(day): known for day, known in sorted(late.items())})
        change.commit()
    return len(stale)


def _fold_days(
    lake: Lake, engine: Engine, change: LakeChange, days: list[int], wanted: Mapping[int, str]
) -> dict[int, int]:
    """Write the roll-ups of some days; returns the last known_day of those where records came late."""
    with engine.open() as session:
        usage = complete(session.read(lake.paths(USAGE, days)))
        # Files in the order of subscribers let a range of them skip the rest; a single range reads it all.
        several = sum(file.rows for file in lake.files(SUBSCRIBERS)) > RANGE_SUBSCRIBERS
        order = [SUBSCRIBER_ID] if several else []
        for table, expression in ((DAILY, roll_up(usage)), (DAILY_KEYS, roll_up_keys(usage))):
            folder = change.folder() / f"{table}-{days[0]}"
            for day, path, rows in session.write_by_day(expression, folder, column=LOCAL_DAY, order_by=order):
                change.add(table, path, rows=rows, load=wanted[day], day=day)
        slow = usage.filter(usage[KNOWN_DAY] > usage[LOCAL_DAY])
        late = session.fetch(slow.group_by(LOCAL_DAY).aggregate(known=slow[KNOWN_DAY].max()))
    return dict(zip(late[LOCAL_DAY].to_pylist(), late["known"].to_pylist(), strict=True))
