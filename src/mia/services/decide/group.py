"""Groups of requests that are looked at together: what is known of each subscriber, and its local moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from mia.domain.decision import DecisionRequest, Fallback
from mia.domain.past import Past
from mia.domain.region import Region
from mia.frames import Profiles
from mia.offers.contact import ContactHistory
from mia.services.decide.histories import contact_history
from mia.services.decide.live import Live
from mia.services.decide.newcomers import Attributes, profile_of
from mia.tables import REGION, TIMEZONE
from mia.timeline import timestamp_of


@dataclass(frozen=True, slots=True)
class Group:
    """n requests with the arm, the local moment, the profile and the contact history of each, row by row.

    Without `profiles` it is one request of an unknown subscriber; the profile of a newcomer, which is alone too, holds
    attributes and nothing else. `failed` names what was found missing, and the answers are then not personalised.
    """

    requests: Sequence[DecisionRequest]
    arms: Sequence[str]
    moments: Sequence[datetime]
    profiles: Profiles | None
    history: ContactHistory
    failed: Fallback | None = None
    is_newcomer: bool = False

    def __len__(self) -> int:
        return len(self.requests)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with what is known before any profile is read: the arm, what the ledger holds, and the `attributes` of
    one that may have no profile.
    """

    request: DecisionRequest
    arm: str
    past: Past | None
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Makes groups; time zones come from the subscriber, else from its region."""

    regions: Mapping[str, Region]
    default_timezone: str

    def groups(self, live: Live, asked: Sequence[Asked], failed: Fallback | None) -> Iterator[tuple[list[int], Group]]:
        """All requests, with their places among those asked: those with a profile together, any other by itself.

        Whether the past is known is the same of all of them.
        """
        found, places = live.find_many([one.request.subscriber_id for one in asked])
        if found is not None and places:
            yield places, self._group(live, [asked[place] for place in places], found, failed)
        with_profile = frozenset(places)
        for place, one in enumerate(asked):
            if place in with_profile:
                continue
            profile = None
            if one.attributes is not None and live.profiles is not None:
                profile = profile_of(one.request.subscriber_id, one.attributes, live.profiles.blank)
            yield [place], self._group(live, [one], profile, failed, is_newcomer=one.attributes is not None)

    def zone(self, profiles: Profiles | None, row: int = 0, region: str | None = None) -> tzinfo:
        """The time zone of one subscriber; of an unknown one, of the region that its request names."""
        region = region if profiles is None else attribute(profiles, REGION, row)
        known = self.regions.get(region or "")
        own = attribute(profiles, TIMEZONE, row)
        return ZoneInfo(own or (known.timezone if known else self.default_timezone))

    def _group(
        self,
        live: Live,
        asked: Sequence[Asked],
        profiles: Profiles | None,
        failed: Fallback | None,
        *,
        is_newcomer: bool = False,
    ) -> Group:
        requests = [one.request for one in asked]
        pasts = [one.past for one in asked if one.past is not None]
        return Group(
            requests,
            [one.arm for one in asked],
            [
                timestamp_of(request.at).astimezone(self.zone(profiles, row, request.region))
                for row, request in enumerate(requests)
            ],
            profiles,
            contact_history(live, requests, pasts if len(pasts) == len(asked) else None),
            failed,
            is_newcomer,
        )


def attribute(profiles: Profiles | None, name: str, row: int = 0) -> str | None:
    """An attribute of one subscriber as a text, None where it is not known."""
    values = None if profiles is None else profiles.attributes.get(name)
    return None if values is None else text(values[row])


def text(value: object) -> str | None:
    """The value of an attribute as a text, None where it is not known."""
    return None if value is None else str(value)
