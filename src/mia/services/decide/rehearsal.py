"""Rehearsal: decisions of a model that is not live yet, on the same code as the live ones, stored nowhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Channel, EventKind, Response
from mia.frames import Floats, Profiles
from mia.offers.violations import Situation, broken_rules
from mia.ports import Ledger
from mia.ranking.pairs import Context, build_pairs
from mia.services.decide.live import Live
from mia.services.decide.maker import DecisionMaker
from mia.tables import OCCURRED_AT, REGION, SUBSCRIBER_ID
from mia.timeline import timestamp_of

CHANNELS = tuple(str(channel) for channel in Channel)
ROWS = 40
SEED = 7


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Decisions for some subscribers at one moment (microseconds), each in another channel than the one before."""

    maker: DecisionMaker
    ledger: Ledger
    subscriber_ids: Sequence[str]
    at: int

    @classmethod
    def build(cls, maker: DecisionMaker, ledger: Ledger, most: int) -> "Rehearsal":
        """With at most so many of the subscribers of the ledger, always the same, just after its newest event."""
        events = ledger.events()
        people = np.unique(events[SUBSCRIBER_ID].to_numpy(zero_copy_only=False).astype(str))
        chosen = np.random.default_rng(SEED).permutation(people)[:most]
        at = int(events[OCCURRED_AT].to_numpy().max()) + 1 if len(people) else 0
        return cls(maker, ledger, chosen.tolist(), at)

    @property
    def live(self) -> Live:
        """What the decisions are taken with."""
        return self.maker.live

    def requests(self) -> Iterator[DecisionRequest]:
        """One request a subscriber."""
        for place, subscriber_id in enumerate(self.subscriber_ids):
            yield DecisionRequest(subscriber_id, CHANNELS[place % len(CHANNELS)], self.at)

    def decisions(self) -> Iterator[Decision]:
        """One decision a subscriber; a fresh one each time."""
        for request in self.requests():
            yield self.maker.decide(request)

    def violations(self, decision: Decision) -> list[str]:
        """What the decision shows against a rule, one line an offer, judged by the rules' second reading.

        Each offer is judged as if those before it had been seen already, so that the whole answer fits the caps.
        """
        profile = self.live.find(decision.request.subscriber_id)
        zone = self.maker.local_facts(decision.request.subscriber_id).timezone
        columns = {} if profile is None else _columns(profile)
        moment = timestamp_of(self.at).astimezone(ZoneInfo(zone))
        catalogue, channel = self.live.catalogue, decision.request.channel
        situation = Situation(
            columns,
            columns.get(REGION),
            channel,
            self.ledger.responses(decision.request.subscriber_id),
            self.ledger.connections_by_offer(),
            self.at,
            moment.date(),
            60 * moment.hour + moment.minute,
            {offer.id: offer.category for offer in catalogue.offers},
        )
        lines: list[str] = []
        for one in decision.offers:
            rules = broken_rules(catalogue.offer(one.offer_id), situation, self.live.eligibility.contact)
            if rules:
                lines.append(f"{one.offer_id} to {decision.request.subscriber_id} against {', '.join(rules)}")
            seen = Response(one.offer_id, EventKind.IMPRESSION, self.at, channel)
            situation = replace(situation, responses=[*situation.responses, seen])
        return lines

    def scoring(self) -> Callable[[], Floats] | None:
        """The scoring of 40 rows of one subscriber as a request has it; None where nobody has a profile or there is no
        model.
        """
        model = self.live.model
        profile = next((found for one in self.subscriber_ids if (found := self.live.find(one)) is not None), None)
        if model is None or profile is None or not len(self.live.table):
            return None
        cols = np.arange(ROWS) % len(self.live.table)
        context = Context.constant(ROWS, CHANNELS[0])
        pairs = build_pairs(profile, self.live.table, self.live.rates, np.zeros(ROWS, np.int64), cols, context)
        return lambda: model.score(pairs)


def _columns(profile: Profiles) -> dict[str, Any]:
    numbers = dict(zip(profile.names, profile.numeric[0].astype(float).tolist(), strict=True))
    return {**numbers, **{name: values[0] for name, values in profile.attributes.items()}}
