"""What is in force: the set that takes decisions, and newer ones that are tried before they take its place."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from mia.domain.decision import Decision, DecisionRequest, Fallback, Versions
from mia.domain.subscriber import Arm
from mia.errors import BrokenSnapshot, UnknownSnapshot
from mia.ports import ProfileReader
from mia.services.decide.live import Live, Sets
from mia.services.decide.newcomers import Newcomers
from mia.timeline import MICROSECONDS

log = logging.getLogger(__name__)

RETRY = 15 * MICROSECONDS
RECENT = 16
ASKED = (None, Fallback.NO_PROFILE, Fallback.MODEL_FAILED)
"""Fallbacks of answers that the model was asked for."""


class Force:
    """The set in force and the newcomers to its snapshot; `trouble` says why newer versions, if there are any, are not
    in force, and `is_warm` whether the set in force has answered requests.
    """

    def __init__(
        self,
        sets: Sets,
        newest: Callable[[], Versions],
        besides_model: Callable[[], Versions],
        newcomers: Callable[[ProfileReader], Newcomers],
        clock: Callable[[], int],
    ) -> None:
        self._sets, self.newest, self._load_newcomers, self._clock = sets, newest, newcomers, clock
        self.trouble: str | None = None
        self.live = self._first(besides_model)
        self.newcomers = self._newcomers_of(self.live)
        self.recent: deque[DecisionRequest] = deque(maxlen=RECENT)
        self.is_warm = False
        self._refused: tuple[Versions, int] | None = None

    def warm(self, attempt: Callable[[Live, DecisionRequest], Decision]) -> None:
        """Answer a few requests with the set in force, so that the first that counts finds everything in place."""
        self._try(self.live, attempt)
        self.is_warm = True

    def renew(self, attempt: Callable[[Live, DecisionRequest], Decision]) -> None:
        """Put newer versions into force, if there are any, after they answered requests by `attempt`.

        What cannot be loaded, or fails on requests, leaves the present set in force and is tried again after RETRY.
        """
        try:
            versions, now, present = self.newest(), self._clock(), self.live
            if versions == present.versions and present.without_model is not Fallback.MODEL_FAILED:
                self.newcomers = self._newcomers_of(present)
                self._say(None)
            elif self._refused is None or self._refused[0] != versions or now >= self._refused[1]:
                self._refused = (versions, now + RETRY)
                self._swap(self._sets.of(versions), attempt)
        except Exception as error:
            # A registry or lake that is away must not take serving with it.
            self._say(f"newer versions could not be loaded: {error}")

    def _first(self, besides_model: Callable[[], Versions]) -> Live:
        """The set to begin with: without what cannot be read, so that everybody is answered; `renew` goes on trying."""
        try:
            versions = self.newest()
        except Exception as error:
            versions = besides_model()
            self._say(f"the registry cannot be read: {error}")
            return replace(self._with_profiles(versions), without_model=Fallback.MODEL_FAILED)
        return self._with_profiles(versions)

    def _with_profiles(self, versions: Versions) -> Live:
        try:
            return self._sets.of(versions)
        except (BrokenSnapshot, UnknownSnapshot) as error:
            self._say(f"profiles cannot be read: {error}")
            return self._sets.of(replace(versions, profile=None))

    def _swap(self, fresh: Live, attempt: Callable[[Live, DecisionRequest], Decision]) -> None:
        present = self.live
        newcomers = self._newcomers_of(fresh)
        asked = [one for one in self._try(fresh, attempt) if one.arm == Arm.MIA and one.fallback in ASKED]
        fails = bool(asked) and all(one.fallback is Fallback.MODEL_FAILED for one in asked)
        if present.model is not None and (fails or fresh.without_model is Fallback.MODEL_FAILED):
            self._say(f"model {fresh.versions.model} fails; model {present.versions.model} stays in force")
            return
        self.live, self.newcomers, self._refused, self.is_warm = fresh, newcomers, None, True
        self._say(None)

    def _try(self, live: Live, attempt: Callable[[Live, DecisionRequest], Decision]) -> list[Decision]:
        """Answers of a set to the latest requests, else to requests of the first subscribers of its snapshot."""
        requests = list(self.recent.copy())
        if not requests:
            some = ["", *([] if live.profiles is None else live.profiles.first(RECENT))]
            requests = [DecisionRequest(one, "app", self._clock()) for one in some]
        return [attempt(live, one) for one in requests]

    def _newcomers_of(self, live: Live) -> Newcomers:
        return Newcomers() if live.profiles is None else self._load_newcomers(live.profiles)

    def _say(self, trouble: str | None) -> None:
        """Log what keeps newer versions away, once."""
        if trouble is not None and trouble != self.trouble:
            log.error("%s", trouble, exc_info=True)
        self.trouble = trouble
