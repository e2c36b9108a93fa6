"""Checks of subscribers: who is silent, and whose tariff or allowances are not known."""

from functools import partial

import pyarrow.compute as pc

from mia.quality.check import Example, Finding, written
from mia.quality.facts import Facts
from mia.quality.limits import Limits
from mia.tables import REGION, TARIFF


def _silent(days: int, facts: Facts, limits: Limits) -> Finding:
    if facts.as_of - facts.first_day < days:
        return Finding(None, f"the lake holds less than {days} days")
    rows = [row for row in facts.people.to_pylist() if row[f"begun_{days}"]]
    begun, silent = (sum(row[f"{name}_{days}"] for row in rows) for name in ("begun", "silent"))
    if not begun:
        return Finding(None, f"nobody has been a subscriber for {days} days")
    examples = [
        Example(
            f"{row[f'silent_{days}']:,} of {row[f'begun_{days}']:,} subscribers",
            {"region": row[REGION], "subscriber": row[f"silent_{days}_subscriber"] or ""},
            row[f"silent_{days}"] / row[f"begun_{days}"],
        )
        for row in rows
        if row[f"begun_{days}"] >= limits.minimum_subscribers
    ]
    examples.sort(key=lambda example: -(example.value or 0.0))
    share = silent / begun
    worst = max([share, *(example.value or 0.0 for example in examples)])
    return Finding(worst, f"{written(share, 'share')} of {begun:,} in all", examples)


silent_30_days = partial(_silent, 30)
silent_90_days = partial(_silent, 90)


def no_tariff(facts: Facts, limits: Limits) -> Finding:  # noqa: ARG001 - the signature of a check
    """Share of subscribers without a tariff."""
    rows = facts.tariffs.to_pylist()
    total = sum(row["subscribers"] for row in rows)
    without = [row for row in rows if row[TARIFF] is None]
    lacking = sum(row["subscribers"] for row in without)
    if lacking == total:
        return Finding(None, "no subscriber has a tariff, so package use stays unknown")
    examples = [Example("one of those without a tariff", {"subscriber": row["subscriber"]}) for row in without]
    return Finding(lacking / total, f"{lacking:,} of {total:,} subscribers", examples)


def no_allowance(facts: Facts, limits: Limits) -> Finding:
    """Share of subscribers on a tariff whose allowances are not all known."""
    rows = facts.tariffs.filter(pc.is_valid(facts.tariffs[TARIFF])).to_pylist()
    total, lacking = (sum(row[name] for row in rows) for name in ("subscribers", "lacking"))
    if not facts.allowances or not total:
        return Finding(None, f"no subscriber has any of {', '.join(limits.allowances)}")
    examples = [
        Example(
            f"{row['lacking']:,} of {row['subscribers']:,} subscribers",
            {"tariff": row[TARIFF], "subscriber": row["lacking_subscriber"] or ""},
            row["lacking"] / row["subscribers"],
        )
        for row in rows
    ]
    examples.sort(key=lambda example: -(example.value or 0.0))
    return Finding(lacking / total, f"{lacking:,} of {total:,} subscribers", examples)
