"""Replay: stored decisions rebuilt from what was in force then, and why an offer was not among the shown ones."""

from dataclasses import dataclass, replace
from typing import Protocol

from mia.domain.decision import Decision, Rule
from mia.errors import (
    BrokenSnapshot,
    FeatureMismatch,
    InvalidInput,
    NotEnoughData,
    UnknownModel,
    UnknownSnapshot,
)
from mia.services.decide.taken import Taken
from mia.services.decide.why import figures_of

STORED = ("seed", "explored", "fallback", "offers", "empty_reason")
GONE = (UnknownSnapshot, UnknownModel, BrokenSnapshot, FeatureMismatch, NotEnoughData)


class Retaker(Protocol):
    """Takes stored decisions again; a `DecisionMaker` does."""

    def trace(self, decision_id: str) -> Decision:
        """A decision as the ledger holds it; raises UnknownDecision."""

    def retake(self, stored: Decision) -> Taken:
        """The decision taken again; raises UnknownSnapshot for profiles that were pruned, and FeatureMismatch."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision rebuilt; `differences` names the fields that came out otherwise, and is empty when all is equal."""

    stored: Decision
    rebuilt: Decision
    differences: tuple[str, ...]
    taken: Taken

    def why(self, offer_id: str) -> tuple[Rule, str]:
        """The rule that kept an offer away, and its figures in words.

        Raises UnknownOffer for one that was not in the catalogue, InvalidInput for one that was shown.
        """
        offer = self.taken.live.catalogue.offer(offer_id)
        shown = next((one.position for one in self.rebuilt.offers if one.offer_id == offer_id), None)
        if shown is not None:
            raise InvalidInput(f"offer {offer_id!r} was shown, at position {shown}", option="--why")
        rule = Rule(self.rebuilt.dropped[offer_id])
        return rule, figures_of(rule, self.taken, offer)


@dataclass(frozen=True, slots=True)
class Traced:
    """A stored decision with its stages and its losers; `incomplete` says why they are missing, or is None."""

    decision: Decision
    incomplete: str | None


def replay(maker: Retaker, decision_id: str) -> Replayed:
    """Rebuild a stored decision from its versions, arm and ledger position, and compare.

    Raises UnknownDecision, UnknownSnapshot for profiles that were pruned, and FeatureMismatch when model and profiles
    no longer belong together.
    """
    stored = maker.trace(decision_id)
    taken = maker.retake(stored)
    rebuilt = taken.decision
    differences = tuple(name for name in STORED if getattr(stored, name) != getattr(rebuilt, name))
    return Replayed(stored, rebuilt, differences, taken)


def trace(maker: Retaker, decision_id: str) -> Traced:
    """A stored decision and, rebuilt, what became of the other offers; raises UnknownDecision.

    Only what is stored is left where its versions are gone, or where the same decision no longer comes out.
    """
    stored = maker.trace(decision_id)
    try:
        rebuilt = maker.retake(stored).decision
    except GONE as error:
        return Traced(stored, str(error))
    if rebuilt != stored:
        return Traced(stored, "the decision cannot be rebuilt: what comes out differs from what was answered")
    return Traced(replace(stored, stages=rebuilt.stages, dropped=rebuilt.dropped), None)
