"""Promote: judge a candidate by its stored evaluation and a trial, and let it go live or refuse it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from mia.errors import GateRefused, InvalidInput
from mia.evaluation.gate import Evidence, GateLimits, Trial, Verdict, judge
from mia.ports import ChampionChange, Registry
from mia.services.promote.card import EVALUATION, write_card

MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class Promoted:
    """A model that went live, with its verdict; `override` is the reason why it did against the gate, if so."""

    version: str
    verdict: Verdict
    override: str | None = None


@dataclass(frozen=True, slots=True)
class Promoter:
    """Runs the gate. `fingerprint` is that of the profiles a model would serve; `trial` rehearses a version, and gives
    None where there is nobody to rehearse with; `clock` gives microseconds.
    """

    registry: Registry
    limits: GateLimits
    fingerprint: str
    trial: Callable[[str], Trial | None]
    clock: Callable[[], int]

    def judge(self, version: str) -> Verdict:
        """The verdict on a version as of now; nothing is stored. Raises UnknownModel."""
        evaluation: dict[str, Any] = orjson.loads((self.registry.fetch(version) / EVALUATION).read_bytes())
        return judge(Evidence(evaluation, self.fingerprint, self.trial(version)), self.limits)

    def promote(self, version: str, *, by: str, override: str | None = None) -> Promoted:
        """Judge a version and make it the champion; verdict and card are stored with it either way.

        `override` is the reason to let a refused model go live; it is stored with who gave it and when. Raises
        UnknownModel, InvalidInput for a reason without words, and GateRefused with the failed checks.
        """
        if override is not None and not 0 < len(override.strip()) <= MOST_REASON:
            raise InvalidInput(f"needs a reason of 1 to {MOST_REASON} characters", option="--override")
        verdict = self.judge(version)
        overridden = None if verdict.passed or override is None else override.strip()
        stored = {**verdict.to_json(), "by": by, "at": self.clock(), "override": overridden}
        self.registry.judge(version, stored)
        write_card(self.registry, version)
        if not verdict.passed and overridden is None:
            raise GateRefused(version, verdict.failed, self.registry.champion())
        how = "gate" if overridden is None else "override"
        if self.registry.champion() != version:
            self.registry.make_champion(ChampionChange(version, self.clock(), by, how, overridden or verdict.reasons))
        return Promoted(version, verdict, overridden)
