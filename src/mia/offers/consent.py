"""What a subscriber agreed to: to be contacted in a channel, and to be answered personally."""

import numpy as np

from mia.frames import Profiles
from mia.offers.conditions import Mask
from mia.tables import CONSENT_CHANNELS, CONSENT_SEPARATOR, PERSONALISATION


def consented(profiles: Profiles | None, rows: int, channel: str) -> Mask:
    """Whether each of n subscribers agreed to be contacted in a channel; who said nothing did not."""
    given = None if profiles is None else profiles.attributes.get(CONSENT_CHANNELS)
    if given is None:
        return np.zeros(rows, bool)
    values = given.tolist()
    agreed = {value: isinstance(value, str) and channel in value.split(CONSENT_SEPARATOR) for value in set(values)}
    return np.asarray([agreed[value] for value in values], np.bool_)


def opted_out(profiles: Profiles) -> Mask:
    """Whether each of n subscribers refused personalisation; who said nothing did not."""
    given = profiles.attributes.get(PERSONALISATION)
    return np.zeros(len(profiles), bool) if given is None else np.asarray(given == 0, bool)
