"""What the ledger knows of a subscriber when a decision is taken."""

from dataclasses import dataclass, replace

from mia.domain.event import Response


@dataclass(frozen=True, slots=True)
class Past:
    """Contacts of one subscriber as of two ledger positions.

    `position` is that of the newest event of anybody, `decision_position` that of the newest decision of this
    subscriber that still keeps places in caps, 0 without one. `responses` are its events by time, `reserved` the offers
    that its decisions show and of which no impression came yet, as impressions at the time of their decision.
    `exhausted` are offers with a budget that holds no connection for this subscriber.
    """

    position: int = 0
    decision_position: int = 0
    responses: tuple[Response, ...] = ()
    reserved: tuple[Response, ...] = ()
    exhausted: frozenset[str] = frozenset()

    def contacts(self, at: int) -> list[Response]:
        """Everything that counts as a contact by `at` (microseconds), by time.

        What is recorded has happened, so a time that lies after `at`, by a clock that is ahead or was set back, is
        taken for `at`.

        >>> from mia.domain.event import EventKind
        >>> early, late = (Response("music", EventKind.IMPRESSION, time) for time in (5, 9))
        >>> [one.occurred_at for one in Past(responses=(late,), reserved=(early,)).contacts(7)]
        [5, 7]
        """
        known = [*self.responses, *self.reserved]
        known.sort(key=lambda one: one.occurred_at)
        return [one if one.occurred_at <= at else replace(one, occurred_at=at) for one in known]
