"""Which days profiles can be made of."""

from mia.errors import InvalidInput, NotEnoughData
from mia.ports import Lake
from mia.services.refresh.tables import USAGE, day_of_file
from mia.timeline import date_of


def require_as_of(lake: Lake, as_of: int | None, *, today: int) -> int:
    """The day asked for, by default the day after the newest usage.

    Profiles as of a day are made of what came before it, so it lies after the first day of usage; and it lies no later
    than the day after the newest usage, or after `today` where usage is older, since nothing can be known of a profile
    of the day after tomorrow. Raises InvalidInput for another day, and NotEnoughData without usage.
    """
    days = [day_of_file(file) for file in lake.files(USAGE)]
    if not days:
        raise NotEnoughData("the lake holds no usage records; `mia ingest` loads them")
    first, newest = min(days), max(days)
    if as_of is None:
        return newest + 1
    if as_of <= first:
        raise InvalidInput(f"{_text(as_of)} must be after the first day of usage, {_text(first)}", column="as_of")
    if as_of > max(newest, today) + 1:
        raise InvalidInput(
            f"{_text(as_of)} must not be later than the day after the newest usage, {_text(newest + 1)}, "
            f"or than tomorrow, {_text(today + 1)}",
            column="as_of",
        )
    return as_of


def _text(day: int) -> str:
    return date_of(day).isoformat()
