"""The trial of a candidate: its decisions are rehearsed, and its scoring is timed beside a fixed piece of work."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Protocol

import numpy as np

from mia.domain.decision import Decision, Fallback
from mia.evaluation.gate import Trial
from mia.frames import Floats

FAILURES = frozenset({Fallback.MODEL_FAILED, Fallback.FEATURE_MISMATCH, Fallback.NO_MODEL})
ROUNDS = 41
YARDSTICK_SIZE = 20_000


class Rehearsal(Protocol):
    """Decisions of the candidate that nobody sees."""

    def decisions(self) -> Iterable[Decision]:
        """One for each of some subscribers."""

    def violations(self, decision: Decision) -> Sequence[str]:
        """What it shows against a rule, one line an offer."""

    def scoring(self) -> Callable[[], Floats] | None:
        """The scoring of 40 rows; None where there is nothing to score."""


def rehearse(rehearsal: Rehearsal, clock: Callable[[], int]) -> Trial | None:
    """Take the decisions, judge each, and time the scoring; `clock` gives nanoseconds.

    None where nothing was scored.
    """
    decisions = list(rehearsal.decisions())
    failed = [one for one in decisions if one.fallback in FAILURES]
    scoring = None if failed else rehearsal.scoring()
    if scoring is None and not failed:
        return None
    violations = [line for one in decisions for line in rehearsal.violations(one)]
    why = ", ".join(sorted({str(one.fallback) for one in failed}))
    microseconds, ratio = (0.0, 0.0) if scoring is None else _time(scoring, clock)
    return Trial(microseconds, ratio, len(decisions), len(failed), why, violations)


def _time(scoring: Callable[[], Floats], clock: Callable[[], int]) -> tuple[float, float]:
    """Median microseconds of the scoring, and the median of its ratio to the yardstick in the same round.

    The yardstick sorts 20,000 fixed numbers. Both slow down together on a busy machine, and a round is short, so that
    the ratio hardly moves.
    """
    numbers = np.random.default_rng(7).random(YARDSTICK_SIZE)

    def took(work: Callable[[], object]) -> int:
        begun = clock()
        work()
        return clock() - begun

    took(scoring)
    rounds = [(took(scoring), took(lambda: np.sort(numbers))) for _ in range(ROUNDS)]
    return median(ours / 1_000 for ours, _ in rounds), median(ours / max(theirs, 1) for ours, theirs in rounds)
