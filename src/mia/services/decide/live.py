"""What is in force while decisions are taken: catalogue, model, profile snapshot and policy, loaded by version."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mia.domain.decision import Fallback, Versions
from mia.domain.policy import Policy
from mia.errors import FeatureMismatch
from mia.frames import Floats, Profiles
from mia.offers.catalogue import Catalogue
from mia.offers.eligibility import Eligibility
from mia.ports import ProfileReader, ProfileStore
from mia.ranking.arbitration import Arbitration
from mia.ranking.exploration import Exploration, build_exploration
from mia.ranking.history import OfferRates, no_offer_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.rankers.base import Ranker
from mia.services.decide.named_policy import policy_of_name

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Live:
    """One consistent set. `model` is None when there is none that can be used, and `without_model` says why;
    `doubt` is how uncertain the rate of each offer is; `budgets` are the most connections of the offers that can be
    connected only so often in all; `refusal` names the feature schemas of a model and a snapshot that do not belong
    together; `profiles` keeps the snapshot open, so that no request has to open it.
    """

    versions: Versions
    catalogue: Catalogue
    table: OfferTable
    eligibility: Eligibility
    exploration: Exploration
    arbitration: Arbitration
    rates: OfferRates
    doubt: Floats
    model: Ranker | None
    without_model: Fallback | None
    profiles: ProfileReader | None
    budgets: Mapping[str, int]
    refusal: FeatureMismatch | None = None

    def find(self, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber, None when it has none."""
        return None if self.profiles is None else self.profiles.find(subscriber_id)

    def find_many(self, subscriber_ids: Sequence[str]) -> tuple[Profiles | None, list[int]]:
        """Profiles of those of some subscribers that have one, and their places among them; ids may repeat."""
        if len(subscriber_ids) == 1:
            found = self.find(subscriber_ids[0])
            return found, [] if found is None else [0]
        if self.profiles is None:
            return None, []
        many, known = self.profiles.find_many(subscriber_ids)
        # The key features look at every key of a vocabulary.
        trimmed = replace(many, usage=many.usage.trim(), responses=many.responses.trim())
        return trimmed, np.flatnonzero(known).tolist()


@dataclass(frozen=True, slots=True)
class LiveLoader:
    """Loads sets by version; each part is asked of its own store."""

    load_catalogue: Callable[[str], Catalogue]
    load_model: Callable[[str], Ranker]
    profiles: ProfileStore
    load_policy: Callable[[str], Policy]

    def load(self, versions: Versions) -> Live:
        """The set of these versions; a model that cannot be used is left out and logged.

        Raises UnknownSnapshot, or the error of the catalogue or of the policy.
        """
        catalogue = self.load_catalogue(versions.catalogue)
        table = OfferTable.build(catalogue.offers)
        snapshot = versions.profile
        policy = policy_of_name(versions.policy) or self.load_policy(versions.policy)
        history = no_offer_history() if snapshot is None else self.profiles.history(snapshot)
        rates = OfferRates.build(history, table)
        model, without, refusal = self._model(versions)
        return Live(
            versions,
            catalogue,
            table,
            Eligibility(catalogue.offers, policy.contact),
            build_exploration(policy.exploration.kind, **policy.exploration.parameters),
            Arbitration.build(policy.arbitration, table),
            rates,
            rates.doubt[-1],
            model,
            without,
            None if snapshot is None else self.profiles.reader(snapshot),
            {offer.id: offer.limits.total for offer in catalogue.offers if offer.limits.total is not None},
            refusal,
        )

    def _model(self, versions: Versions) -> tuple[Ranker | None, Fallback | None, FeatureMismatch | None]:
        if versions.model is None or versions.profile is None:
            return None, Fallback.NO_MODEL, None
        try:
            model = self.load_model(versions.model)
            found = self.profiles.fingerprint(versions.profile)
            if model.fingerprint != found:
                raise FeatureMismatch(model.fingerprint, found)
        except FeatureMismatch as refusal:
            log.exception("model %s refuses snapshot %s", versions.model, versions.profile)
            return None, Fallback.FEATURE_MISMATCH, refusal
        except Exception:
            # Whatever is wrong with the model or its registry, the subscribers are answered.
            log.exception("model %s cannot be loaded", versions.model)
            return None, Fallback.MODEL_FAILED, None
        return model, None, None


class Sets:
    """Sets by version: the latest few are kept, for replay and for the way back."""

    def __init__(self, load: Callable[[Versions], Live], most: int = 4) -> None:
        self._load, self._most = load, most
        self._kept: dict[Versions, Live] = {}
        self._loading = threading.Lock()

    def of(self, versions: Versions) -> Live:
        """The set of these versions. One whose model could not be loaded is tried again."""
        with self._loading:
            found = self._kept.pop(versions, None)
            if found is None or found.without_model is Fallback.MODEL_FAILED:
                found = self._load(versions)
            self._kept[versions] = found
            for oldest in list(self._kept)[: -self._most]:
                del self._kept[oldest]
            return found
