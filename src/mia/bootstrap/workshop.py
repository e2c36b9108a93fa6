"""The parts of a workspace that build profiles and judge models, which a server does not do."""

from functools import cached_property

import pyarrow as pa

from mia.bootstrap.parts import Parts
from mia.domain.offer import Offer
from mia.errors import FeatureMismatch, InvalidSettings, NotEnoughData
from mia.frames import Profiles
from mia.ports import Engine
from mia.profiles.features import feature_fingerprint
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.registry import load_ranker
from mia.services.refresh import ProfileBuilder
from mia.tables import OCCURRED_AT


class Workshop(Parts):
    """The parts, and what makes profiles and models from them."""

    @cached_property
    def builder(self) -> ProfileBuilder:
        """Builds roll-ups and profiles."""
        return ProfileBuilder(self.lake, self.ledger, self.profile_engine)

    @cached_property
    def profile_engine(self) -> Engine:
        """Runs the expressions of the profiles: DuckDB in this process, or Spark. Raises InvalidSettings without the
        `spark` extra.
        """
        if self.settings.engine == "duckdb":
            return self.engine
        try:
            # Spark is large and starts a Java process: only who asked for it pays.
            from mia.storage.spark import SparkEngine
        except ImportError as error:
            raise InvalidSettings("engine: Spark needs the extra: pip install 'mia[spark]'") from error
        return SparkEngine(self.settings.spark_master)

    def build_profiles(self, offers: tuple[Offer, ...], spine: pa.Table) -> Profiles:
        """Profiles of (subscriber_id, as_of) rows."""
        return self.builder.of_spine(offers, spine)

    def ranker(self, version: str) -> Ranker:
        """A version of the model; raises UnknownModel, and FeatureMismatch for one of other features."""
        ranker = load_ranker(self.registry.fetch(version))
        if ranker.fingerprint != feature_fingerprint():
            raise FeatureMismatch(ranker.fingerprint, feature_fingerprint())
        return ranker

    def end_of_events(self) -> int:
        """Just after the newest event, in microseconds; raises NotEnoughData on an empty ledger."""
        times = self.ledger.events(columns=[OCCURRED_AT])[OCCURRED_AT].to_numpy()
        if not len(times):
            raise NotEnoughData("the ledger holds no events; `mia ingest` loads them")
        return int(times.max()) + 1
