"""Typed settings with documented defaults, from `mia.toml` and `MIA_*` variables (nested with `__`).

Example: `MIA_EXPLORATION__EPSILON=0.05`, or in mia.toml `[exploration]` with `epsilon = 0.05`.
"""

from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Literal
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

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


Zone = Annotated[str, AfterValidator(_known_zone)]


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

    epsilon: Share = 0.1
    """Probability that a decision shows a uniformly random order of the eligible offers."""


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


class TrainingSettings(_Section):
    """Defaults of `mia train`."""

    attribution_days: Annotated[int, Field(ge=1)] = 14
    """Days after an impression within which a connection counts as its answer."""
    holdout_share: Share = 0.2
    """Share of the latest impressions kept for evaluation."""
    seed: int = 7
    """Random seed of the fit."""


class GateSettings(_Section):
    """What a model must show before it goes live."""

    minimum_positives: int = 200
    """Connections in the evaluation window."""
    minimum_auc_gain: float = 0.0
    """AUC above the popular order; the lower end of the 95 % interval must exceed it."""
    maximum_calibration_error: float = 0.02
    """Expected calibration error of acceptance."""


class Settings(BaseSettings):
    """All settings of MIA."""

    model_config = SettingsConfigDict(
        env_prefix="MIA_",
        env_nested_delimiter="__",
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
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads of the data engine and of training."""
    memory_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")] = "2GB"
    """Memory the data engine may use before it spills to disk, for example 2GB."""
    ingest: IngestSettings = IngestSettings()
    arms: ArmSettings = ArmSettings()
    exploration: ExplorationSettings = ExplorationSettings()
    contact: ContactSettings = ContactSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()

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


def load_settings(home: Path | None = None) -> Settings:
    """Settings of this process; `home` overrides the workspace. Raises InvalidSettings naming each bad setting."""
    try:
        return Settings(home=home) if home is not None else Settings()
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise InvalidSettings("settings: " + "; ".join(lines)) from error
    except SettingsError as error:
        raise InvalidSettings(f"settings: {error}") from error
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"mia.toml: {error}") from error
