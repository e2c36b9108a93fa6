"""The only place that builds adapters: a workspace folder and its settings become lake, ledger, models and services."""

import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from getpass import getuser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from mia.domain.decision import Versions
from mia.domain.offer import Offer
from mia.domain.region import Region
from mia.domain.subscriber import ArmSplit
from mia.errors import FeatureMismatch, InvalidSettings, NotEnoughData, UnknownModel
from mia.evaluation.gate import Trial, Verdict
from mia.evaluation.health import Health
from mia.evaluation.health.page import render_page
from mia.frames import Profiles
from mia.intake.report import IngestReport
from mia.offers.catalogue import Catalogue
from mia.offers.contact import ContactPolicy
from mia.ports import ChampionChange, Engine
from mia.profiles.features import feature_fingerprint
from mia.quality.report import Report
from mia.ranking.arbitration import Objective
from mia.ranking.exploration import EpsilonUniform
from mia.ranking.local_time import Zones
from mia.ranking.rankers.base import FitOptions, Ranker
from mia.ranking.rankers.registry import RANKERS, load_ranker
from mia.services.decide import DecisionMaker, LiveLoader, Policy, Rehearsal
from mia.services.ingest import Progress, Terms, ingest, no_progress
from mia.services.promote import EVALUATION, Promoted, Promoter, read_card, rehearse, roll_back, write_card
from mia.services.refresh import ProfileBuilder, Refreshed, refresh, require_as_of
from mia.services.report import UptakeReport
from mia.services.retrain import Retrained, Steps, retrain, state_of
from mia.services.score import BestOffers, PairScorer, score_best
from mia.services.train import SPACE, Budget, Evaluator, Monitor, Search, Trained, Trainer, TrainingPlan
from mia.services.validate import validate
from mia.settings import Settings
from mia.storage.catalogues import load_catalogue_of
from mia.storage.engine import DuckDBEngine
from mia.storage.files import table_writer
from mia.storage.kept_health import KeptHealth
from mia.storage.lake import ParquetLake
from mia.storage.ledger import GroupCommit, SqlKeys, SqlLedger, open_ledger
from mia.storage.profile_store import LmdbProfileStore
from mia.storage.run_lock import run_lock
from mia.tables import EVENT_ID, KIND, OCCURRED_AT, OFFER_ID, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS, MICROSECONDS

if TYPE_CHECKING:
    from mia.storage.registry import MlflowRegistry


YARDSTICKS = {name: RANKERS[name] for name in ("popular", "popular_by_region", "logistic")}
EVENTS_OF_CONTACT = (EVENT_ID, OCCURRED_AT, SUBSCRIBER_ID, OFFER_ID, KIND)
LAKE, LEDGER, MODELS = PARTS = ("lake", "ledger.db", "models")
"""What of a workspace only appears once something was put into it."""
RETRAIN_LOCK = "retrain.lock"
NOT_OF_A_MODEL = ("home", "ledger_url", "threads", "memory_limit", "headline", "engine", "spark_master")
"""Settings that say where and how fast, and change no model."""


def wall_clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() * MICROSECONDS // 1_000_000_000


def user_name() -> str:
    """Who runs this process: a name, or a number where the system knows no name for it."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


class Workspace:
    """One workspace folder, opened. Parts are built when first asked for, so that each command pays for its own."""

    def __init__(
        self, settings: Settings, clock: Callable[[], int] = wall_clock, user: Callable[[], str] = user_name
    ) -> None:
        self.settings, self.clock, self.user = settings, clock, user()
        self.home = settings.home.absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        self.lake = ParquetLake(self.home / LAKE)
        self.profiles = LmdbProfileStore(self.home / "profiles", settings.profiles.keep_snapshots)
        self.rejects = self.home / "rejects"
        self.health = KeptHealth(self.home / "monitor")
        self.engine = DuckDBEngine(settings.threads, settings.memory_limit, self.home / "spill")
        self.arms = ArmSplit(settings.arms.salt, settings.arms.control_share)
        self.regions = {
            name: Region(name, region.macro_region, region.timezone) for name, region in settings.regions.items()
        }

    @cached_property
    def ledger(self) -> SqlLedger:
        """Decisions and events, migrated to the newest schema."""
        return open_ledger(self.settings.ledger_url or f"sqlite:///{self.home / LEDGER}", self.clock)

    @cached_property
    def keys(self) -> SqlKeys:
        """API keys."""
        return SqlKeys(self.ledger.database)

    @cached_property
    def writer(self) -> GroupCommit:
        """The group-commit writer of this process."""
        return GroupCommit(self.ledger)

    @cached_property
    def registry(self) -> "MlflowRegistry":
        """Training runs and models. MLflow takes seconds to import, so only the commands that need it pay."""
        from mia.storage.registry import MlflowRegistry

        return MlflowRegistry(self.home / MODELS)

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

    @cached_property
    def uptake(self) -> UptakeReport:
        """Connections over time."""
        return UptakeReport(self.ledger, self.engine.connect)

    @cached_property
    def decisions(self) -> DecisionMaker:
        """Takes and replays decisions."""
        return self._decision_maker(self.newest_versions, self.arms)

    def _decision_maker(self, newest: Callable[[], Versions], arms: ArmSplit) -> DecisionMaker:
        return DecisionMaker(
            ledger=self.ledger,
            loader=LiveLoader(
                self.catalogue,
                lambda version: load_ranker(self.registry.fetch(version)),
                self.profiles,
            ),
            newest=newest,
            arms=arms,
            regions=self.regions,
            default_timezone=self.settings.default_timezone,
            clock=self.clock,
            new_id=lambda: uuid.uuid4().hex,
        )

    @property
    def contact(self) -> ContactPolicy:
        """The contact policy."""
        contact = self.settings.contact
        return ContactPolicy(contact.impression_cap, contact.impression_window_days, contact.decline_cooldown_days)

    @property
    def zones(self) -> Zones:
        """Time zones of subscribers."""
        return Zones({name: region.timezone for name, region in self.regions.items()}, self.settings.default_timezone)

    @property
    def terms(self) -> Terms:
        """What intake judges and completes records by."""
        settings = self.settings
        kinds, arrival = tuple(settings.usage_kinds), settings.ingest.arrival
        return Terms(self.regions, settings.default_timezone, kinds, self.arms, arrival)

    def catalogue(self, version: str | None = None) -> Catalogue:
        """A catalogue by version, the current one by default; raises NotEnoughData when the lake holds none."""
        found = load_catalogue_of(self.lake, version)
        if found is None:
            missing = "offers yet" if version is None else f"catalogue {version}"
            raise NotEnoughData(f"the lake holds no {missing}; `mia ingest` loads them")
        return found

    def current_offers(self) -> tuple[Offer, ...]:
        """Offers of the current catalogue, none where there is no catalogue yet."""
        found = load_catalogue_of(self.lake)
        return () if found is None else found.offers

    def version(self, name: str) -> str:
        """A model version by number or by the alias `champion`; raises UnknownModel when there is no champion."""
        chosen = self.registry.champion() if name == "champion" else name
        if chosen is None:
            raise UnknownModel(name)
        return chosen

    def newest_versions(self) -> Versions:
        """The newest of everything that decisions depend on."""
        return Versions(
            self.registry.champion(),
            self.catalogue().version,
            self.profiles.current(),
            Policy(EpsilonUniform(self.settings.exploration.epsilon), self.contact).name,
        )

    def ingest(
        self, source: Path, *, mapping: Path | None = None, table: str | None = None, progress: Progress = no_progress
    ) -> IngestReport:
        """Load a file or folder; see `mia.services.ingest.ingest`."""
        return ingest(
            source,
            lake=self.lake,
            ledger=self.ledger,
            rejects=self.rejects,
            scratch=self.home / "spill" / "ingest",
            connect=self.engine.connect,
            now=self.clock(),
            terms=self.terms,
            mapping=mapping,
            table=table,
            progress=progress,
        )

    def profile_day(self, as_of: int | None) -> int:
        """The day asked for, or the day after the newest usage; see `mia.services.refresh.require_as_of`."""
        return require_as_of(self.lake, as_of, today=self.clock() // (DAY_SECONDS * MICROSECONDS))

    def refresh(self, as_of: int, *, out: Path | None = None, progress: Progress = no_progress) -> Refreshed:
        """Fold new usage and publish the profiles of a day; see `mia.services.refresh.refresh`."""
        return refresh(
            self.builder,
            self.profiles,
            self.current_offers(),
            as_of=as_of,
            out=out,
            open_table=table_writer,
            progress=progress,
        )

    def validate(self, as_of: int | None = None, *, progress: Progress = no_progress) -> Report:
        """Look over the lake as of a day, today by default; see `mia.services.validate.validate`."""
        today = self.clock() // (DAY_SECONDS * MICROSECONDS)
        day = today if as_of is None else as_of
        return validate(self.lake, self.engine, self.settings.validation, as_of=day, progress=progress)

    def train(
        self,
        *,
        until: int | None = None,
        since_day: int | None = None,
        attribution_days: int | None = None,
        fit: Mapping[str, Any] | None = None,
        ranker: str | None = None,
        objective: str | None = None,
        tags: Mapping[str, str] | None = None,
        tune: Budget | None = None,
        progress: Progress = no_progress,
    ) -> Trained:
        """Register a candidate fitted on the events before `until` (microseconds; all of them by default).

        It learns from impressions of `since_day` and later days; what happened before is still known to the profiles.
        `fit` overrides fields of FitOptions, `tags` are kept with the version; `ranker` and `objective` are those of
        the settings by default; with `tune` parameters are looked for first. Raises InvalidSettings without the `train`
        extra.
        """
        if find_spec("sklearn") is None:
            raise InvalidSettings("training needs the extra: pip install 'mia[train]'")
        catalogue, training = self.catalogue(), self.settings.training
        defaults = FitOptions(
            feature_fingerprint(),
            seed=training.seed,
            threads=self.settings.threads,
            objective=Objective(objective or training.objective),
        )
        self.builder.fold(progress)
        trainer = Trainer(
            self.ledger,
            self.registry,
            self.build_profiles,
            YARDSTICKS,
            self.contact,
            self.zones,
            self.settings.slices,
        )
        plan = TrainingPlan(
            catalogue.offers,
            catalogue.version,
            self.end_of_events() if until is None else until,
            attribution_days or training.attribution_days,
            training.holdout_share,
            replace(defaults, **(fit or {})),
            RANKERS[ranker or training.ranker],
            since_day,
            tags or {},
            None if tune is None else self._search(tune),
        )
        done = trainer.train(plan, progress)
        write_card(self.registry, done.version)
        return done

    def _search(self, budget: Budget) -> Callable[[str], Search]:
        try:
            # Optuna belongs to the `train` extra, and only who tunes pays for it.
            from mia.storage.study import OptunaStudy
        except ImportError as error:
            raise InvalidSettings("tuning needs the extra: pip install 'mia[train]'") from error
        path, seed = self.home / MODELS / "tuning.db", self.settings.training.seed
        return lambda name: Search(OptunaStudy(path, name, SPACE, seed=seed), time.monotonic, budget)

    def promote(self, version: str, *, override: str | None = None) -> Promoted:
        """Run the gate; see `mia.services.promote.Promoter`."""
        return self._promoter.promote(version, by=self.user, override=override)

    def judge(self, version: str) -> Verdict:
        """What the gate says of a version, which it neither stores nor acts on."""
        return self._promoter.judge(version)

    @property
    def _promoter(self) -> Promoter:
        return Promoter(self.registry, self.settings.gate, feature_fingerprint(), self.rehearse, self.clock)

    def rehearse(self, version: str) -> Trial | None:
        """Try a version on the newest profiles; None while there are none."""
        if self.profiles.current() is None:
            return None
        versions = replace(self.newest_versions(), model=version)
        # Nobody is in the control arm of a rehearsal: it is the model that is tried.
        maker = self._decision_maker(lambda: versions, ArmSplit(self.settings.arms.salt, 0.0))
        return rehearse(
            Rehearsal.build(maker, self.ledger, self.settings.gate.rehearsed_subscribers), time.perf_counter_ns
        )

    def monitor(self, name: str, *, days: int, until: int | None = None, progress: Progress = no_progress) -> Health:
        """The health of a model over the days before `until` (microseconds, after all events by default).

        That of the champion is kept. See `mia.services.train.Monitor`.
        """
        version = self.version(name)
        settings = self.settings
        looker = Monitor(self.ledger, self.registry, self.build_profiles, self.zones, settings.monitor)
        health = looker.look(
            version,
            self.catalogue().offers,
            until=self.end_of_events() if until is None else until,
            days=days,
            attribution_days=settings.training.attribution_days,
            progress=progress,
        )
        if version == self.registry.champion():
            self.health.keep(health.to_json(), render_page(health).encode())
        return health

    def roll_back(self, *, to: str | None = None) -> ChampionChange:
        """Return to the last champion; see `mia.services.promote.roll_back`."""
        return roll_back(self.registry, to=to, by=self.user, clock=self.clock, require=self.ranker)

    def evaluation(self, version: str) -> dict[str, Any]:
        """All that was measured of a model in training, as it is stored; raises UnknownModel."""
        stored: dict[str, Any] = orjson.loads((self.registry.fetch(self.version(version)) / EVALUATION).read_bytes())
        return stored

    def card(self, version: str) -> bytes:
        """The model card as HTML; raises UnknownModel."""
        return read_card(self.registry, self.version(version))

    def retrain(self, *, as_of: int | None = None, progress: Progress = no_progress) -> Retrained:
        """Profiles, training and the gate in one step; see `mia.services.retrain`. Raises RunBusy.

        With a day, what it learns from are the events before it (00:00 UTC); without, all of them.
        """
        with run_lock(self.home / RETRAIN_LOCK, self.clock()):
            until = None if as_of is None else as_of * DAY_SECONDS * MICROSECONDS
            day = self.profile_day(as_of)
            known = self.settings.model_dump(mode="json", exclude=set(NOT_OF_A_MODEL))
            parts = {**known, "features": feature_fingerprint(), "catalogue": self.catalogue().version, "as_of": day}
            steps = Steps(
                lambda: self.refresh(day, progress=progress),
                lambda tags: self.train(until=until, tags=tags, progress=progress).version,
                self.promote,
            )
            return retrain(steps, self.registry, state_of(self.lake, self.ledger.events(), until=until, parts=parts))

    def end_of_events(self) -> int:
        """Just after the newest event, in microseconds; raises NotEnoughData on an empty ledger."""
        times = self.ledger.events()[OCCURRED_AT].to_numpy()
        if not len(times):
            raise NotEnoughData("the ledger holds no events; `mia ingest` loads them")
        return int(times.max()) + 1

    def build_profiles(self, offers: tuple[Offer, ...], spine: pa.Table) -> Profiles:
        """Profiles of (subscriber_id, as_of) rows."""
        return self.builder.of_spine(offers, spine)

    def evaluator(self) -> Evaluator:
        """Evaluates registered models."""
        return Evaluator(self.ledger, self.registry, self.build_profiles, self.contact, self.zones)

    def pair_scorer(self, version: str) -> PairScorer:
        """Scores pairs with a version of the model; raises UnknownModel, and FeatureMismatch for other features."""
        return PairScorer(
            self.ranker(version),
            self.catalogue(),
            self.lake,
            self.ledger,
            self.build_profiles,
            self.engine.connect,
            self.zones,
        )

    def score_best(self, version: str, k: int, *, as_of: int, out: Path, progress: Progress = no_progress) -> int:
        """Write the best k offers of every subscriber as of a day to `out`; returns the rows.

        Raises UnknownModel, and FeatureMismatch for a model of other features.
        """
        offers, events = self.current_offers(), self.ledger.events()
        # Spark gives each call a processor of its own.
        threads = self.settings.threads if self.settings.engine == "duckdb" else 1
        best = BestOffers.build(self.ranker(version), offers, events, self.contact, as_of, k, threads)
        with table_writer(out) as write:
            return score_best(
                best,
                self.builder.parts_of_day(offers, as_of, progress),
                events.select(list(EVENTS_OF_CONTACT)),
                between=lambda: self.home / "spill" / uuid.uuid4().hex,
                write=write,
            )

    def ranker(self, version: str) -> Ranker:
        """A version of the model; raises UnknownModel, and FeatureMismatch for one of other features."""
        ranker = load_ranker(self.registry.fetch(version))
        if ranker.fingerprint != feature_fingerprint():
            raise FeatureMismatch(ranker.fingerprint, feature_fingerprint())
        return ranker

    def close(self) -> None:
        """Drain the writer, and give connections and snapshots back."""
        self.profiles.close()
        if "writer" in self.__dict__:
            self.writer.close()
        if "ledger" in self.__dict__:
            self.ledger.database.close()


def is_workspace(settings: Settings) -> bool:
    """Whether these settings name a workspace that something was put into; a ledger elsewhere is one by itself."""
    return settings.ledger_url is not None or any((settings.home / part).exists() for part in PARTS)


def open_workspace(
    settings: Settings, clock: Callable[[], int] = wall_clock, user: Callable[[], str] = user_name
) -> Workspace:
    """Open the workspace of these settings, making its folder if need be; `user` is who acts on it."""
    return Workspace(settings, clock, user)


def require_workspace(settings: Settings) -> Workspace:
    """Open a workspace that something was put into; a folder that is none is most often a wrong folder, and raises
    NotEnoughData.
    """
    if not is_workspace(settings):
        raise NotEnoughData(f"no workspace at {settings.home.absolute()}; `mia ingest` or `mia demo` makes one")
    return open_workspace(settings)
