"""Typed settings with documented defaults, from `mia.toml` and `MIA_*` variables (nested with `__`).

Example: `MIA_EXPLORATION__EPSILON=0.05`, or in mia.toml `[exploration]` with `epsilon = 0.05`.
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

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
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
from mia.quality.limits import Limits
from mia.uptake.growth import SMALL_BASE

_PREFIX, _NESTED = "MIA_", "__"

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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RegionSetting(_Section):
    """One region of the operator."""

    macro_region: str
    """Group of regions for reports."""
    timezone: Zone
    """IANA time zone that its local days are counted in."""


class ArmSettings(_Section):
    """Experiment arms."""

    salt: str = "mia-2021"
    """Changing the salt draws new arms; do it only when a new experiment begins."""
    control_share: Share = 0.1
    """Share of subscribers that get the non-personalised order."""


class ExplorationSettings(_Section):
    """How the live policy explores."""

    policy: Literal["epsilon-uniform", "plackett-luce", "optimistic"] = "epsilon-uniform"
    """How an exploring decision draws its order: uniformly at random; by worth, with a temperature (Plackett-Luce); or
    so, with the benefit of the doubt for offers of little history."""
    epsilon: Share = 0.1
    """Probability that a decision explores instead of showing the best offers: the bound of what learning may cost."""
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.5
    """Of `plackett-luce` and `optimistic`: weights are worth ** (1 / temperature)."""
    optimism: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Of `optimistic`: standard deviations of an offer's rate that are added to it."""


class IngestSettings(_Section):
    """What intake takes for granted."""

    arrival: Literal["occurred", "load"] = "occurred"
    """When usage arrived that does not say so: when it happened (of histories) or when it is loaded (of live feeds)."""


class ContactSettings(_Section):
    """Contact policy: how often a subscriber may be asked."""

    impression_cap: Annotated[int, Field(ge=1)] = 12
    """Impressions of one offer to one subscriber within `impression_window_days` after which it rests."""
    impression_window_days: Days = 30
    """Sliding window of the impression cap, in days."""
    decline_cooldown_days: Days = 30
    """Days an offer rests after the subscriber declined it."""


class ProfileSettings(_Section):
    """Usage profiles."""

    keep_snapshots: Annotated[int, Field(ge=1)] = 8
    """Newest profile snapshots that are kept; a decision can be rebuilt as long as its snapshot is."""


class UptakeSettings(_Section):
    """Figures of growth; docs/uptake.md says what each is."""

    attribution_days: Annotated[int, Field(ge=1)] = 14
    """Days after an impression within which a connection counts as its answer in acceptance rates."""
    small_base: Annotated[int, Field(ge=1)] = SMALL_BASE
    """Ratios and percentages that would be divided by fewer than this are left empty and marked."""
    late_share: Share = 0.001
    """Share of events that may come later than all others before a period counts as incomplete for it."""
    history_days: Annotated[int, Field(ge=1)] = 45
    """An event that comes more days late than this is history loaded afterwards and tells nothing of usual lateness."""


class TrainingSettings(_Section):
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
    ingest: IngestSettings = IngestSettings()
    arms: ArmSettings = ArmSettings()
    exploration: ExplorationSettings = ExplorationSettings()
    contact: ContactSettings = ContactSettings()
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
    # Its own name would hide a method of pydantic.
    validation: Limits = Field(default=Limits(), alias="validate")
    """Section `[validate]`: what `mia validate` tolerates; for example `late_records = {warn = 0.05, fail = 0.25}`."""

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
    if item["type"] == "extra_forbidden":
        return f"unknown setting {last!r}" + (f" in [{'.'.join(section)}]" if section else "")
    rule = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{'.'.join([*section, last])}: {rule}"
