"""The parts of a workspace: adapters, stores and what the settings say of them, built from one folder.

A server opens no more than these, so what only trains, builds profiles or draws is not imported here.
"""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from getpass import getuser
from hashlib import md5
from typing import TYPE_CHECKING, Any

from mia.domain.change import Change, Changed
from mia.domain.decision import Versions
from mia.domain.offer import Offer
from mia.domain.policy import Policy
from mia.domain.region import Region
from mia.domain.subscriber import ArmSplit
from mia.errors import InvalidSettings, NotEnoughData, UnknownModel
from mia.offers.catalogue import Catalogue
from mia.offers.policy import read_policy
from mia.ports import CARD, ProfileReader
from mia.ranking.local_time import Zones
from mia.ranking.rankers.registry import load_ranker
from mia.services.decide import Budget, DecisionMaker, LiveLoader, Newcomers, at_once
from mia.services.ingest import Terms
from mia.services.lift import LiftMeter, PopulationReader
from mia.services.report import ActiveSubscribers, RollUp, UptakeReport
from mia.services.report import Terms as UptakeTerms
from mia.services.sign_in import SignIn
from mia.settings import Settings
from mia.storage.catalogues import CATALOGUE, catalogue_loaded_at, load_catalogue_of, load_offers_ever
from mia.storage.engine import DuckDBEngine
from mia.storage.files import keep_secret
from mia.storage.kept_health import KeptHealth
from mia.storage.lake import ParquetLake
from mia.storage.learning_log import WillingLog
from mia.storage.ledger import GroupCommit, Shelter, SqlKeys, SqlLedger, open_ledger
from mia.storage.newcomers import load_newcomers
from mia.storage.policies import POLICY, load_policy_text, policy_version
from mia.storage.profile_store import LmdbProfileStore, day_of_snapshot
from mia.storage.registered import RegisteredModels
from mia.storage.spool import Spool
from mia.storage.versions import kept_since
from mia.tables import SUBSCRIBERS
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

if TYPE_CHECKING:
    from mia.storage.registry import MlflowRegistry


UPTAKE = "uptake"
LAKE, LEDGER, MODELS = PARTS = ("lake", "ledger.db", "models")
"""What of a workspace only appears once something was put into it."""
LOOK_UP_SECONDS = 1.0
"""The longest that a server is asked for decisions that events name; then they are completed later."""
SESSION_KEY = "session.key"


def wall_clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() * MICROSECONDS // 1_000_000_000


def user_name() -> str:
    """Who runs this process: a name, or a number where the system knows no name for it."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


class Parts:
    """What a workspace is made of. Each part is built when first asked for, so that each command pays for its own."""

    def __init__(
        self, settings: Settings, clock: Callable[[], int] = wall_clock, user: Callable[[], str] = user_name
    ) -> None:
        self.settings, self.clock, self.user = settings, clock, user()
        self.home = settings.home.absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        self.lake = ParquetLake(self.home / LAKE)
        self.profiles = LmdbProfileStore(self.home / "profiles", settings.profiles.keep_snapshots)
        self.rejects = self.home / "rejects"
        self.spool = Spool(self.home / "spool", settings.queue.spool_megabytes * 2**20)
        self.models = RegisteredModels(self.home / MODELS)
        self.health = KeptHealth(self.home / "monitor")
        self.engine = DuckDBEngine(settings.threads, settings.memory_limit, self.home / "spill")
        self._came: tuple[ProfileReader, tuple[str, ...], Newcomers] | None = None
        self._categorised: tuple[list[str], dict[str, str]] = ([], {})
        self.arms = ArmSplit(settings.arms.salt, settings.arms.control_share)
        self.regions = {
            name: Region(name, region.macro_region, region.timezone) for name, region in settings.regions.items()
        }

    @cached_property
    def ledger(self) -> SqlLedger:
        """Decisions and events, migrated to the newest schema."""
        return open_ledger(self.settings.ledger_url or f"sqlite:///{self.home / LEDGER}", self.clock)

    @property
    def learning_log(self) -> WillingLog:
        """The ledger without who opted out of personalisation: what models learn from and are judged by."""
        return WillingLog(self.ledger, self.lake)

    @cached_property
    def keys(self) -> SqlKeys:
        """API keys."""
        return SqlKeys(self.ledger.database)

    @cached_property
    def sign_in(self) -> SignIn:
        """Opens sessions of the dashboard. Their secret comes from the settings, else it is made once and kept here."""
        door = self.settings.door
        if door.session_key is not None:
            secret = door.session_key.get_secret_value().encode()
        else:
            secret = keep_secret(self.home / SESSION_KEY)
        return SignIn(secret, self.clock, door.session_hours * 3_600)

    @property
    def pseudonym_key(self) -> bytes:
        """What phone numbers are hashed with; raises InvalidSettings where there is none."""
        key = self.settings.pseudonym_key
        if key is None or not key.get_secret_value():
            raise InvalidSettings("MIA_PSEUDONYM_KEY: pseudonyms need a key; make one with: openssl rand -hex 32")
        return key.get_secret_value().encode()

    def ages(self) -> dict[str, float]:
        """Seconds since the model in force became champion, the current catalogue was loaded, and the day of the
        profiles, each where there is one.
        """
        champions, loaded, snapshot = self.models.champions(), catalogue_loaded_at(self.lake), self.profiles.current()
        since = {
            "model": champions[-1].at if champions else None,
            "catalogue": loaded,
            "profile": None if snapshot is None else day_of_snapshot(snapshot) * DAY_SECONDS * MICROSECONDS,
        }
        now = self.clock()
        return {part: (now - at) / MICROSECONDS for part, at in since.items() if at is not None}

    def changes(self) -> tuple[Change, ...]:
        """When each catalogue and policy was put in force first."""
        return tuple(
            Change(kind, version, at)
            for kind, table in ((Changed.CATALOGUE, CATALOGUE), (Changed.POLICY, POLICY))
            for version, at in kept_since(self.lake, table).items()
        )

    @cached_property
    def writer(self) -> GroupCommit:
        """The group-commit writer of this process."""
        queue = self.settings.queue
        return GroupCommit(
            self.ledger,
            queue.submissions,
            patience=queue.patience_seconds,
            shelter=Shelter(self.spool),
            budgets=lambda: self.decisions.budgets,
        )

    @cached_property
    def registry(self) -> "MlflowRegistry":
        """Training runs and models. MLflow takes seconds to import, so only who writes to it pays."""
        from mia.storage.registry import MlflowRegistry

        return MlflowRegistry(self.home / MODELS)

    def card(self, version: str) -> bytes:
        """The model card as HTML; raises UnknownModel."""
        version = self.version(version)
        kept = self.models.attached(version, CARD)
        if kept is None:
            # Training draws one, so that few ever wait for what draws.
            from mia.services.promote import read_card

            return read_card(self.registry, version)
        return kept

    @cached_property
    def uptake(self) -> UptakeReport:
        """Connections over time."""
        return self.uptake_report(on_read=True)

    def uptake_report(self, *, on_read: bool) -> UptakeReport:
        """Connections over time; with `on_read` every reading takes in what is new in the ledger first."""
        setting, folder = self.settings.uptake, self.home / UPTAKE
        if self.settings.ledger_url is not None:
            # A roll-up is of one ledger, wherever that lies.
            folder /= md5(self.settings.ledger_url.encode(), usedforsecurity=False).hexdigest()[:12]
        lake, connect = ParquetLake(folder), self.engine.connect
        zones = {region.timezone for region in self.regions.values()} | {self.settings.default_timezone}
        return UptakeReport(
            RollUp(self.ledger, lake, connect, attribution_days=setting.attribution_days),
            lake,
            connect,
            self.clock,
            UptakeTerms(
                setting.late_share,
                setting.history_days,
                setting.small_base,
                sorted(zones),
                self.categories,
                ActiveSubscribers(self.lake, connect, self.arms, self.regions).table,
            ),
            on_read=on_read,
        )

    @cached_property
    def lift(self) -> LiftMeter:
        """What MIA caused."""
        population = PopulationReader(self.lake, self.engine.connect, self.regions, self.arms)
        return LiftMeter(
            self.ledger, population, lambda: load_offers_ever(self.lake), self.engine.connect, self.settings.lift
        )

    @cached_property
    def decisions(self) -> DecisionMaker:
        """Takes and replays decisions, within the time budgets of the settings."""
        budgets, is_file = self.settings.decisions, self.settings.ledger_url is None
        return self._decision_maker(
            self.newest_versions,
            self.arms,
            besides_model=self.versions_besides_model,
            newcomers=self._newcomers,
            score_within=Budget(budgets.scorer_budget_ms / 1e3, trusting=True).run,
            # A file answers or fails; only a server can be there and say nothing.
            read_within=Budget(budgets.ledger_budget_ms / 1e3, trusting=is_file).run,
            look_within=at_once if is_file else Budget(LOOK_UP_SECONDS).run,
        )

    def _decision_maker(self, newest: Callable[[], Versions], arms: ArmSplit, **further: Any) -> DecisionMaker:  # noqa: ANN401
        return DecisionMaker(
            ledger=self.ledger,
            loader=LiveLoader(
                self.catalogue,
                lambda version: load_ranker(self.models.fetch(version)),
                self.profiles,
                self.policy,
            ),
            newest=newest,
            arms=arms,
            regions=self.regions,
            default_timezone=self.settings.default_timezone,
            clock=self.clock,
            new_id=lambda: uuid.uuid4().hex,
            reservation=self.settings.reservation_minutes * 60 * MICROSECONDS,
            **further,
        )

    def _newcomers(self, reader: ProfileReader) -> Newcomers:
        """The subscribers of the lake without a profile in a snapshot; looked for again when one of them changes."""
        paths = tuple(self.lake.paths(SUBSCRIBERS.name))
        if self._came is None or self._came[0] is not reader or self._came[1] != paths:
            found = Newcomers()
            if paths:
                rows = load_newcomers(paths, date_of(reader.as_of), reader.rows, reader.known)
                found = Newcomers.build(rows, reader.as_of, reader.blank.names)
            self._came = (reader, paths, found)
        return self._came[2]

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

    def policy(self, version: str | None = None) -> Policy:
        """A policy by version, the one in force by default; raises NotEnoughData when the lake holds none such."""
        return read_policy(self.policy_text(version), file=f"policy {version or policy_version(self.lake)}")

    def policy_text(self, version: str | None = None) -> str:
        """The file of a policy as it was given; raises NotEnoughData."""
        found = load_policy_text(self.lake, version)
        if found is None:
            raise NotEnoughData(f"the lake holds no policy {version}; `mia policy set FILE` keeps one")
        return found

    def categories(self) -> dict[str, str]:
        """The category of every offer that ever was in a catalogue, by the newest one that holds it."""
        versions = [file.load for file in self.lake.files(CATALOGUE)]
        if versions != self._categorised[0]:
            current = self.lake.noted(CATALOGUE)
            ordered = sorted(versions, key=lambda version: version == current)
            found = {offer.id: offer.category for version in ordered for offer in self.catalogue(version).offers}
            self._categorised = (versions, found)
        return self._categorised[1]

    def current_offers(self) -> tuple[Offer, ...]:
        """Offers of the current catalogue, none where there is no catalogue yet."""
        found = load_catalogue_of(self.lake)
        return () if found is None else found.offers

    def version(self, name: str) -> str:
        """A model version by number or by the alias `champion`; raises UnknownModel when there is no champion."""
        chosen = self.models.champion() if name == "champion" else name
        if chosen is None:
            raise UnknownModel(name)
        return chosen

    def newest_versions(self) -> Versions:
        """The newest of everything that decisions depend on."""
        return replace(self.versions_besides_model(), model=self.models.champion())

    def versions_besides_model(self) -> Versions:
        """The newest of everything that decisions depend on and that the registry does not keep."""
        return Versions(None, self.catalogue().version, self.profiles.current(), policy_version(self.lake))

    def close(self) -> None:
        """Drain the writer, and give connections and snapshots back."""
        self.profiles.close()
        if "writer" in self.__dict__:
            self.writer.close()
        self.spool.close()
        if "ledger" in self.__dict__:
            self.ledger.database.close()


def is_workspace(settings: Settings) -> bool:
    """Whether these settings name a workspace that something was put into; a ledger elsewhere is one by itself."""
    return settings.ledger_url is not None or any((settings.home / part).exists() for part in PARTS)
