"""Typed settings with documented defaults, from `mia.toml` and `MIA_*` variables (nested with `__`).

Example: `MIA_ARMS__CONTROL_SHARE=0.05`, or in mia.toml `[arms]` with `control_share = 0.05`. What steers decisions,
such as caps and exploration, is no setting but a policy with versions: `mia policy`.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from mia.domain.region import REGIONS
from mia.errors import InvalidSettings
from mia.evaluation.gate import GateLimits
from mia.evaluation.health import MonitorLimits
from mia.evaluation.off_policy import OffPolicyLimits
from mia.evaluation.slices import SliceRules
from mia.quality.catalogue import CatalogueLimits
from mia.quality.limits import Limits
from mia.sections import DoorSettings, LoggingSettings, Section, TokenSettings
from mia.uptake.growth import SMALL_BASE
from mia.uptake.lift.rules import LiftRules

_PREFIX, _NESTED = "MIA_", "__"
_OF_THE_POLICY = ("exploration", "contact")
_POLICY_HINT = (
    "is part of the policy file: `mia policy show > policy.yaml`, change it there, `mia policy set policy.yaml`"
)

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def _amount_of_memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", text):
        raise ValueError(f"must be a number with a unit, such as 2GB or 512MiB, not {text!r}")
    return text


RankerName = Literal["lightgbm", "lambdarank", "logistic", "popular", "popular_by_region"]
ObjectiveName = Literal["acceptance", "value"]
Zone = Annotated[str, AfterValidator(_known_zone)]
Memory = Annotated[str, AfterValidator(_amount_of_memory)]


class RegionSetting(Section):
    """One region of the operator."""

    macro_region: str
    """Group of regions for reports."""
    timezone: Zone
    """IANA time zone that its local days are counted in."""


class ArmSettings(Section):
    """Experiment arms."""

    salt: str = "mia-2021"
    """Changing the salt draws new arms; do it only when a new experiment begins."""
    control_share: Share = 0.1
    """Share of subscribers that get the non-personalised order."""


class IngestSettings(Section):
    """What intake takes for granted."""

    pseudonymise: bool = False
    """Always ingest as with `--pseudonymise`: phone numbers become keyed hashes (key: MIA_PSEUDONYM_KEY)."""
    arrival: Literal["occurred", "load"] = "occurred"
    """When usage arrived that does not say so: when it happened (of histories) or when it is loaded (of live feeds)."""


class RetentionSettings(Section):
    """What `mia prune` leaves."""

    decision_months: Annotated[int, Field(ge=1)] = 13
    """Whole months of decisions that are kept beside the present one; events are kept for good."""


class QueueSettings(Section):
    """How much may wait for the ledger before callers are told to come again."""

    submissions: Annotated[int, Field(ge=1)] = 4_096
    """Requests that may wait for a commit in one worker."""
    patience_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Age at which what waits is given up, so that nobody is answered after they have left."""
    spool_megabytes: Annotated[int, Field(ge=0)] = 256
    """Room of a worker's local spool while the ledger is away; half of it for events, the rest for decisions."""


class DecisionSettings(Section):
    """How long a decision waits for what it is made of, in milliseconds."""

    scorer_budget_ms: Annotated[float, Field(gt=0)] = 100.0
    """Longest that the model may take; then the answer is the popular order and says `model_slow`."""
    ledger_budget_ms: Annotated[float, Field(gt=0)] = 500.0
    """Longest that reading the contact history may take; then offers that need it rest (`ledger_unavailable`)."""


class ProfileSettings(Section):
    """Usage profiles."""

    keep_snapshots: Annotated[int, Field(ge=1)] = 8
    """Newest profile snapshots that are kept; a decision can be rebuilt as long as its snapshot is."""


class UptakeSettings(Section):
    """Figures of growth; docs/uptake.md says what each is."""

    attribution_days: Annotated[int, Field(ge=1)] = 14
    """Days after an impression within which a connection counts as its answer in acceptance rates."""
    small_base: Annotated[int, Field(ge=1)] = SMALL_BASE
    """Ratios and percentages that would be divided by fewer than this are left empty and marked."""
    late_share: Share = 0.001
    """Share of events that may come later than all others before a period counts as incomplete for it."""
    history_days: Annotated[int, Field(ge=1)] = 45
    """An event that comes more days late than this is history loaded afterwards and tells nothing of usual lateness."""


class TrainingSettings(Section):
    """Defaults of `mia train`."""

    attribution_days: Annotated[int, Field(ge=1)] = 14
    """Days after an impression within which a connection counts as its answer."""
    holdout_share: Share = 0.2
    """Share of the latest impressions kept for evaluation."""
    seed: int = 7
    """Random seed of the fit."""
    ranker: RankerName = "lightgbm"
    """Kind of ranker that is fitted."""
    objective: ObjectiveName = "value"
    """What a new model orders offers by: acceptance, or expected value (acceptance x margin x priority)."""


class Settings(BaseSettings):
    """All settings of MIA."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_prefix_target="all",
        env_nested_delimiter=_NESTED,
        toml_file="mia.toml",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    home: Path = Path(".mia")
    """Workspace folder: lake, ledger, profile snapshots, models."""
    ledger_url: str | None = None
    """SQLAlchemy URL of the ledger; None is SQLite in the workspace. Example: postgresql+psycopg://mia@host/mia"""
    regions: dict[str, RegionSetting] = {
        region.name: RegionSetting(macro_region=region.macro_region, timezone=region.timezone)
        for region in REGIONS.values()
    }
    """Regions with their macro-region and time zone."""
    default_timezone: Zone = "UTC"
    """Time zone of regions that are not listed."""
    usage_kinds: dict[str, str] = {}
    """Further kinds of usage records and their unit, for example `purchase = "item"`."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What computes profiles: DuckDB in the process, or a Spark cluster (extra `spark`, Java 17)."""
    spark_master: str = "local[2]"
    """Master URL of Spark, for example spark://host:7077; the lake must lie under the same path on all its machines."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads of the data engine and of training."""
    memory_limit: Memory = "2GB"
    """Memory the data engine may use before it spills to disk, for example 2GB."""
    headline: str = "Urals"
    """Macro-region that the headline of the demo and of the dashboard speaks of, unless an address names another."""
    reservation_minutes: Annotated[int, Field(ge=0, le=1440)] = 15
    """Minutes that an offer of an answer keeps its place in caps and budgets while no impression of it has come."""
    pseudonym_key: SecretStr | None = None
    """Key that `mia ingest --pseudonymise` hashes phone numbers with; keep it in the environment: MIA_PSEUDONYM_KEY."""
    traces: bool = False
    """Whether requests become OpenTelemetry traces (extra `otel`; the exporter reads its own OTEL_* variables)."""
    door: DoorSettings = DoorSettings()
    tokens: TokenSettings = TokenSettings()
    logging: LoggingSettings = LoggingSettings()
    ingest: IngestSettings = IngestSettings()
    arms: ArmSettings = ArmSettings()
    retention: RetentionSettings = RetentionSettings()
    queue: QueueSettings = QueueSettings()
    decisions: DecisionSettings = DecisionSettings()
    profiles: ProfileSettings = ProfileSettings()
    training: TrainingSettings = TrainingSettings()
    uptake: UptakeSettings = UptakeSettings()
    gate: GateLimits = GateLimits()
    """Section `[gate]`: what a model must show to go live, such as `auc_loss = {amber = 0.005, red = 0.02}`."""
    slices: SliceRules = SliceRules()
    """Section `[slices]`: what counts as new and thin, and how large a slice must be to be judged."""
    monitor: MonitorLimits = MonitorLimits()
    """Section `[monitor]`: what a live model may show, such as `score_drift = {amber = 0.1, red = 0.25}`."""
    off_policy: OffPolicyLimits = OffPolicyLimits()
    """Section `[off_policy]`: what a log must offer before `mia evaluate` lets the value of a policy pass unwarned."""
    lift: LiftRules = LiftRules()
    """Section `[lift]`: how lift is measured, such as `pre_days = 60` or `planned_connections = 0.2`."""
    # Its own name would hide a method of pydantic.
    validation: Limits = Field(default=Limits(), alias="validate")
    """Section `[validate]`: what `mia validate` tolerates; for example `late_records = {warn = 0.05, fail = 0.25}`."""
    catalogue: CatalogueLimits = CatalogueLimits()
    """Section `[catalogue]`: what `mia validate --catalogue` tolerates, such as `expired = {warn = 0, fail = 10}`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, mia.toml."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(home: Path | None = None, **given: Any) -> Settings:  # noqa: ANN401 - any setting
    """Settings of this process; `home` and what else is given and not None go before environment and file.

    Raises InvalidSettings that names each bad setting, and each MIA_* variable that is none.
    """
    _require_known_variables()
    try:
        return Settings(**{name: value for name, value in {"home": home, **given}.items() if value is not None})
    except ValidationError as error:
        raise InvalidSettings("settings: " + "; ".join(_explain(item) for item in error.errors())) from error
    except SettingsError as error:
        name = re.search(r'field "(\w+)"', str(error))
        where = f"{_PREFIX}{name[1].upper()}: " if name else ""
        raise InvalidSettings(f'settings: {where}must be JSON, such as {{"name": ...}}') from error
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"mia.toml: {error}") from error


def _require_known_variables() -> None:
    """Refuse a variable that would be passed over without a word, most often one that is misspelt."""
    known, open_ended = list(_variables()), tuple(_open_variables())
    for name in sorted(os.environ):
        upper = name.upper()
        if upper.startswith(_PREFIX) and upper not in known and not upper.startswith(open_ended):
            section = upper.removeprefix(_PREFIX).split(_NESTED)[0].lower()
            if section in _OF_THE_POLICY:
                raise InvalidSettings(f"settings: {name} is no setting any more; {section} {_POLICY_HINT}")
            inner = _NESTED + upper.removeprefix(_PREFIX)
            near = [other for other in known if other.endswith(inner)] or get_close_matches(upper, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(n for n in known if '__' not in n)}"
            raise InvalidSettings(f"settings: there is no variable {name}; {hint}")


def _variables(model: type[BaseModel] | None = None, prefix: str = _PREFIX) -> Iterator[str]:
    """Every variable that sets something by itself."""
    for name, field in (model or Settings).model_fields.items():
        variable = f"{prefix}{field.alias or name}".upper()
        yield variable
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{variable}{_NESTED}")


def _open_variables() -> Iterator[str]:
    """What the variables of settings begin with that are checked elsewhere, such as regions, named by the operator."""
    for name, field in Settings.model_fields.items():
        if get_origin(field.annotation) is dict or is_dataclass(field.annotation):
            yield f"{_PREFIX}{field.alias or name}{_NESTED}".upper()


def _explain(item: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    """One broken rule, without pydantic's words."""
    *section, last = (str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden" and not section and last in _OF_THE_POLICY:
        return f"[{last}] is no section any more; {last} {_POLICY_HINT}"
    if item["type"] == "extra_forbidden":
        return f"unknown setting {last!r}" + (f" in [{'.'.join(section)}]" if section else "")
    rule = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{'.'.join([*section, last])}: {rule}"
