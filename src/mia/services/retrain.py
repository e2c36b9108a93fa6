"""Retrain: profiles, training and the gate as one step for a scheduler, which does nothing when nothing is new."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from mia.ports import Lake, ModelVersion, Registry
from mia.tables import OCCURRED_AT, SUBSCRIBERS, USAGE

TAG = "retrain"
"""Tag of a version that says what it was made from."""
JUDGED = "gate"
TABLES = (SUBSCRIBERS.name, USAGE.name)


@dataclass(frozen=True, slots=True)
class Steps:
    """The work itself: publish the profiles of the day; register a candidate with some tags and return its version; run
    the gate on a version, which raises GateRefused.
    """

    refresh: Callable[[], object]
    train: Callable[[Mapping[str, str]], str]
    promote: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Retrained:
    """The version that stands for this data and these settings; `made` says whether this run trained it, and `judged`
    whether this run put it through the gate. Neither is so when there was nothing new.
    """

    version: str
    made: bool
    judged: bool
    outcome: str


def retrain(steps: Steps, registry: Registry, state: str) -> Retrained:
    """Do what is left to do for a `state`, the digest of data and settings.

    A version carries the state it was made from, so a run that was killed between two steps is taken up where it
    stopped: profiles are published as a whole or not at all, a candidate without a verdict is judged, and one with a
    verdict ends the work, whatever has become of it since. Raises GateRefused, and what the steps raise.
    """
    version = _of_state(registry, state)
    if version is not None and JUDGED in version.tags:
        return Retrained(version.version, False, False, version.tags[JUDGED])
    steps.refresh()
    made = steps.train({TAG: state}) if version is None else version.version
    steps.promote(made)
    return Retrained(made, version is None, True, "passed")


def state_of(lake: Lake, events: pa.Table, *, until: int | None, parts: Mapping[str, Any]) -> str:
    """A digest that is the same for the same data and settings: loaded files, events before `until` (microseconds), and
    whatever else counts as `parts`, JSON-able. What is worked out from the data does not count.
    """
    known = events if until is None else events.filter(pc.less(events[OCCURRED_AT], until))
    data = {
        "files": {table: sorted(file.path for file in lake.files(table)) for table in TABLES},
        "events": [len(known), pc.max(known["seq"]).as_py()],
    }
    packed = orjson.dumps({**parts, **data}, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(packed, digest_size=12).hexdigest()


def _of_state(registry: Registry, state: str) -> ModelVersion | None:
    return next((one for one in registry.versions() if one.tags.get(TAG) == state), None)
