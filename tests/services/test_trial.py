from itertools import count

import numpy as np
import pytest

from mia.domain.decision import Decision, DecisionRequest, Fallback, Versions
from mia.services.promote import rehearse


def decision(subscriber_id: str, fallback: Fallback | None = None) -> Decision:
    request, versions = DecisionRequest(subscriber_id, "app", 1), Versions("7", "c", "p", "x")
    return Decision(subscriber_id, request, "mia", versions, 0, 0, False, fallback, (), (), {})


class Rehearsed:
    """Decisions and a scoring that are given; the clock runs while it scores."""

    def __init__(self, fallback: Fallback | None = None, broken: str = "", scores: bool = True) -> None:
        self.fallback, self.broken, self.scores = fallback, broken, scores

    def decisions(self):
        return (decision(name, self.fallback if name == "s1" else None) for name in ("s0", "s1", "s2"))

    def violations(self, one: Decision) -> list[str]:
        return [f"music to {one.decision_id}"] if one.decision_id == self.broken else []

    def scoring(self):
        return (lambda: np.zeros(40)) if self.scores else None


def test_decisions_are_counted_and_the_scoring_is_timed() -> None:
    ticks = count(0, 5_000)
    trial = rehearse(Rehearsed(), lambda: next(ticks))
    assert (trial.decisions, trial.failed, trial.why, trial.violations) == (3, 0, "", [])
    assert (trial.microseconds, trial.ratio) == (5.0, 1.0)


def test_violations_are_told() -> None:
    assert rehearse(Rehearsed(broken="s2"), lambda: 0).violations == ["music to s2"]


@pytest.mark.parametrize("fallback", [Fallback.MODEL_FAILED, Fallback.FEATURE_MISMATCH, Fallback.NO_MODEL])
def test_a_model_that_cannot_decide_is_a_failure(fallback: Fallback) -> None:
    trial = rehearse(Rehearsed(fallback), lambda: 0)
    assert (trial.failed, trial.why) == (1, str(fallback))


@pytest.mark.parametrize("fallback", [Fallback.OPTED_OUT, Fallback.UNKNOWN_SUBSCRIBER])
def test_who_opted_out_or_is_unknown_is_none(fallback: Fallback) -> None:
    assert rehearse(Rehearsed(fallback), lambda: 0).failed == 0


def test_with_nothing_to_score_there_is_no_trial() -> None:
    assert rehearse(Rehearsed(scores=False), lambda: 0) is None
