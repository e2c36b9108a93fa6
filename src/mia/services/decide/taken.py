"""A decision with all that it was made of, for replay and for questions about it."""

from dataclasses import dataclass
from datetime import datetime

from mia.domain.decision import Decision
from mia.frames import Profiles
from mia.offers.contact import ContactHistory
from mia.services.decide.live import Live
from mia.services.decide.rank import Answer


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision and all that it was made of; `moment` is local."""

    decision: Decision
    live: Live
    profile: Profiles | None
    history: ContactHistory
    moment: datetime
    answer: Answer
