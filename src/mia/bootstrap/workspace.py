"""A workspace, opened: every use case of MIA as one method, wired to the parts it needs."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from mia.bootstrap.parts import MODELS, is_workspace, user_name, wall_clock
from mia.bootstrap.workshop import Workshop
from mia.domain.policy import Policy
from mia.domain.subscriber import ArmSplit
from mia.errors import InvalidSettings, NotEnoughData, SpoolBusy
from mia.evaluation.gate import Trial, Verdict
from mia.evaluation.health import Health
from mia.evaluation.health.page import render_page
from mia.intake.report import IngestReport
from mia.offers.policy import load_policy
from mia.ports import ChampionChange
from mia.profiles.features import feature_fingerprint
from mia.quality.report import Report
from mia.ranking.arbitration import Objective
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.registry import RANKERS
from mia.services.decide import DecisionMaker, Knocked, KnockOut, Rehearsal
from mia.services.ingest import Progress, ingest, no_progress
from mia.services.person import Erased, PersonRecords
from mia.services.promote import EVALUATION, Promoted, Promoter, rehearse, roll_back, write_card
from mia.services.refresh import Refreshed, refresh, require_as_of
from mia.services.retrain import Retrained, Steps, retrain, state_of
from mia.services.score import BestOffers, PairScorer, score_best
from mia.services.train import SPACE, Budget, Evaluator, Monitor, Search, Trained, Trainer, TrainingPlan
from mia.services.validate import validate
from mia.settings import Settings
from mia.storage import person_files
from mia.storage.backup import Backup, write_backup
from mia.storage.files import table_writer
from mia.storage.policies import store_policy
from mia.storage.run_lock import run_lock
from mia.tables import CHANNEL, EVENT_ID, KIND, OCCURRED_AT, OFFER_ID, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_of

YARDSTICKS = {name: RANKERS[name] for name in ("popular", "popular_by_region", "logistic")}
EVENTS_OF_CONTACT = (EVENT_ID, OCCURRED_AT, SUBSCRIBER_ID, OFFER_ID, KIND, CHANNEL)
RETRAIN_LOCK = "retrain.lock"
NOT_OF_A_MODEL = (
    *("home", "ledger_url", "threads", "memory_limit", "headline", "engine", "spark_master"),
    *("door", "tokens", "logging", "traces", "pseudonym_key"),
    "decisions",
    "lift",
    "retention",
    "queue",
    "reservation_minutes",
    "uptake",
    "lift",
)
"""Settings that say where and how fast, and change no model."""


class Workspace(Workshop):
    """One workspace folder, opened."""

    def ingest(
        self,
        source: Path,
        *,
        mapping: Path | None = None,
        table: str | None = None,
        pseudonymise: bool = False,
        progress: Progress = no_progress,
    ) -> IngestReport:
        """Load a file or folder; see `mia.services.ingest.ingest`.

        With `pseudonymise`, or the setting, phone numbers become keyed hashes; raises InvalidSettings without a key.
        """
        pseudonymise = pseudonymise or self.settings.ingest.pseudonymise
        return ingest(
            source,
            lake=self.lake,
            ledger=self.ledger,
            rejects=self.rejects,
            scratch=self.home / "spill" / "ingest",
            connect=self.engine.connect,
            now=self.clock(),
            terms=replace(self.terms, pseudonym_key=self.pseudonym_key) if pseudonymise else self.terms,
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
            learnt=self.learning_log.events(),
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

    def back_up(self, out: Path, *, progress: Progress = no_progress) -> Backup:
        """Write one archive of the workspace; see `mia.storage.backup.write_backup`."""
        return write_backup(self.home, out, progress)

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
            self.learning_log,
            self.registry,
            self.build_profiles,
            YARDSTICKS,
            self.policy().arbitration,
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
        most = self.settings.gate.rehearsed_subscribers
        return rehearse(Rehearsal.build(self._trial(version), self.ledger, most), time.perf_counter_ns)

    def _trial(self, version: str) -> DecisionMaker:
        """Takes decisions with a version that need not be live. Nobody is in the control arm: the model is tried."""
        versions = replace(self.newest_versions(), model=version)
        return self._decision_maker(lambda: versions, ArmSplit(self.settings.arms.salt, 0.0))

    def knock_out(self, version: str, *, progress: Progress = no_progress) -> Knocked:
        """How the ranking of a version would change without each factor of arbitration; see `KnockOut`.

        Raises UnknownModel, UnreadableModel and FeatureMismatch for a model that cannot rank.
        """
        self.ranker(version)
        return KnockOut.build(self._trial(version), self.ledger).run(progress)

    def set_policy(self, path: Path) -> Policy:
        """Put the policy of a file in force. Raises InvalidInput, which leaves the present one in force."""
        text, policy = load_policy(path)
        with self.lake.change() as change:
            store_policy(self.lake, change, policy, text)
            change.commit()
        return policy

    def monitor(self, name: str, *, days: int, until: int | None = None, progress: Progress = no_progress) -> Health:
        """The health of a model over the days before `until` (microseconds, after all events by default).

        That of the champion is kept. See `mia.services.train.Monitor`.
        """
        version = self.version(name)
        settings = self.settings
        looker = Monitor(self.learning_log, self.registry, self.build_profiles, self.zones, settings.monitor)
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

    def retrain(self, *, as_of: int | None = None, progress: Progress = no_progress) -> Retrained:
        """Profiles, training and the gate in one step; see `mia.services.retrain`. Raises RunBusy.

        With a day, what it learns from are the events before it (00:00 UTC); without, all of them.
        """
        with run_lock(self.home / RETRAIN_LOCK, self.clock()):
            until = None if as_of is None else as_of * DAY_SECONDS * MICROSECONDS
            day = self.profile_day(as_of)
            known = self.settings.model_dump(mode="json", exclude=set(NOT_OF_A_MODEL))
            versions = {"catalogue": self.catalogue().version, "policy": self.policy().version}
            parts = {**known, "features": feature_fingerprint(), **versions, "as_of": day}
            steps = Steps(
                lambda: self.refresh(day, progress=progress),
                lambda tags: self.train(until=until, tags=tags, progress=progress).version,
                self.promote,
            )
            return retrain(steps, self.registry, state_of(self.lake, self.ledger.events(), until=until, parts=parts))

    @property
    def _person(self) -> PersonRecords:
        return PersonRecords(
            self.lake, self.ledger, self.profiles, person_files, self.rejects, lambda file: self.lake.folder / file.path
        )

    def export_person(self, subscriber_id: str, progress: Progress = no_progress) -> dict[str, Any]:
        """All that is held of a subscriber; see `mia.services.person`."""
        self._require_delivered()
        return self._person.export(subscriber_id, progress)

    def erase_person(self, subscriber_id: str, *, snapshots: bool = False, progress: Progress = no_progress) -> Erased:
        """Forget a subscriber; see `mia.services.person`. With `snapshots` the profiles of the current day are made
        anew, and those that still know the subscriber are removed.
        """
        self._require_delivered()
        erased = self._person.erase(subscriber_id, f"erased-{uuid.uuid4().hex}", progress)
        current = self.profiles.current()
        if not snapshots or current is None or not erased.snapshots:
            return erased
        self.refresh(self.profiles.day(current), progress=progress)
        self.profiles.retire(erased.snapshots)
        return replace(erased, snapshots=tuple(self.profiles.holding(subscriber_id)))

    def _require_delivered(self) -> None:
        """What waits in a spool belongs to somebody, and is not looked through."""
        if any(self.spool.everything()):
            raise SpoolBusy(str(self.spool.folder))

    def prune(self) -> int:
        """Remove decisions that are older than `[retention] decision_months`; returns how many."""
        month = month_of(self.clock() // (DAY_SECONDS * MICROSECONDS))
        return self.ledger.prune_decisions(month - self.settings.retention.decision_months)

    def evaluator(self) -> Evaluator:
        """Evaluates registered models."""
        return Evaluator(
            self.learning_log,
            self.registry,
            self.build_profiles,
            self.policy().arbitration,
            self.zones,
            self.settings.off_policy,
        )

    def pair_scorer(self, version: str) -> PairScorer:
        """Scores pairs with a version of the model; raises UnknownModel, and FeatureMismatch for other features."""
        return PairScorer(
            self.ranker(version),
            self.catalogue(),
            self.lake,
            self.learning_log,
            self.build_profiles,
            self.engine.connect,
            self.zones,
            self.policy().arbitration,
        )

    def score_best(self, version: str, k: int, *, as_of: int, out: Path, progress: Progress = no_progress) -> int:
        """Write the best k offers of every subscriber as of a day to `out`; returns the rows.

        Raises UnknownModel, and FeatureMismatch for a model of other features.
        """
        offers, events = self.current_offers(), self.ledger.events()
        # Spark gives each call a processor of its own.
        threads = self.settings.threads if self.settings.engine == "duckdb" else 1
        learnt, policy = self.learning_log.events(), self.policy()
        best = BestOffers.build(self.ranker(version), offers, events, learnt, policy, as_of, k, threads)
        with table_writer(out) as write:
            return score_best(
                best,
                self.builder.parts_of_day(offers, as_of, progress),
                events.select(list(EVENTS_OF_CONTACT)),
                between=lambda: self.home / "spill" / uuid.uuid4().hex,
                write=write,
            )


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
