"""What each check tolerates. The settings take these as their section `[validate]`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A check warns when its value exceeds `warn`, and fails when it exceeds `fail`; raises ValueError out of order."""

    warn: float
    fail: float

    def __post_init__(self) -> None:
        if not 0 <= self.warn <= self.fail:
            raise ValueError("a limit needs 0 <= warn <= fail")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the checks by name, and what they need to judge by; raises ValueError for what cannot be."""

    newest_usage: Limit = Limit(1, 3)
    """Days before as-of that are still without any record."""
    lagging_kind_region: Limit = Limit(2, 7)
    """The same for the kind and region that lags most."""
    newest_load: Limit = Limit(1, 3)
    """Days since usage was last loaded."""
    missing_days: Limit = Limit(0, 2)
    """Days without any record between the first and the newest."""
    missing_cells: Limit = Limit(0, 0.005)
    """Share of (day, kind, region) without a record where there should be many."""
    sudden_drop: Limit = Limit(0.5, 0.8)
    """Largest share of its usual volume that a day, kind and region lacked; without any record it counts as missing."""
    sudden_rise: Limit = Limit(3, 10)
    """Largest multiple of the usual volume that a day, kind and region brought."""
    silent_30_days: Limit = Limit(0.2, 0.5)
    """Share of subscribers without usage in 30 days, in all and in the worst region."""
    silent_90_days: Limit = Limit(0.1, 0.3)
    """Share of subscribers without usage in 90 days, in all and in the worst region."""
    duplicate_rows: Limit = Limit(0.01, 0.1)
    """Share of duplicate rows in the worst file of usage."""
    rejected_rows: Limit = Limit(0.01, 0.1)
    """Share of rejected rows in the worst file of usage."""
    late_records: Limit = Limit(0.05, 0.25)
    """Share of records that arrived more than `late_after_days` after their local day."""
    corrected_records: Limit = Limit(0.02, 0.1)
    """Share of records that a later version corrected."""
    withdrawn_records: Limit = Limit(0.01, 0.05)
    """Share of records that were taken back for good."""
    unknown_category: Limit = Limit(0.02, 0.2)
    """Share of records without category in the worst of `categorised_kinds`."""
    before_activation: Limit = Limit(0, 0.001)
    """Share of records from before their subscriber's contract began."""
    value_jump: Limit = Limit(3, 10)
    """Largest factor between a kind's median or 99 % quantile of a day and what it usually is."""
    extreme_value: Limit = Limit(1_000, 100_000)
    """Largest value of a kind as a multiple of its 99 % quantile."""
    no_tariff: Limit = Limit(0.01, 0.1)
    """Share of subscribers without a tariff."""
    no_allowance: Limit = Limit(0.01, 0.1)
    """Share of subscribers on a tariff whose allowances are not all known."""
    days: int = 366
    """Days before as-of that are judged; older ones are not read."""
    weeks: int = 8
    """Weeks before a day whose same weekday says what is usual: their median, from 3 on."""
    minimum_records: int = 100
    """Records a day below which a volume is too small to be judged; also rows of a file, values of a quantile."""
    minimum_subscribers: int = 100
    """Subscribers below which a region is too small to be judged by itself."""
    late_after_days: int = 0
    """Days after its local day on which a record still arrives in time."""
    categorised_kinds: tuple[str, ...] = ("data", "content")
    """Kinds whose records should name a category."""
    allowances: tuple[str, ...] = ("tariff_data_mb", "tariff_voice_minutes", "tariff_sms")
    """Attributes of subscribers that hold what their tariff includes."""
    examples: int = 5
    """Examples that a check names at most."""

    def __post_init__(self) -> None:
        for name, least in (
            ("days", 1),
            ("weeks", 3),
            ("minimum_records", 1),
            ("minimum_subscribers", 1),
            ("late_after_days", 0),
            ("examples", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}")
