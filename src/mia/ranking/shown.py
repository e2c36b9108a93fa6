"""The context that impressions were shown in: their channel and position, and what their decisions were asked with."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Floats, Ints, Objects, Profiles
from mia.ranking.local_time import Zones
from mia.ranking.pairs import GIVEN, Context
from mia.ranking.training_set import Impressions
from mia.tables import CONTEXT, DECIDED_AT, DECISION_ID, PLACEMENT

LEAST_SHARE = 0.01
"""A number of the context that fewer impressions carry is left out: clients may send anything under any name."""


def context_shown(
    impressions: Impressions, decisions: pa.Table, profiles: Profiles, rows: Ints, zones: Zones
) -> Context:
    """The context of R impressions, whose profiles are `rows` of `profiles`.

    `decisions` are those of `mia.ports.Ledger.decision_contexts`. The hour is that of the decision, as the model saw
    it; an impression without a decision has that of its own time, and neither placement nor numbers of a request.
    """
    place = pc.index_in(pa.array(impressions.decision_ids, pa.string()), decisions[DECISION_ID].combine_chunks())
    known = pc.is_valid(place).to_numpy(zero_copy_only=False)
    found = pc.fill_null(place, 0).to_numpy().astype(np.int64)
    at, placement, numbers = impressions.occurred_at, None, dict[str, Floats]()
    if known.any():
        at = np.where(known, decisions[DECIDED_AT].to_numpy()[found], at)
        placement = _placements(decisions.take(pa.array(found)), known)
        numbers = _numbers(decisions[CONTEXT].combine_chunks(), found, known)
    numbers |= zones.clock(profiles, rows, at)
    return Context(impressions.channel, impressions.position, placement, numbers, impressions.slate)


def _placements(asked: pa.Table, known: np.ndarray) -> Objects | None:
    if asked[PLACEMENT].null_count == len(asked):
        return None
    values: Objects = asked[PLACEMENT].to_numpy().astype(object)
    values[~known] = None
    return values


def _numbers(given: pa.MapArray, found: Ints, known: np.ndarray) -> dict[str, Floats]:
    """The numbers that enough of the R impressions carry, by name; `found` are their decisions where `known`."""
    names = given.keys.dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    offsets = given.offsets.to_numpy()
    owner = np.repeat(np.arange(len(given)), np.diff(offsets))
    values = given.items.to_numpy(zero_copy_only=False)
    used = np.bincount(found[known], minlength=len(given))
    numbers: dict[str, Floats] = {}
    for code, name in enumerate(names.dictionary.to_pylist()):
        mine = codes == code
        if used[owner[mine]].sum() < LEAST_SHARE * len(found):
            continue
        of_decision = np.full(len(given), np.nan)
        of_decision[owner[mine]] = values[mine]
        numbers[f"{GIVEN}{name}"] = np.where(known, of_decision[found], np.nan)
    return numbers
