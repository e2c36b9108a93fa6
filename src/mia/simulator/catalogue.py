"""The catalogue of the simulated operator, as plain rows and as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.simulator.lifestyles import CHANNELS
from mia.simulator.population import REGION_NAMES
from mia.timeline import day_of

OfferRow = Mapping[str, Any]


def load_catalogue_text() -> str:
    """The catalogue as the YAML that the simulator writes out."""
    return files("mia.simulator").joinpath("catalogue.yaml").read_text(encoding="utf-8")


def load_catalogue() -> list[OfferRow]:
    """The offers of the catalogue, in the fields of section 4.1 of the design."""
    offers: list[OfferRow] = yaml.safe_load(load_catalogue_text())["offers"]
    return offers


@dataclass(frozen=True, slots=True)
class OfferArrays:
    """What the simulator needs of m offers, as arrays in their order."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]
    tags: tuple[frozenset[str], ...]
    price: Floats
    discount: Floats
    data_mb: Floats
    voice_minutes: Floats
    sms_count: Floats
    opens: Ints  # first local day
    closes: Ints  # first local day after the last
    channels: NDArray[np.bool_]  # m x channels
    regions: NDArray[np.bool_]  # m x regions
    once: NDArray[np.bool_]  # one connection a subscriber
    subscription: NDArray[np.bool_]
    requires: tuple[tuple[int, ...], ...]
    excludes: tuple[tuple[int, ...], ...]
    conditions: tuple[tuple[tuple[str, str, Any], ...], ...]

    def __len__(self) -> int:
        return len(self.ids)


def arrange_offers(offers: Sequence[OfferRow]) -> OfferArrays:
    """The arrays of a catalogue."""
    ids = tuple(str(offer["id"]) for offer in offers)
    place = {offer_id: index for index, offer_id in enumerate(ids)}

    def numbers(name: str) -> Floats:
        return np.array([float(offer.get(name, 0.0)) for offer in offers])

    def given(name: str) -> Floats:
        return np.array([float(offer.get("gives", {}).get(name, 0.0)) for offer in offers])

    def members(name: str, names: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([[not offer.get(name) or each in offer[name] for each in names] for offer in offers])

    def places(name: str) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(place[other] for other in offer.get(name, ())) for offer in offers)

    return OfferArrays(
        ids=ids,
        categories=tuple(str(offer["category"]) for offer in offers),
        tags=tuple(frozenset(offer.get("tags", ())) for offer in offers),
        price=numbers("price"),
        discount=numbers("discount"),
        data_mb=given("data_mb"),
        voice_minutes=given("voice_minutes"),
        sms_count=given("sms_count"),
        opens=np.array([day_of(offer.get("valid_from") or date.min) for offer in offers]),
        closes=np.array([day_of(offer.get("valid_to") or date.max) + 1 for offer in offers]),
        channels=members("channels", CHANNELS),
        regions=members("regions", REGION_NAMES),
        once=np.array([offer.get("limits", {}).get("per_subscriber") == 1 for offer in offers]),
        subscription=np.array([offer["kind"] == "subscription" for offer in offers]),
        requires=places("requires"),
        excludes=places("excludes"),
        conditions=tuple(
            tuple(
                (column, op, value)
                for condition in offer.get("eligible_if", ())
                for column, tests in condition.items()
                for op, value in tests.items()
            )
            for offer in offers
        ),
    )
