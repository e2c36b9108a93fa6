"""What the gate judges by: the stored evaluation of a candidate, and a trial of it made just before."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mia.evaluation.paired import Gain
from mia.evaluation.slices import Slice

ESTIMATORS = ("dr", "snips")
"""Off-policy estimators in order of trust; the first that the evaluation holds is taken."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rehearsal of the candidate showed.

    `microseconds` to score 40 rows and `ratio` to the fixed piece of work; `decisions` taken, how many of them the
    model could not take (`failed`, with `why`), and `violations`, one line an offer that a rule forbids.
    """

    microseconds: float
    ratio: float
    decisions: int
    failed: int
    why: str
    violations: Sequence[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stored `evaluation`, the fingerprint of the profiles that the model would serve, and the trial.

    There is no trial when there was nobody to rehearse with.
    """

    evaluation: Mapping[str, Any]
    fingerprint: str
    trial: Trial | None

    def figure(self, *names: str) -> float:
        """A figure of the evaluation by its path; NaN where it is null or was not measured."""
        found: Any = self.evaluation
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return float("nan") if found is None else float(found)

    @property
    def reference(self) -> str | None:
        """What gains are counted against, None for an evaluation from before there were any."""
        found = self.evaluation.get("reference")
        return None if found is None else str(found["name"])

    @property
    def reference_note(self) -> str:
        """Why the reference is not the champion, if so."""
        found = self.evaluation.get("reference") or {}
        return str(found.get("note", ""))

    def gain(self, name: str) -> Gain:
        """A paired gain over the reference."""
        return Gain.from_json(self.evaluation["gains_over_reference"][name])

    @property
    def policy_gain(self) -> tuple[str, Gain] | None:
        """The paired gain in off-policy value over the reference as a share of the reference's, and its estimator."""
        found = self.evaluation.get("policy_gain") or {}
        return next(((name, Gain.from_json(found[name])) for name in ESTIMATORS if found.get(name)), None)

    @property
    def log_size(self) -> float:
        """Rows that the weighted log is worth for the candidate or the reference, whichever is less; NaN where either
        was not valued.
        """
        ours, theirs = (self.figure("policies", name, "effective_size") for name in ("mia", str(self.reference)))
        return min(ours, theirs) if not math.isnan(ours + theirs) else math.nan

    @property
    def slices(self) -> list[Slice]:
        """All slices of the later window."""
        return [Slice.from_json(one) for one in self.evaluation.get("slices", ())]
