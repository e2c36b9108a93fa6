"""What is asked of lift: the period, its grouping and baseline, checked against the events there are."""

from calendar import monthrange
from dataclasses import dataclass

from mia.errors import InvalidInput
from mia.services.lift.ledger import Seen
from mia.timeline import date_of, day_of_text, month_number, month_start
from mia.uptake.growth import require_month
from mia.uptake.lift.rules import LiftRules

BY = {"region": True, "macro_region": True, "category": False, "channel": False}
"""What lift can be grouped by, and whether that tells subscribers apart; else it tells connections apart."""


@dataclass(frozen=True, slots=True)
class Period:
    """Local days: the period is `start` to `end` inclusive; `pre_start` to `pre_end` (exclusive) precede the
    experiment; `baseline` is the last day of the baseline.
    """

    start: int
    end: int
    pre_start: int
    pre_end: int
    baseline: int


def require_by(by: str | None) -> str | None:
    """A grouping that there is; raises InvalidInput."""
    if by is not None and by not in BY:
        raise InvalidInput(f"must be one of {', '.join(BY)}, not {by!r}", parameter="by")
    return by


def require_day(text: str, name: str, *, last: bool = False) -> int:
    """Local day of `YYYY-MM-DD`, or the first (`last`: the last) one of `YYYY-MM`; raises InvalidInput.

    >>> require_day("2021-02", "to", last=True) - require_day("2021-02", "from")
    27
    """
    try:
        if len(text) == len("2021-01"):
            month = month_number(text)
            return month_start(month) + (monthrange(*_year_and_month(month))[1] - 1 if last else 0)
        return day_of_text(text)
    except ValueError as error:
        rule = f"must be a day such as 2021-01-31 or a month such as 2021-01, not {text!r}"
        raise InvalidInput(rule, parameter=name) from error


def build_period(seen: Seen, rules: LiftRules, start: str | None, end: str | None, baseline: str | None) -> Period:
    """The period asked for.

    By default from the first event that follows a decision of MIA, else the first event, to the newest event; the
    baseline is the day before the period. Days before the experiment never lie behind MIA's first decision, for from
    then on the arms differ. Raises InvalidInput.
    """
    first = seen.first_day if seen.began is None else seen.began
    began = first if start is None else require_day(start, "from")
    ended = seen.last_day if end is None else require_day(end, "to", last=True)
    if began > ended:
        raise InvalidInput(f"must not be later than {date_of(ended)}, where the figures end", parameter="from")
    if began > seen.last_day or ended < seen.first_day:
        known = f"{date_of(seen.first_day)} to {date_of(seen.last_day)}"
        raise InvalidInput(f"there are no events then; there are from {known}", parameter="from")
    before = began if seen.began is None else min(began, seen.began)
    held = began - 1 if baseline is None else month_start(require_month(baseline, "baseline") + 1) - 1
    return Period(began, ended, before - rules.pre_days, before, held)


def _year_and_month(month: int) -> tuple[int, int]:
    return month // 12, month % 12 + 1
