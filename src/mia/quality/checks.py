"""The named checks of the lake: what each looks at, in which unit, and by which measure."""

from mia.quality import people, records, values, volumes
from mia.quality.check import Check, Rule, judge_all
from mia.quality.facts import Facts
from mia.quality.limits import Limits

RULES: dict[str, Rule[Facts, Limits]] = {
    "newest_usage": Rule("days that are still without usage", "days", volumes.newest_usage),
    "lagging_kind_region": Rule("the same of the kind and region that lags most", "days", volumes.lagging_kind_region),
    "newest_load": Rule("days since usage was last loaded", "days", volumes.newest_load),
    "missing_days": Rule("days without any record", "days", volumes.missing_days),
    "missing_cells": Rule("days of a kind and region without a record", "share", volumes.missing_cells),
    "sudden_drop": Rule("below the usual volume of the weekday", "share", volumes.sudden_drop),
    "sudden_rise": Rule("times the usual volume of the weekday", "factor", volumes.sudden_rise),
    "silent_30_days": Rule("subscribers without usage in 30 days", "share", people.silent_30_days),
    "silent_90_days": Rule("subscribers without usage in 90 days", "share", people.silent_90_days),
    "duplicate_rows": Rule("duplicates in the worst file", "share", records.duplicate_rows),
    "rejected_rows": Rule("rejected rows in the worst file", "share", records.rejected_rows),
    "late_records": Rule("records that arrived late", "share", records.late_records),
    "corrected_records": Rule("records corrected later", "share", records.corrected_records),
    "withdrawn_records": Rule("records withdrawn later", "share", records.withdrawn_records),
    "unknown_category": Rule("records without a category", "share", records.unknown_category),
    "before_activation": Rule("records from before the contract", "share", records.before_activation),
    "value_jump": Rule("daily quantile against the usual", "factor", values.value_jump),
    "extreme_value": Rule("largest value against the 99 % quantile", "factor", values.extreme_value),
    "no_tariff": Rule("subscribers without a tariff", "share", people.no_tariff),
    "no_allowance": Rule("subscribers with unknown allowances", "share", people.no_allowance),
}


def run_checks(facts: Facts, limits: Limits) -> tuple[Check, ...]:
    """Every check, in the order of RULES."""
    return judge_all(RULES, facts, limits, limits.examples)
